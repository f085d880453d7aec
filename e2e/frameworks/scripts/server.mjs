// A site whose pages differ by the script that is in them: node server.mjs PORT SCRIPT.
// Frameworks that only need a script in the page are tried with it.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const [port, script] = process.argv.slice(2);
const at = (path) => new URL(path, import.meta.url);
const files = {
  htmx: "node_modules/htmx.org/dist/htmx.min.js",
  turbo: "dist/turbo.js",
  unpoly: "node_modules/unpoly/unpoly.min.js",
  inertia: "dist/inertia.js",
};
const start = { unpoly: "up.link.config.followSelectors.push('a[href]')" };

createServer(async (req, res) => {
  const { pathname } = new URL(req.url, "http://localhost");
  if (pathname === "/script.js") {
    res.setHeader("Content-Type", "text/javascript");
    return res.end(await readFile(at(files[script])));
  }
  if (pathname === "/a.svg") {
    res.setHeader("Content-Type", "image/svg+xml");
    res.setHeader("Cache-Control", "no-store");
    return res.end('<svg xmlns="http://www.w3.org/2000/svg"/>');
  }
  const title = { "/": "Home", "/pricing": "Prices", "/about": "About" }[pathname];
  if (!title) {
    res.statusCode = 404;
    return res.end();
  }
  const page = JSON.stringify({ component: "Page", props: { title, errors: {} }, url: pathname, version: "1" });
  if (script === "inertia" && req.headers["x-inertia"]) {
    res.setHeader("Content-Type", "application/json");
    res.setHeader("X-Inertia", "true");
    res.setHeader("Vary", "X-Inertia");
    return res.end(page);
  }
  res.setHeader("Content-Type", "text/html; charset=utf-8");
  const body =
    script === "inertia"
      ? `<script data-page="app" type="application/json">${page}</script><div id="app"></div>`
      : `<main><h1>${title}</h1><img src="/a.svg" alt=""><a id="pricing" href="/pricing">Prices</a> <a id="about" href="/about">About</a></main>`;
  res.end(`<!doctype html><html lang="en"><head><title>${title}</title><link rel="icon" href="data:,">
<script src="/script.js" defer></script><script>addEventListener("DOMContentLoaded", () => { ${start[script] ?? ""} })</script></head>
<body${script === "htmx" ? ' hx-boost="true"' : ""}>${body}</body></html>`);
}).listen(Number(port), "127.0.0.1");
