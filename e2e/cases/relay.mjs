// Sitecore's SDKs send through the site, whatever ails the CDP.

import assert from "node:assert/strict";
import { sdks, test } from "../harness.mjs";

const id = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

// arrive opens a page for whose visitor nothing made an ID yet, so that the SDK asks the
// relay for one, and waits until the SDK is done. The site has a session cookie.
async function arrive(shop, visitor) {
  const errors = [];
  visitor.page.on("pageerror", (err) => errors.push(String(err)));
  await visitor.context.addCookies([
    { name: "session", value: "SECRET", url: visitor.url("/"), httpOnly: true },
  ]);
  await visitor.page.goto(visitor.url("/sdk/public"));
  const { error, answers } = await visitor.sdk();
  assert.equal(error, undefined, "the SDK");
  assert.deepEqual(answers.map((a) => a?.status), ["OK", "OK"], "answers to the SDK's events");
  const all = (await visitor.cookies()).filter((c) => /^(bid_|sc_)/.test(c.name));
  for (const c of all) assert.match(c.value, id, c.name);
  const cookies = all.filter((c) => !c.name.endsWith("_personalize")); // which has the profile's ID
  assert.equal(cookies.length, 1);
  return { errors, browser: cookies[0].value };
}

// arrived holds what came to the CDP, all of it under one ID, against what should have.
function arrived(report, browser, want) {
  const got = {};
  for (const e of report.events ?? []) {
    const what = e.id === browser ? e.type : `${e.type} of ${e.id}`;
    got[what] = (got[what] ?? 0) + 1;
    assert.equal(e.by, "goaltrack", "who asked the CDP");
  }
  assert.deepEqual(got, want);
  assert.deepEqual(report.carried ?? [], [], "what is the site's alone");
  assert.equal((report.creates ?? []).filter((c) => c.by === "browser").length, 0, "IDs asked for by the browser");
}

for (const sdk of sdks) {
  for (const trouble of ["", "slow", "slower", "down", "reset", "html"]) {
    test(`relay: ${sdk}, the CDP is ${trouble || "well"}`, async (t) => {
      const shop = await t.shop({ sdk, relay: true, trouble });
      const visitor = await t.visitor(shop);
      const { errors, browser } = await arrive(shop, visitor);
      await shop.fail("nothing");
      arrived(await shop.report(), browser, { VIEW: 1, "E2E:CLICKED": 1 });
      assert.deepEqual(errors, []);
    });
  }

  test(`relay: ${sdk}, a click that leads to another page`, async (t) => {
    const clicks = 17; // of each SDK, 51 together
    const shop = await t.shop({ sdk, relay: true, trouble: "slow" });
    const visitor = await t.visitor(shop);
    const { browser } = await arrive(shop, visitor);
    for (let n = 0; n < clicks; n++) {
      if (n > 0) {
        await visitor.page.goto(visitor.url(`/sdk/public?${n}`)); // Engage says no time
        await visitor.sdk();
      }
      await visitor.page.evaluate((n) => {
        document.querySelector("a").addEventListener("click", () => void window.tell(n));
      }, n);
      await Promise.all([visitor.page.waitForURL("**/contact"), visitor.page.click("a")]);
    }
    await shop.fail("nothing");
    const report = await shop.report();
    arrived(report, browser, { VIEW: clicks, "E2E:CLICKED": 2 * clicks });
    const told = report.events.filter((e) => e.ext?.n !== undefined).map((e) => e.ext.n);
    assert.deepEqual(told.toSorted((a, b) => a - b), Array.from({ length: clicks }, (_, n) => n), "clicks");
  });
}

// Where the CDP says that the script for web personalization is. Engage loads its own from
// elsewhere.
const web = "https://cdn.example/web.js";

for (const sdk of sdks) {
  test(`relay: ${sdk}, decisions`, async (t) => {
    const shop = await t.shop({ sdk, relay: true, personal: true });
    const visitor = await t.visitor(shop);
    await visitor.page.route(web, (route) => route.fulfill({ contentType: "text/javascript", body: "window.personalized = true" }));
    const { errors, browser } = await arrive(shop, visitor);
    assert.deepEqual(await visitor.page.evaluate(() => window.decide()), { flow: "banner", variantId: "spring", cookies: 0 });
    if (sdk !== "engage") await visitor.page.waitForFunction(() => window.personalized);
    arrived(await shop.report(), browser, { VIEW: 1, "E2E:CLICKED": 1 });
    assert.deepEqual(errors, []);
  });

  test(`relay: ${sdk}, decisions that are HTML`, async (t) => {
    const shop = await t.shop({ sdk, relay: true, personal: true, trouble: "html" });
    const visitor = await t.visitor(shop);
    const { errors, browser } = await arrive(shop, visitor);
    const decided = await visitor.page.evaluate(() => window.decide());
    assert.equal(decided?.variantId, undefined);
    const scripts = await visitor.page.evaluate(() => [...document.scripts].map((s) => s.getAttribute("src")).filter(Boolean));
    assert.deepEqual(scripts.filter((src) => !src.startsWith("/scripts/")), [], "what the page loads");
    await shop.fail("nothing");
    arrived(await shop.report(), browser, { VIEW: 1, "E2E:CLICKED": 1 });
    assert.deepEqual(errors, []);
  });
}

test("relay: without consent an SDK goes on quietly, and nothing leaves", async (t) => {
  const shop = await t.shop({ sdk: "engage", relay: true });
  const visitor = await t.visitor(shop);
  await visitor.context.addCookies([{ name: "gt_optout", value: "1", url: visitor.url("/") }]);
  await visitor.page.goto(visitor.url("/sdk/public"));
  const { error, answers } = await visitor.sdk();
  assert.equal(error, undefined, "the SDK");
  assert.deepEqual(answers.map((a) => a?.status), ["OK", "OK"], "answers to the SDK's events");
  const report = await shop.report();
  assert.deepEqual(report.events ?? [], []);
  assert.equal(report.goals.relayed.notFired.opt_out, 2);
  // What Engage wrote into its cookie is gone with the next page.
  await visitor.page.goto(visitor.url("/sdk/private"));
  await visitor.page.waitForFunction(() => window.sdk);
});
