// What the cases are written with: test, and in it t.shop and t.visitor.

import assert from "node:assert/strict";

// patience is for what hangs, and no case is ever judged by it: on a machine that does
// other work at the same time, a browser can be thirty times as slow.
export const patience = 900_000; // milliseconds

export const sdks = ["cloud", "content", "engage"];

const cases = [];

// test adds a case. What it opened is closed after it, and every shop must then
// have delivered all its events, and have met no call that breaks the contract.
export function test(name, run) {
  cases.push({ name, run });
}

// testWhole adds a case about what a whole browser does by itself: which pages it fetches
// ahead, which ones it keeps, and which cookies.
export function testWhole(name, run) {
  cases.push({ name, run, inWhole: true });
}

// runAll runs the cases whose name contains only, some at a time, with both browsers
// and the server's address, and returns how many passed and failed.
export async function runAll({ browser, whole, desk, only = "", atATime = 3, log }) {
  const chosen = cases.filter((c) => c.name.includes(only));
  const faults = new Map();
  const next = chosen.values();
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (const c of next) {
        const began = performance.now();
        const fault = await runOne(c, new Case(c.inWhole ? whole : browser, desk));
        const took = `${((performance.now() - began) / 1000).toFixed(1)} s`;
        if (fault) faults.set(c.name, fault);
        log(`${fault ? "FAIL" : "ok  "}  ${c.name} (${took})`);
      }
    }),
  );
  for (const [name, fault] of faults) {
    log(`\nFAIL  ${name}\n${String(fault.stack ?? fault).replace(/^/gm, "      ")}`);
  }
  return { passed: chosen.length - faults.size, failed: faults.size };
}

// runOne returns why the case failed, if it did.
async function runOne(c, t) {
  let late;
  const tooLate = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`not done in ${patience / 1000} s`)), patience);
  });
  try {
    await Promise.race([c.run(t), tooLate]);
    await t.settle();
  } catch (err) {
    return err;
  } finally {
    clearTimeout(late);
    await t.close();
  }
}

class Case {
  constructor(browser, desk) {
    this.browser = browser;
    this.desk = desk;
    this.shops = [];
    this.contexts = [];
  }

  // shop opens a shop; for the options see shop.go.
  async shop(options = {}) {
    const { shop, port } = await ask(`${this.desk}/shops`, "POST", JSON.stringify(options));
    const s = new Shop(`${this.desk}/shops/${shop}`, port, options);
    this.shops.push(s);
    return s;
  }

  // visitor is a person with a browser of his own, in a profile that nobody used
  // before. Both Content SDK and goaltrack take HeadlessChrome for a bot.
  async visitor(shop, host = "localhost") {
    const major = this.browser.version().split(".")[0];
    const context = await this.context({
      userAgent: `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${major}.0.0.0 Safari/537.36`,
    });
    return new Visitor(context, await context.newPage(), shop, host);
  }

  // context is a browser with a profile that nobody used before.
  async context(options) {
    const context = await this.browser.newContext(options);
    this.contexts.push(context);
    context.setDefaultTimeout(patience / 3);
    return context;
  }

  async settle() {
    await this.leave();
    for (const s of this.shops) {
      const { refused, events } = await s.report();
      assert.deepEqual((refused ?? []).filter((c) => !s.allowed?.test(c)), [], "calls that broke the contract");
      assert.deepEqual((events ?? []).filter((e) => e.lost), [], "events for a point of sale that is not there");
      const a = await s.close();
      assert.equal(a.delivered, a.accepted, `of what goaltrack accepted: ${JSON.stringify(a)}`);
    }
  }

  async leave() {
    await Promise.all(this.contexts.splice(0).map((c) => c.close()));
  }

  async close() {
    await this.leave().catch(() => {}); // the case has failed for a better reason
    await Promise.all(this.shops.map((s) => s.close().catch(() => {})));
  }
}

class Shop {
  constructor(url, port, options) {
    this.url = url;
    this.port = port;
    this.options = options;
  }

  // report waits until nothing is under way; its fields are those of report.go.
  report() {
    return ask(this.url, "GET");
  }

  // know returns an ID that the CDP made some other day.
  know() {
    return ask(`${this.url}/know`, "POST");
  }

  // fail has the CDP fail ("error", "reset") every browser that wants an ID.
  fail(how) {
    return ask(`${this.url}/fail/${how}`, "POST");
  }

  // mayRefuse says which calls the case means to break the contract.
  mayRefuse(pattern) {
    this.allowed = pattern;
  }

  close() {
    this.closed ??= ask(this.url, "DELETE");
    return this.closed;
  }
}

async function ask(url, method, body) {
  const res = await fetch(url, { method, body });
  if (!res.ok) throw new Error(`${method} ${url}: ${res.status} ${await res.text()}`);
  return res.json();
}

class Visitor {
  constructor(context, page, shop, host) {
    Object.assign(this, { context, page, shop, host });
  }

  url(path, host = this.host) {
    return `${this.shop.options.tls ? "https" : "http"}://${host}:${this.shop.port}${path}`;
  }

  // go opens a page and, if an SDK runs in it, waits until the SDK is done and
  // has been told by the CDP that all is well. It returns the answer's headers.
  async go(path, host) {
    const res = await this.page.goto(this.url(path, host));
    assert.equal(res.status(), 200, path);
    if (path.startsWith("/sdk/")) {
      const { error, answers } = await this.sdk();
      assert.equal(error, undefined, "the SDK");
      assert.deepEqual(answers.map((a) => a?.status), ["OK", "OK"], "answers to the SDK's events");
    }
    return res.allHeaders();
  }

  // sdk returns what became of the page's SDK.
  async sdk() {
    const handle = await this.page.waitForFunction(() => window.sdk);
    return handle.jsonValue();
  }

  // has gives the browser cookies, as scripts of former days left them.
  has(values, host = this.host) {
    return this.context.addCookies(
      Object.entries(values).map(([name, value]) => ({
        name, value, domain: host, path: "/", secure: true, sameSite: "None",
        expires: Date.now() / 1000 + 86_400,
      })),
    );
  }

  // cookies are those the browser would send to host.
  cookies(host) {
    return this.context.cookies(this.url("/", host));
  }

  // id returns the one browser ID there is, and that scripts see the same.
  async id(host) {
    const { cookie, legacy } = await this.shop.report();
    const all = (await this.cookies(host)).filter((c) => /^(bid_|BID_|sc_)/.test(c.name));
    assert.deepEqual(all.map((c) => c.name), [cookie], `browser-ID cookies; ${legacy} is the former name`);
    assert.match(all[0].value, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const seen = await this.page.evaluate(() => document.cookie.split("; "));
    assert.deepEqual(seen.filter((c) => c.startsWith(cookie)), [`${cookie}=${all[0].value}`], "document.cookie");
    return all[0].value;
  }

  // contact sends the contact form and waits for the answer.
  async contact(email) {
    await this.page.goto(this.url("/contact"));
    await this.page.fill("[name=email]", email);
    await this.page.click("button");
    await this.page.waitForLoadState();
  }
}

// assertTold holds what arrived against what should have, all of it under one ID:
// the two events of the SDK's page as often as it was opened (pages), and the
// goals.
export function assertTold(report, id, { pages, ...goals }) {
  const want = { "browser VIEW": pages, "browser E2E:CLICKED": pages };
  for (const [goal, n] of Object.entries(goals)) want[`goaltrack ${goal}`] = n;
  const got = {};
  for (const e of report.events ?? []) {
    const what = `${e.by} ${e.type}${e.id === id ? "" : ` of ${e.id || "nobody"}`}`;
    got[what] = (got[what] ?? 0) + 1;
  }
  assert.deepEqual(got, want);
}

// made counts the IDs that the CDP made, by is "browser" or "goaltrack".
export function made(report, by) {
  return (report.creates ?? []).filter((c) => c.status === 200 && c.by.includes(by ?? "")).length;
}

// used counts those that somebody got, which are not held ready for others.
export function used(report) {
  return made(report) - report.spare;
}

// setOn are the values that the last answer for path set the cookie name to.
export function setOn(report, path, name = report.cookie) {
  const last = report.visits.findLast((v) => v.path === path);
  return (last?.setCookie ?? []).filter((c) => c.startsWith(`${name}=`)).map((c) => c.slice(name.length + 1).split(";")[0]);
}

// requests are those that reached the site.
export function requests(report, method, path) {
  return report.visits.filter((v) => v.method === method && v.path === path);
}
