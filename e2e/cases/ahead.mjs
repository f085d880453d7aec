// Pages that a browser fetches before anybody looks at them. The server is not
// told when somebody does. What the page asks for then tells it.

import assert from "node:assert/strict";
import { patience, testWhole as test } from "../harness.mjs";

for (const [how, purpose] of [
  ["link", "prefetch"],
  ["prefetch", "prefetch"],
  ["prerender", "prefetch;prerender"],
]) {
  test(`a page fetched ahead (${how}) counts once, when it is shown`, async (t) => {
    const shop = await t.shop();
    const visitor = await t.visitor(shop);
    await visitor.go(`/ahead/${how}`);
    const asked = (r) => r.visits.filter((v) => v.path === "/pricing");
    const r = await until(shop, (r) => asked(r).length > 0);
    assert.deepEqual(asked(r).map((v) => [v.purpose, v.setCookie]), [[purpose, null]]);
    assert.deepEqual(r.goals.PRICING_VIEWED, { fired: 0, notFired: { prefetch: 1 } });

    await visitor.page.click("text=Prices");
    await visitor.page.waitForURL("**/pricing");
    await visitor.page.click("text=Contact");
    await visitor.page.waitForURL("**/contact");
    const after = await shop.report();
    assert.deepEqual(after.goals.PRICING_VIEWED, { fired: 1, notFired: { prefetch: 1 } });
    const id = await visitor.id();
    assert.deepEqual(after.events.map((e) => [e.type, e.id]), [["PRICING_VIEWED", id]]);
  });

  test(`a page fetched ahead (${how}) and never shown counts nothing`, async (t) => {
    const shop = await t.shop();
    const visitor = await t.visitor(shop);
    await visitor.go(`/ahead/${how}`);
    await until(shop, (r) => r.visits.some((v) => v.path === "/pricing"));
    await visitor.go("/contact");
    await visitor.go("/home");
    assert.deepEqual((await shop.report()).goals.PRICING_VIEWED, { fired: 0, notFired: { prefetch: 1 } });
  });
}

test("a page that is open and fetched ahead by another tab counts once, whatever comes from it", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.go("/pricing");
  const other = await visitor.context.newPage();
  await other.goto(visitor.url("/ahead/prefetch"));
  await until(shop, (r) => r.visits.some((v) => v.path === "/pricing" && v.purpose));
  await visitor.page.evaluate(() => fetch("/late.png"));
  await visitor.page.click("text=Contact");
  await visitor.page.waitForURL("**/contact");
  assert.deepEqual((await shop.report()).goals.PRICING_VIEWED, { fired: 1, notFired: { prefetch: 1 } });
});

test("a first visitor who fetches ahead makes one guest", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.go("/ahead/prefetch");
  const id = await visitor.id();
  await until(shop, (r) => r.visits.some((v) => v.path === "/pricing"));
  await visitor.go("/contact");
  assert.equal(await visitor.id(), id);
});

// until asks for reports until one is right.
async function until(shop, right) {
  for (const began = performance.now(); performance.now() - began < patience / 3; ) {
    const r = await shop.report();
    if (right(r)) return r;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the browser never fetched ahead");
}
