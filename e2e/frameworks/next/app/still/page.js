import Link from "next/link";

const Still = () => <><h1>Still</h1><Link id="links" href="/links">Links</Link></>;
export default Still;
