import { index, route } from "@react-router/dev/routes";

export default [index("routes/home.jsx"), route("pricing", "routes/pricing.jsx"), route("about", "routes/about.jsx")];
