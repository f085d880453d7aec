import Link from "next/link";

export const getServerSideProps = ({ params }) => ({ props: { id: params.id } });
const Product = ({ id }) => <><h1>Product {id}</h1><Link id="home" href="/">Home</Link></>;
export default Product;
