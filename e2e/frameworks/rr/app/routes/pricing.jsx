import { Link, useLoaderData } from "react-router";

export const loader = () => ({ now: Date.now() });

export default function Page() {
  const { now } = useLoaderData();
  return <><h1>A page</h1><p>{now}</p><Link id="pricing" to="/pricing">Prices</Link> <Link id="about" to="/about">About</Link></>;
}
