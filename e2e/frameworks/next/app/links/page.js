import Link from "next/link";

export const dynamic = "force-dynamic";
const Links = () => <><h1>Links</h1><Link id="target" href="/target">Target</Link> <Link id="still" href="/still">Still</Link></>;
export default Links;
