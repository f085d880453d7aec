// What goaltrack's script costs a page: node cost.mjs SERVER, run by .ci/page-cost. It goes
// to a page with the script and without, in turn, and prints medians.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { launch } from "./browser.mjs";

const pairs = 20;
const clicks = 200;
const interactions = 10; // in each visit of a pair

const server = spawn(process.argv[2], [], { stdio: ["pipe", "pipe", "inherit"] });
const [desk] = await once(createInterface(server.stdout), "line");
const open = async (options) => (await fetch(`${desk}/shops`, { method: "POST", body: JSON.stringify(options) })).json();

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

// interval is where the median of such a list lies, with 95 %: of 10,000 lists that are drawn
// from it (a bootstrap). The seed is fixed, so that the same list gives the same.
function interval(list) {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const medians = Array.from({ length: 10_000 }, () => median(list.map(() => list[Math.floor(random() * list.length)]))).sort((a, b) => a - b);
  return `${median(list).toFixed(2)} [${medians[250].toFixed(2)}, ${medians[9749].toFixed(2)}]`;
}

const shown = (list) => `${median(list).toFixed(2)} (${Math.min(...list).toFixed(2)} to ${Math.max(...list).toFixed(2)})`;

const browser = await launch();
const major = browser.version().split(".")[0];
const context = await browser.newContext({
  userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`,
});
const page = await context.newPage();

// visit goes to a page, and returns what the browser measured of it.
async function visit(port) {
  await page.goto(`http://localhost:${port}/in/a`);
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        const got = { lcp: 0, long: 0 };
        new PerformanceObserver((l) => l.getEntries().forEach((e) => (got.lcp = e.startTime))).observe({ type: "largest-contentful-paint", buffered: true });
        new PerformanceObserver((l) => (got.long += l.getEntries().length)).observe({ type: "longtask", buffered: true });
        setTimeout(() => resolve({ ...got, requests: performance.getEntriesByType("resource").length, bytes: performance.getEntriesByType("resource").reduce((n, e) => n + e.encodedBodySize, 0) }), 300);
      }),
  );
}

// interact clicks on a button that a goal is about, some times, and returns what came of it:
// the longest interaction of the page, which is what INP is for so few, as the browser tells
// it (https://www.w3.org/TR/event-timing/, in steps of 8 ms); and the median of the times from
// the click until something can run after the next paint, which has no steps.
async function interact(port) {
  await page.goto(`http://localhost:${port}/in/a`);
  await page.evaluate(() => {
    window.longest = 0;
    window.toPaint = [];
    new PerformanceObserver((l) => l.getEntries().forEach((e) => e.interactionId && (longest = Math.max(longest, e.duration)))).observe({ type: "event", durationThreshold: 16, buffered: true });
    addEventListener("click", (event) => requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => toPaint.push(performance.now() - event.timeStamp);
      after.port2.postMessage(0);
    }), true);
  });
  const { x, y } = await page.locator("#button").boundingBox();
  for (let i = 0; i < interactions; i++) {
    await page.mouse.click(x + 5, y + 5);
    await page.waitForFunction((n) => toPaint.length === n, i + 1);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  return page.evaluate(() => ({ longest, toPaint }));
}

// click measures what the listeners on the document take that were there before.
async function click(port) {
  await page.goto(`http://localhost:${port}/in/a`);
  await page.evaluate(() => {
    let at = document.getElementById("later-here");
    for (let i = 0; i < 30; i++) at = at.appendChild(document.createElement("div"));
    at.textContent = "deep";
    at.id = "deep";
    let began;
    window.took = [];
    addEventListener("click", () => (began = performance.now()), true);
    document.addEventListener("click", () => took.push(performance.now() - began), true);
  });
  const { x, y } = await page.locator("#deep").boundingBox();
  for (let i = 0; i < clicks; i++) await page.mouse.click(x + 1, y + 1);
  return page.evaluate(() => took.reduce((a, b) => a + b) / took.length);
}

const without = await open({});
const kinds = { "with the rules in the tag": await open({ page: "script" }), "with the loader": await open({ page: "loader" }) };
for (const [name, shop] of Object.entries(kinds)) {
  const a = [], b = [], differ = [];
  let long = 0, last;
  await visit(without.port), await visit(shop.port); // files are kept from here on
  for (let i = 0; i < pairs; i++) {
    let plain;
    if (i % 2) plain = await visit(without.port);
    last = await visit(shop.port);
    plain ??= await visit(without.port);
    a.push(plain.lcp), b.push(last.lcp), differ.push(last.lcp - plain.lcp);
    long += last.long - plain.long;
  }
  console.log(`${name}: LCP ${shown(b)} ms, without ${shown(a)} ms, difference ${shown(differ)} ms, median with its interval ${interval(differ)} ms; ${long} long tasks more; ${last.requests} requests, ${last.bytes} bytes of files`);
}
const plain = await click(without.port);
const many = await open({ page: "script", clicks: 50 });
const longest = [], toPaint = [];
for (let i = 0; i < pairs; i++) {
  const turns = i % 2 ? [without, many] : [many, without];
  const got = new Map();
  for (const shop of turns) got.set(shop, await interact(shop.port));
  longest.push(got.get(many).longest - got.get(without).longest);
  toPaint.push(median(got.get(many).toPaint) - median(got.get(without).toPaint));
}
console.log(`INP with 51 click rules, ${pairs} pairs of ${interactions} clicks, median of the differences [95 %]: ${interval(longest)} ms as the browser tells it, ${interval(toPaint)} ms from click to after the next paint`);
console.log(`a click on a page with 50 rules, 30 elements deep: ${(await click(many.port)).toFixed(3)} ms, without the script ${plain.toFixed(3)} ms`);
await browser.close();
server.stdin.end();
