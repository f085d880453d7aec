import { createInertiaApp, Link } from "@inertiajs/react";
import { createRoot } from "react-dom/client";

const Page = ({ title }) => (
  <><h1>{title}</h1><Link id="pricing" href="/pricing">Prices</Link> <Link id="about" href="/about">About</Link></>
);

createInertiaApp({
  resolve: () => Page,
  setup: ({ el, App, props }) => createRoot(el).render(<App {...props} />),
});
