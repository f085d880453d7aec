// Pages that a browser fetches before anybody looks at them. The server is not
// told when somebody does: it sees no second request.

import assert from "node:assert/strict";
import { test } from "../harness.mjs";

for (const [how, purpose] of [
  ["link", "prefetch"],
  ["prefetch", "prefetch"],
  ["prerender", "prefetch;prerender"],
]) {
  test(`a page fetched ahead (${how}) counts nothing`, async (t) => {
    const shop = await t.shop();
    const visitor = await t.visitor(shop);
    await visitor.go(`/ahead/${how}`);
    const asked = (r) => r.visits.filter((v) => v.path === "/pricing");
    const r = await until(shop, (r) => asked(r).length > 0);
    assert.deepEqual(asked(r).map((v) => [v.purpose, v.setCookie]), [[purpose, null]]);
    assert.deepEqual(r.goals.PRICING_VIEWED, { fired: 0, notFired: { prefetch: 1 } });

    await visitor.page.click("text=Prices");
    await visitor.page.waitForURL("**/pricing");
    const after = await shop.report();
    const shown = asked(after).filter((v) => v.purpose === "");
    assert.equal(after.goals.PRICING_VIEWED.fired, shown.length, "pages asked for to be shown");
  });
}

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
  for (let i = 0; i < 100; i++) {
    const r = await shop.report();
    if (right(r)) return r;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the browser never fetched ahead");
}
