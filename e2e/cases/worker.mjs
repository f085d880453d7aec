// A service worker of the site between the browser and goaltrack.

import assert from "node:assert/strict";
import { requests, test } from "../harness.mjs";

// work has the site's worker at work in the visitor's page.
const work = (page) =>
  page.evaluate(async () => {
    await navigator.serviceWorker.register("/worker.js");
    if (!navigator.serviceWorker.controller) await new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done));
  });

// counts waits until a goal counted so often, and makes sure that it does not count more.
async function counts(shop, goal, n, what) {
  for (let i = 0; i < 100 && ((await shop.report()).goals[goal]?.fired ?? 0) < n; i++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal((await shop.report()).goals[goal]?.fired ?? 0, n, what);
}

for (const how of ["script", "loader", "inject"]) {
  test(`pages that a service worker passes on count once, by their script (${how})`, async (t) => {
    const shop = await t.shop({ page: how });
    const visitor = await t.visitor(shop);
    const { page } = visitor;
    await visitor.go("/in/a");
    await work(page);
    await visitor.go("/in/quiet");
    await page.waitForFunction(() => performance.goaltrack);
    await counts(shop, "QUIET_VIEWED", 1, "the page");
    assert.deepEqual((await shop.report()).goals.QUIET_VIEWED.notFired, { not_navigation: 1 });
    await page.reload();
    await counts(shop, "QUIET_VIEWED", 2, "again");
    await page.click("#button");
    await counts(shop, "BOOKED", 1, "a click on it");
    await page.evaluate(() => {
      const frame = document.createElement("iframe");
      frame.src = "/in/quiet";
      document.body.append(frame);
      return new Promise((done) => { frame.onload = done; });
    });
    await page.click("#button");
    await counts(shop, "BOOKED", 2, "another click");
    assert.equal((await shop.report()).goals.QUIET_VIEWED.fired, 2, "in a frame");
  });
}

test("what a service worker keeps for later is no download", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.go("/home");
  await work(visitor.page);
  const r = await shop.report();
  assert.equal(requests(r, "GET", "/files/guide.pdf").length, 1);
  assert.deepEqual(r.goals.GUIDE_DOWNLOADED, { fired: 0, notFired: { prefetch: 1 } });
  await visitor.contact("ann@example.com");
  assert.equal((await shop.report()).goals.CONTACT_SENT.fired, 1, "a form that the worker passes on");
});
