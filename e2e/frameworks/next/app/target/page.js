import Link from "next/link";

export const dynamic = "force-dynamic";
const Target = () => <><h1>Target</h1><Link id="links" href="/links" prefetch={false}>Links</Link></>;
export default Target;
