// goaltrack's script beside those of Plausible and Umami: node peers.mjs SERVER DIR, run by
// .ci/page-peers, which puts their scripts into DIR. It prints bytes, requests of a page, and
// how many clicks are kept that lead away from it, with collectors that take 300 ms.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";
import { launch } from "./browser.mjs";

const leaves = 50;
const slow = 300; // milliseconds

const server = spawn(process.argv[2], [], { stdio: ["pipe", "pipe", "inherit"] });
const [desk] = await once(createInterface(server.stdout), "line");
const open = async (options) => (await fetch(`${desk}/shops`, { method: "POST", body: JSON.stringify(options) })).json();

// site is one with another's script, and a collector. Their pages have the same link.
async function site(file, tag, link) {
  const code = await readFile(`${process.argv[3]}/${file}`);
  const kept = [];
  const at = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    if (req.url.startsWith("/api/")) {
      await new Promise((resolve) => setTimeout(resolve, slow));
      kept.push(String(Buffer.concat(chunks)));
      res.setHeader("Content-Type", "application/json");
      return res.end("{}");
    }
    if (req.url === "/script.js") {
      res.setHeader("Content-Type", "text/javascript");
      return res.end(code);
    }
    res.setHeader("Content-Type", "text/html");
    res.end(`<!DOCTYPE html><html><head><link rel="icon" href="data:,"><title>a</title>${tag}</head><h1>a</h1>${req.url === "/pricing" ? "" : link}</html>`);
  }).listen(0, "127.0.0.1");
  await once(at, "listening");
  return { at, port: at.address().port, path: "/a", code, clicks: async () => kept.filter((body) => body.includes("Book")).length };
}

// ours is a shop of the browser tests.
async function ours(how) {
  const shop = await open({ page: how, slow });
  const report = async () => (await fetch(`${desk}/shops/${shop.shop}`)).json();
  return { port: shop.port, path: "/in/a", link: "#away", clicks: async () => (await report()).goals.BOOKED?.fired ?? 0 };
}

const sites = {
  "goaltrack, rules in the tag": await ours("script"),
  "goaltrack, loader": await ours("loader"),
  Plausible: await site("plausible.js", `<script src="/script.js" defer></script>`, `<p><a id="away" class="plausible-event-name=Book" href="/pricing">Book and go</a></p>`),
  Umami: await site("umami.js", `<script src="/script.js" defer data-website-id="a"></script>`, `<p><a id="away" data-umami-event="Book" href="/pricing">Book and go</a></p>`),
};

const browser = await launch();
const major = browser.version().split(".")[0];
const agent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`;
for (const [name, s] of Object.entries(sites)) {
  const context = await browser.newContext({ userAgent: agent });
  await context.addInitScript(() => { // their scripts do nothing in a browser that is driven
    Object.defineProperty(navigator, "webdriver", { get: () => false });
    addEventListener("click", () => sessionStorage.setItem("clicked", Date.now()), true);
  });
  const page = await context.newPage();
  const requests = [];
  page.on("request", (r) => requests.push(r));
  const url = `http://localhost:${s.port}${s.path}`;
  await page.goto(url);
  await page.waitForTimeout(slow + 1000);
  const first = requests.splice(0).slice(1).map((r) => `${r.method()} ${new URL(r.url()).pathname}`);
  const files = s.code ? gzipSync(s.code, { level: 9 }).length : (await page.evaluate(() => performance.getEntriesByType("resource").filter((e) => /\.m?js$/.test(new URL(e.name).pathname)).reduce((n, e) => n + e.encodedBodySize, 0)));
  const waits = [];
  for (let i = 0; i < leaves; i++) {
    await page.goto(url, { waitUntil: "load" });
    const { x, y, width, height } = await page.locator("#away").boundingBox();
    await Promise.all([page.waitForURL("**/pricing", { waitUntil: "commit" }), page.mouse.click(x + width / 2, y + height / 2)]);
    waits.push(await page.evaluate(() => performance.timeOrigin - Number(sessionStorage.getItem("clicked"))));
  }
  await page.waitForTimeout(2 * slow);
  waits.sort((a, b) => a - b);
  console.log(`${name}: ${files} bytes gzip, requests of the first page: ${first.join(", ") || "none"}; ${await s.clicks()} of ${leaves} clicks kept; from click to navigation ${waits[leaves / 2].toFixed(0)} ms`);
  await context.close();
}
await browser.close();
for (const s of Object.values(sites)) s.at?.close();
server.stdin.end();
