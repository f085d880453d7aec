import Link from "next/link";

export const getServerSideProps = () => ({ props: {} });
const Home = () => <><h1>Home</h1><Link id="product" href="/products/42">Product</Link></>;
export default Home;
