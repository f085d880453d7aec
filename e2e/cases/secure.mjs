// The cookie is Secure, as the SDKs have it. Where a browser would not keep it,
// every page would make a guest.

import assert from "node:assert/strict";
import { assertTold, sdks, testWhole as test, used } from "../harness.mjs";

for (const sdk of sdks) {
  for (const [host, tls] of [["localhost", false], ["shop.example", true]]) {
    test(`${sdk}: a Secure cookie on ${tls ? "https" : "http"}://${host}`, async (t) => {
      const shop = await t.shop({ sdk, tls });
      const visitor = await t.visitor(shop, host);
      await visitor.go("/sdk/unsaid");
      await visitor.go("/sdk/unsaid");
      const id = await visitor.id();
      const r = await shop.report();
      assert.equal(used(r), 1, "IDs in use");
      assertTold(r, id, { pages: 2, SDK_PAGE_VIEWED: 2 });
      const [cookie] = await visitor.cookies();
      const { domain, path, secure, httpOnly, sameSite } = cookie;
      assert.deepEqual({ domain, path, secure, httpOnly, sameSite }, {
        domain: host, path: "/", secure: true, httpOnly: false, sameSite: "None",
      });
      // Chromium cuts the two years to 400 days (RFC 6265bis).
      const days = (cookie.expires - Date.now() / 1000) / 86_400;
      assert.ok(days > 395, `kept for ${days} days`);
    });
  }
}

test("on plain http, where the browser would refuse it, nobody gets an ID", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop, "shop.example");
  await visitor.go("/home");
  await visitor.go("/pricing");
  const r = await shop.report();
  assert.equal(used(r), 0, "guests");
  assert.deepEqual(await visitor.cookies(), []);
  assert.deepEqual(r.visits.flatMap((v) => v.setCookie ?? []), []);
  assert.deepEqual(r.goals.PRICING_VIEWED, { fired: 0, notFired: { insecure: 1 } });
});
