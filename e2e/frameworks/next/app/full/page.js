import Link from "next/link";

export const dynamic = "force-dynamic";
const Full = () => <><h1>Full</h1><Link id="target" href="/target" prefetch={true}>Target</Link></>;
export default Full;
