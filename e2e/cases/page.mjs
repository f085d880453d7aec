// goaltrack's script in pages: what is clicked and seen, pages that a cache answered, and
// consent that is withdrawn in the open page.

import assert from "node:assert/strict";
import { requests, test, testWhole } from "../harness.mjs";

const path = "/goals/e";

// told are the messages that the browser sent to the collector.
const told = (r) => requests(r, "POST", `${path}/c`).length;

const fired = (r, goal) => r.goals[goal]?.fired ?? 0;

// until asks for reports until one is right.
async function until(shop, right, what) {
  let r;
  for (let i = 0; i < 100; i++) {
    r = await shop.report();
    if (right(r)) return r;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what}: ${JSON.stringify(r.goals)}`);
}

// counts waits until a goal counted so often, and makes sure that it does not count more.
async function counts(shop, goal, n, what) {
  await until(shop, (r) => fired(r, goal) >= n, what);
  assert.equal(fired(await shop.report(), goal), n, what);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (const how of ["script", "loader"]) {
  test(`what is clicked counts once, whatever it is (${how})`, async (t) => {
    const shop = await t.shop({ page: how });
    const visitor = await t.visitor(shop);
    const { page } = visitor;
    await visitor.go("/in/a");
    const errors = [];
    page.on("pageerror", (err) => errors.push(err));
    await page.waitForFunction(() => performance.goaltrack);
    let n = 0;
    const books = async (what, act) => {
      await act();
      n++;
      await until(shop, (r) => fired(r, "BOOKED") >= n, what);
    };
    await books("an element with data-goal", () => page.click("#button"));
    await books("a picture in it", () => page.click("#circle"));
    await books("a link in a picture", () => page.click("#svgtext"));
    await books("the middle button", () => page.click("#named", { button: "middle" }));
    await books("with control", () => page.click("#named", { modifiers: ["Control"] }));
    await books("the keyboard", () => page.focus("#named").then(() => page.keyboard.press("Enter")));
    await books("a label, which clicks its field", () => page.click("#label"));
    await page.evaluate(() => {
      const later = document.createElement("button");
      later.dataset.goal = "book-demo";
      later.id = "added";
      later.textContent = "Book";
      document.getElementById("later-here").append(later);
    });
    await books("one that came later", () => page.click("#added"));
    await page.evaluate(() => {
      const root = document.getElementById("later-here").attachShadow({ mode: "open" });
      const inside = document.createElement("p");
      inside.dataset.goal = "book-demo";
      inside.innerHTML = "<b id=inside>Book</b>";
      root.append(inside);
    });
    await books("one in a component", () => page.click("#inside"));
    await page.evaluate(() => {
      document.body.addEventListener("click", (event) => { event.stopPropagation(); event.preventDefault(); }, true);
    });
    await books("one that a script stops", () => page.click("#button"));
    await page.click("#nested");
    await counts(shop, "DEMO_CLICKED", 1, "by a selector, a child of it");
    await page.click("#tel");
    await counts(shop, "CALLED", 1, "a telephone number");
    await page.click("#other");
    await counts(shop, "LEFT", 1, "another site");
    await page.click("#own");
    await page.evaluate(() => document.getElementById("button").click()); // nobody clicks here
    await pause(200);
    const r = await shop.report();
    assert.deepEqual([fired(r, "BOOKED"), fired(r, "LEFT")], [n, 1], "what a script clicks, and a link of the site");
    assert.deepEqual(errors, []);
    const id = await visitor.id();
    const demo = r.events.find((e) => e.type === "DEMO_CLICKED");
    assert.deepEqual([demo.id, demo.ext.page, demo.ext.goalFrom], [id, "a", "page"]);
    assert.equal(r.events.find((e) => e.type === "BOOKED").ext.plan, undefined);
    assert.equal(r.events.findLast((e) => e.type === "BOOKED" && e.ext.plan).ext.plan, "pro");
    assert.equal(await page.evaluate(() => Object.keys(localStorage).length + Object.keys(sessionStorage).length), 0);
  });
}

test("a click that leads away counts, 50 of 50, though the collector is slow", async (t) => {
  const shop = await t.shop({ page: "script", slow: 300 });
  const visitor = await t.visitor(shop);
  const { page } = visitor;
  await visitor.go("/in/a");
  const { x, y, width, height } = await page.locator("#away").boundingBox();
  for (let i = 0; i < 50; i++) {
    await page.goto(visitor.url("/in/a"), { waitUntil: "domcontentloaded" }); // deferred scripts ran before that
    await Promise.all([page.waitForURL("**/pricing", { waitUntil: "commit" }), page.mouse.click(x + width / 2, y + height / 2)]);
  }
  await counts(shop, "BOOKED", 50, "of 50");
});

test("a click right before the tab is closed counts", async (t) => {
  const shop = await t.shop({ page: "script", slow: 300 });
  const visitor = await t.visitor(shop);
  await visitor.go("/in/a");
  await visitor.page.waitForFunction(() => performance.goaltrack);
  await visitor.page.click("#button");
  await visitor.page.close();
  await counts(shop, "BOOKED", 1, "the click");
});

test("what is seen for a second counts once in each page", async (t) => {
  const shop = await t.shop({ page: "script" });
  const visitor = await t.visitor(shop);
  const { page } = visitor;
  const look = (id) => page.evaluate((id) => (id ? document.getElementById(id).scrollIntoView() : scrollTo(0, 0)), id);
  await visitor.go("/in/a");
  await page.waitForFunction(() => performance.goaltrack);
  await pause(1200);
  await page.evaluate(() => new Promise((done) => {
    document.getElementById("prices").scrollIntoView();
    setTimeout(() => done(scrollTo(0, 0)), 600); // by the page's own clock, however busy the test is
  }));
  await pause(700);
  assert.equal(fired(await shop.report(), "PRICES_SEEN"), 0, "below the fold, and for 0.6 s");
  await look("prices");
  await counts(shop, "PRICES_SEEN", 1, "for a second");
  await look("");
  await pause(100);
  await look("prices");
  await look("tall");
  await pause(1300);
  assert.equal(fired(await shop.report(), "PRICES_SEEN"), 1, "again");

  await visitor.go("/in/b");
  await page.waitForFunction(() => performance.goaltrack);
  await look("tall");
  await counts(shop, "PRICES_SEEN", 2, "one that is taller than the window");
});

test("what is seen in a tab that is not looked at does not count", async (t) => {
  const shop = await t.shop({ page: "script" });
  const visitor = await t.visitor(shop);
  await visitor.go("/in/a");
  await visitor.page.waitForFunction(() => performance.goaltrack);
  const hide = (hidden) =>
    visitor.page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  await visitor.page.evaluate(() => document.getElementById("prices").scrollIntoView());
  await pause(1300);
  assert.equal(fired(await shop.report(), "PRICES_SEEN"), 0);
  await hide(false);
  await counts(shop, "PRICES_SEEN", 1, "when it is looked at");
});

test("what nobody can see is neither seen nor read", async (t) => {
  const shop = await t.shop({ page: "script" });
  const visitor = await t.visitor(shop);
  const { page } = visitor;
  await visitor.page.addInitScript(() => Object.defineProperty(document, "hidden", { configurable: true, get: () => !window.inFront }));
  await visitor.go("/in/long");
  await page.waitForFunction(() => performance.goaltrack);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await pause(1500);
  assert.equal(fired(await shop.report(), "PAGE_READ"), 0, "behind another tab");
  await page.evaluate(() => { window.inFront = true; });
  await counts(shop, "PAGE_READ", 1, "in front");
  for (const [style, value] of [["visibility", "hidden"], ["opacity", "0"]]) {
    await page.evaluate(([style, value]) => {
      const prices = document.getElementById("prices");
      prices.style.cssText = `${style}: ${value}`;
      prices.scrollIntoView();
    }, [style, value]);
    await pause(1500);
    assert.equal(fired(await shop.report(), "PRICES_SEEN"), 0, style);
  }
  await page.evaluate(() => { document.getElementById("prices").style.cssText = ""; });
  await counts(shop, "PRICES_SEEN", 1, "when it is visible");
  await visitor.go("/in/long");
  await page.evaluate(() => { window.inFront = true; document.body.style.cssText = "margin: 0; height: 100vh; overflow: auto; position: fixed; width: 100%"; });
  await pause(1500);
  assert.equal(fired(await shop.report(), "PAGE_READ"), 1, "of an application that fills the window");
});

test("forms begun, sounds played, pages read and stayed on count", async (t) => {
  const shop = await t.shop({ page: "script" });
  const visitor = await t.visitor(shop);
  const { page } = visitor;
  await visitor.go("/in/long");
  await page.waitForFunction(() => performance.goaltrack);
  await page.fill("#email", "a");
  await page.type("#email", "bc");
  await counts(shop, "FORM_STARTED", 1, "the form");
  await page.evaluate(async () => {
    const samples = 8000 * 0.4; // of silence
    const wav = new DataView(new ArrayBuffer(44 + samples));
    const text = (at, s) => [...s].forEach((c, i) => wav.setUint8(at + i, c.charCodeAt(0)));
    text(0, "RIFF"); wav.setUint32(4, 36 + samples, true); text(8, "WAVEfmt "); wav.setUint32(16, 16, true);
    wav.setUint16(20, 1, true); wav.setUint16(22, 1, true); wav.setUint32(24, 8000, true); wav.setUint32(28, 8000, true);
    wav.setUint16(32, 1, true); wav.setUint16(34, 8, true); text(36, "data"); wav.setUint32(40, samples, true);
    for (let i = 0; i < samples; i++) wav.setUint8(44 + i, 128);
    const audio = document.createElement("audio");
    audio.muted = true;
    audio.src = URL.createObjectURL(new Blob([wav], { type: "audio/wav" }));
    document.body.append(audio);
    await audio.play();
  });
  await counts(shop, "SOUND_STARTED", 1, "a sound that begins");
  await counts(shop, "SOUND_ENDED", 1, "and ends");
  assert.equal(fired(await shop.report(), "PAGE_READ"), 0);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await counts(shop, "PAGE_READ", 1, "the page, to its end");
  await counts(shop, "PAGE_STAYED", 1, "two seconds");
});

testWhole("a page that comes back from the back/forward cache counts once, and its clicks count", async (t) => {
  const shop = await t.shop({ page: "script" });
  const visitor = await t.visitor(shop);
  const { page } = visitor;
  await visitor.go("/in/quiet");
  await page.waitForFunction(() => performance.goaltrack);
  await page.evaluate(() => addEventListener("pageshow", (event) => (window.cameBack = event.persisted)));
  await page.goto(visitor.url("/pricing"));
  await page.evaluate(() => history.back());
  await page.waitForFunction(() => window.cameBack);
  await page.click("#button");
  await counts(shop, "BOOKED", 1, "the click");
  assert.equal(fired(await shop.report(), "QUIET_VIEWED"), 1);
});

testWhole("a page fetched ahead counts when its script says that it is shown", async (t) => {
  const shop = await t.shop({ page: "script" });
  const visitor = await t.visitor(shop);
  await visitor.go("/in/look");
  await until(shop, (r) => requests(r, "GET", "/in/quiet").length > 0, "fetched ahead");
  assert.deepEqual((await shop.report()).goals.QUIET_VIEWED, { fired: 0, notFired: { prefetch: 1 } });
  await visitor.page.click("text=Quiet");
  await counts(shop, "QUIET_VIEWED", 1, "shown");
  assert.equal(requests(await shop.report(), "GET", "/in/quiet").length, 1, "requests for it");
});

test("a page that is prerendered tells nothing until it is shown", async (t) => {
  const shop = await t.shop({ page: "script" });
  const visitor = await t.visitor(shop);
  await visitor.page.addInitScript(() => Object.defineProperty(document, "prerendering", { configurable: true, get: () => !window.shown }));
  await visitor.go("/in/a");
  await visitor.page.click("#button");
  await pause(300);
  assert.equal(told(await shop.report()), 0);
  await visitor.page.evaluate(() => {
    window.shown = true;
    document.dispatchEvent(new Event("prerenderingchange"));
  });
  await visitor.page.click("#button");
  await counts(shop, "BOOKED", 1, "the click after that");
});

test("a page that a CDN answers counts for each who sees it", async (t) => {
  const shop = await t.shop({ page: "loader" });
  const visitors = [await t.visitor(shop), await t.visitor(shop)];
  for (const [i, visitor] of visitors.entries()) {
    await visitor.go("/in/a"); // where they get their ID
    await visitor.go("/kept/a");
    await counts(shop, "KEPT_VIEWED", i + 1, `visitor ${i}`);
  }
  await visitors[1].go("/kept/a");
  await counts(shop, "KEPT_VIEWED", 3, "the second, again");
  await visitors[1].page.click("#button");
  await counts(shop, "BOOKED", 1, "a click on it");
  const ids = await Promise.all(visitors.map((v) => v.id()));
  const r = await shop.report();
  assert.deepEqual(r.events.filter((e) => e.type === "KEPT_VIEWED").map((e) => e.id), [ids[0], ids[1], ids[1]]);
});

for (const by of ["the Navigation API", "pushState"]) {
  test(`each page that a script shows is one (${by})`, async (t) => {
    const shop = await t.shop({ page: "loader" });
    const visitor = await t.visitor(shop);
    const { page } = visitor;
    if (by === "pushState") await page.addInitScript(() => Object.defineProperty(window, "navigation", { value: undefined }));
    await visitor.go("/in/a");
    await page.waitForFunction(() => performance.goaltrack);
    const clicks = () => page.click("#nested");
    await clicks();
    await counts(shop, "DEMO_CLICKED", 1, "on the first page");
    await page.evaluate(() => history.pushState({}, "", "/in/b"));
    await clicks();
    await counts(shop, "DEMO_CLICKED", 2, "on the next");
    await page.evaluate(() => history.replaceState({}, "", "/in/b?tab=2"));
    await page.evaluate(() => history.pushState({}, "", "/other/b"));
    await clicks();
    await pause(200);
    assert.equal(fired(await shop.report(), "DEMO_CLICKED"), 2, "on one that on: does not fit");
    await page.evaluate(() => history.go(-2)); // each click on an anchor was a step, too
    await page.waitForURL("**/in/b**");
    await clicks();
    await counts(shop, "DEMO_CLICKED", 3, "back");
    const pages = (await shop.report()).events.filter((e) => e.type === "DEMO_CLICKED").map((e) => e.ext.page);
    assert.deepEqual(pages, ["a", "b", "b"]);
  });
}

for (const policy of ["self", "nothing", "nonce", "dynamic"]) {
  test(`the script works under a strict policy (${policy})`, async (t) => {
    for (const how of ["script", "loader"]) {
      const shop = await t.shop({ page: how });
      const visitor = await t.visitor(shop);
      const said = [];
      visitor.page.on("console", (m) => { if (/Content Security|Trusted/.test(m.text()) && !/style|image/.test(m.text())) said.push(m.text()); });
      visitor.page.on("pageerror", (err) => said.push(String(err)));
      await visitor.go(`/in/a?policy=${policy}`);
      await visitor.page.waitForFunction(() => performance.goaltrack);
      await visitor.page.click("#button");
      await counts(shop, "BOOKED", 1, how);
      assert.deepEqual(said, [], how);
    }
  });
}

test("the tag gets into pages that nobody can change, unless their policy is against it", async (t) => {
  const shop = await t.shop({ page: "inject" });
  const visitor = await t.visitor(shop);
  const { page } = visitor;
  const said = [];
  page.on("console", (m) => { if (/Content Security|Trusted/.test(m.text()) && !/style|image/.test(m.text())) said.push(m.text()); });
  page.on("pageerror", (err) => said.push(String(err)));
  const tags = () => page.evaluate((src) => document.querySelectorAll(`head > script[src="${src}"]`).length, `${path}/s.js`);
  let clicks = 0;
  for (const policy of ["", "self", "nothing"]) {
    await visitor.go(`/in/a?policy=${policy}`);
    await page.waitForFunction(() => performance.goaltrack);
    await page.click("#button");
    await counts(shop, "BOOKED", ++clicks, policy);
    assert.equal(await tags(), 1, policy);
  }
  for (const policy of ["nonce", "dynamic"]) {
    await visitor.go(`/in/a?policy=${policy}`);
    assert.equal(await tags(), 0, policy);
    assert.equal(await page.evaluate(() => performance.goaltrack), undefined, policy);
  }
  assert.deepEqual(said, []);
});

// What visitors withdraw in the open page, and give again, by the tool that says so.
const tools = {
  "a banner of its own": {
    no: () => document.dispatchEvent(new CustomEvent("goaltrack:consent", { detail: false })),
    yes: () => document.dispatchEvent(new CustomEvent("goaltrack:consent", { detail: true })),
  },
  OneTrust: {
    begin: () => { window.OnetrustActiveGroups = ",C0001,C0002,"; dispatchEvent(new CustomEvent("OneTrustGroupsUpdated")); },
    no: () => { window.OnetrustActiveGroups = ",C0001,"; dispatchEvent(new CustomEvent("OneTrustGroupsUpdated")); },
    yes: () => { window.OnetrustActiveGroups = ",C0001,C0002,"; dispatchEvent(new CustomEvent("OneTrustGroupsUpdated")); },
  },
  Cookiebot: {
    begin: () => { window.Cookiebot = { consent: { necessary: true, statistics: true } }; dispatchEvent(new Event("CookiebotOnAccept")); },
    no: () => { window.Cookiebot.consent.statistics = false; dispatchEvent(new Event("CookiebotOnDecline")); },
    yes: () => { window.Cookiebot.consent.statistics = true; dispatchEvent(new Event("CookiebotOnAccept")); },
  },
  TCF: {
    before: () => { window.__tcfapi = (what, version, tell) => { (window.tell = tell)({ eventStatus: "tcloaded", purpose: { consents: { 1: true, 8: true } } }, true); }; },
    no: () => window.tell({ eventStatus: "useractioncomplete", purpose: { consents: { 1: true, 8: false } } }, true),
    yes: () => window.tell({ eventStatus: "useractioncomplete", purpose: { consents: { 1: true, 8: true } } }, true),
  },
  "the opt-out cookie": {
    no: () => { document.cookie = "gt_optout=1; path=/"; },
    yes: () => { document.cookie = "gt_optout=0; path=/"; },
  },
  "the Global Privacy Control": {
    no: () => Object.defineProperty(navigator, "globalPrivacyControl", { configurable: true, value: true }),
    yes: () => Object.defineProperty(navigator, "globalPrivacyControl", { configurable: true, value: false }),
  },
};

for (const [name, tool] of Object.entries(tools)) {
  test(`who withdraws in the open page is silent at once (${name})`, async (t) => {
    const shop = await t.shop({ page: "loader", consent: true });
    const visitor = await t.visitor(shop);
    const { page } = visitor;
    await visitor.has({ consent: "yes" });
    if (tool.before) await page.addInitScript(tool.before);
    await visitor.go("/in/a");
    await page.waitForFunction(() => performance.goaltrack);
    if (tool.begin) await page.evaluate(tool.begin);
    await page.click("#button");
    await counts(shop, "BOOKED", 1, "before");
    const before = told(await shop.report());
    await page.evaluate(tool.no);
    await page.click("#button");
    await page.click("#nested");
    await page.evaluate(() => document.getElementById("prices").scrollIntoView());
    await pause(1300);
    assert.equal(told(await shop.report()), before, "what left after that");
    await page.evaluate(tool.yes);
    await page.click("#button");
    await counts(shop, "BOOKED", 2, "when they agree again");
  });
}

test("without consent there is no script, and who agrees later begins then", async (t) => {
  const shop = await t.shop({ page: "later", consent: true });
  const visitor = await t.visitor(shop);
  const { page } = visitor;
  await visitor.go("/in/quiet");
  await page.click("#button");
  await pause(200);
  const r = await shop.report();
  assert.deepEqual(r.visits.filter((v) => v.path.startsWith(path)), [], "requests of the script");
  await visitor.has({ consent: "yes" });
  await page.evaluate(() => { // as a tool does it
    const old = document.getElementById("later");
    const tag = document.createElement("script");
    tag.src = old.src;
    old.replaceWith(tag);
  });
  await page.waitForFunction(() => performance.goaltrack);
  await page.click("#button");
  await counts(shop, "BOOKED", 1, "after");
  assert.equal(fired(await shop.report(), "QUIET_VIEWED"), 0, "the page was before");
});

for (const how of ["script", "loader"]) {
  test(`who does not agree gets nothing (${how})`, async (t) => {
    const shop = await t.shop({ page: how, consent: true });
    const visitor = await t.visitor(shop);
    await visitor.go("/in/a");
    await visitor.page.click("#button");
    await pause(200);
    const r = await shop.report();
    assert.equal(told(r), 0);
    assert.deepEqual(r.visits.filter((v) => v.path.startsWith(path)).map((v) => v.path), how === "loader" ? [`${path}/s.js`] : []);
    assert.equal(await visitor.page.evaluate(() => performance.goaltrack), undefined);
  });
}

test("a page of another site can tell nothing", async (t) => {
  const shop = await t.shop({ page: "script" });
  const visitor = await t.visitor(shop);
  await visitor.go("/in/a");
  await visitor.page.goto(visitor.url("/in/a", "other.example"));
  const body = JSON.stringify({ g: "BOOKED", i: "forged-event-1", u: "/in/a", d: {} });
  await visitor.page.evaluate(async ([url, body]) => {
    await fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body }).catch(() => {});
    await fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body, headers: { "Content-Type": "text/plain" } }).catch(() => {});
    await fetch(url, { method: "POST", credentials: "include", body, headers: { "Content-Type": "application/json" } }).catch(() => {});
    navigator.sendBeacon(url, body);
  }, [visitor.url(`${path}/c`, "localhost"), body]);
  await pause(300);
  assert.equal(fired(await shop.report(), "BOOKED"), 0);
});
