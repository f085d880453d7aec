// What a navigation counts as in each framework: node run.mjs APPS GOALTRACK [PART OF A
// ROW'S NAME]. APPS is a folder with the built sites, GOALTRACK the built command. Each
// row is a site behind "goaltrack proxy" with one goal. A browser goes there, and what
// the proxy says when it ends is the row. .ci/frameworks does all of it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [apps, goaltrack, only = ""] = process.argv.slice(2);

// Sites by name: how they are started on a port, and in which folder.
const script = (name) => ({ in: "scripts", run: (port) => ["node", "server.mjs", port, name] });
const sites = {
  htmx: script("htmx"),
  Turbo: script("turbo"),
  Unpoly: script("unpoly"),
  Inertia: script("inertia"),
  Astro: { in: "astro", run: (port) => ["node_modules/.bin/astro", "preview", "--host", "127.0.0.1", "--port", port] },
  SvelteKit: { in: "kit", run: () => ["node", "build/index.js"] },
  "React Router": { in: "rr", run: () => ["node_modules/.bin/react-router-serve", "build/server/index.js"] },
  Nuxt: { in: "nuxt", run: () => ["node", ".output/server/index.mjs"] },
  "Next.js": { in: "next", run: (port) => ["node_modules/.bin/next", "start", "--hostname", "127.0.0.1", "--port", port] },
};

const click = async (page, id) => {
  const before = page.url();
  await page.hover(`#${id}`);
  await page.waitForTimeout(600); // for what is fetched when the mouse is near
  await page.click(`#${id}`);
  await page.waitForURL((url) => url.href !== before);
  await page.waitForTimeout(600); // for what the page fetches
};
const open = (path) => async (page, url) => {
  await page.goto(url + path, { waitUntil: "networkidle" });
  await page.waitForTimeout(500);
};
const then = (...steps) => async (page, url) => {
  for (const step of steps) await step(page, url);
};
const clicks = (id) => (page) => click(page, id);
const hovers = (id) => async (page) => {
  await page.hover(`#${id}`);
  await page.waitForTimeout(1000);
};

// Rows: the site, what the visitor does, the page that counts, and what comes of it.
const rows = [];
const row = (site, what, visit, steps, want) => rows.push({ site, what, visit, steps, want });

for (const [site, want] of Object.entries({
  htmx: "fired 1",
  Turbo: "fired 1 + not fired 1 (prefetch 1)",
  Unpoly: "fired 0 + not fired 1 (not_navigation 1)",
  Inertia: "fired 1",
  Astro: "fired 1 + not fired 2 (not_navigation 1, prefetch 1)",
  SvelteKit: "fired 0 + not fired 1 (not_navigation 1)",
  "React Router": "fired 0 + not fired 1 (not_navigation 1)",
  Nuxt: "fired 0 + not fired 1 (not_navigation 1)",
})) {
  row(site, "click, then on to the next page", "/pricing", then(open("/"), clicks("pricing"), clicks("about")), want);
}
row("Turbo", "the mouse is near, no click", "/pricing", then(open("/"), hovers("pricing")), "fired 0 + not fired 1 (prefetch 1)");
row("Next.js", "pages router with a locale: click", "/products/{id}", then(open("/"), clicks("product")), "fired 1");
row("Next.js", "pages router with a locale: click home", "/", then(open("/products/42"), clicks("home")), "fired 1");
row("Next.js", "app router: click", "/target", then(open("/links"), clicks("target"), clicks("links")), "fired 1 + not fired 2 (prefetch 2)");
row("Next.js", "app router: link in view, no click", "/target", then(open("/links"), hovers("target")), "fired 0 + not fired 2 (prefetch 2)");
row("Next.js", "app router: click on a page made ahead, which asks for nothing", "/still", then(open("/links"), clicks("still"), clicks("links")), "fired 1 + not fired 2 (prefetch 2)");
row("Next.js", "router.refresh, three times", "/dash", then(open("/dash"), async (page) => {
  for (let i = 0; i < 3; i++) {
    const before = await page.textContent("#time");
    await page.click("#refresh");
    await page.waitForFunction((t) => document.querySelector("#time").textContent !== t, before);
  }
}), "fired 1 + not fired 3 (not_navigation 3)");
row("Next.js", "prefetch={true} in view, no click (a limit)", "/target", then(open("/full")), "fired 1 + not fired 1 (prefetch 1)");

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return String(port);
};

const running = new Set();
const start = (command, options = {}) => {
  const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "pipe"], ...options });
  child.output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (child.output += text));
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
};
const stop = async (child) => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
};
const answers = async (url) => {
  for (let i = 0; i < 200; i++) {
    if (await fetch(url).then((r) => r.status < 500, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not answer`);
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
});
const userAgent = `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version().split(".")[0]}.0.0.0 Safari/537.36`;
const work = await mkdtemp(join(tmpdir(), "frameworks-"));
const cdpPort = await freePort();
const cdp = start([goaltrack, "cdp", `--listen=127.0.0.1:${cdpPort}`]);

// visit runs a row and returns what the proxy says of it.
async function visit({ visit, steps }, site) {
  const rules = join(work, "goals.yaml");
  await writeFile(rules, `goals: [{ goal: PAGE_VIEWED, visit: "${visit}" }]\n`);
  const port = await freePort();
  const proxy = start([goaltrack, "proxy", `--listen=127.0.0.1:${port}`, `--to=${site}`, `--rules=${rules}`, `--cdp=http://127.0.0.1:${cdpPort}`, "--client-key=key", "--pos=shop"]);
  const context = await browser.newContext({ userAgent });
  try {
    await answers(`http://localhost:${port}/none`);
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    await steps(page, `http://localhost:${port}`);
  } finally {
    await context.close();
    await stop(proxy);
  }
  return /decisions \d+ = (.*)/.exec(proxy.output)?.[1].replace(" + not fired 0", "") ?? proxy.output;
}

let failed = 0;
try {
  for (const name of Object.keys(sites)) {
    const chosen = rows.filter((r) => r.site === name && `${r.site} ${r.what}`.includes(only));
    if (chosen.length === 0) continue;
    const port = await freePort();
    const site = `http://127.0.0.1:${port}`;
    const server = start(sites[name].run(port), { cwd: join(apps, sites[name].in), env: { ...process.env, PORT: port, HOST: "127.0.0.1", ORIGIN: site } });
    try {
      await answers(site);
      for (const r of chosen) {
        const got = await visit(r, site).catch((err) => String(err));
        const ok = got === r.want;
        failed += ok ? 0 : 1;
        console.log(`${ok ? "ok  " : "FAIL"}  ${name}: ${r.what}: ${got}${ok ? "" : `, want ${r.want}`}`);
      }
    } catch (err) {
      failed++;
      console.log(`FAIL  ${name}: ${err}\n${server.output}`);
    } finally {
      await stop(server);
    }
  }
} finally {
  await browser.close();
  await stop(cdp);
  for (const child of running) child.kill("SIGKILL");
}
console.log(failed === 0 ? "all as in the table" : `${failed} differ`);
process.exitCode = failed === 0 ? 0 : 1;
