// Values that SDKs are known to leave when something went wrong, and that none
// of them ever repairs, since to them the cookie is there.

import assert from "node:assert/strict";
import { assertTold, made, sdks, test, used } from "../harness.mjs";

for (const sdk of sdks) {
  for (const value of ["undefined", ""]) {
    test(`${sdk}: goaltrack replaces "${value}", the SDK adopts the new ID`, async (t) => {
      const shop = await t.shop({ sdk });
      const visitor = await t.visitor(shop);
      const { cookie } = await shop.report();
      await visitor.has({ [cookie]: value });
      await visitor.go("/sdk/unsaid");
      await repaired(shop, await visitor.id());
    });
  }
}

// The same, with the value that the SDK itself leaves when the CDP fails it.
for (const [how, left] of [["error", "undefined"], ["reset", ""]]) {
  test(`engage: an ID refused it (${how}) leaves "${left}", which goaltrack repairs`, async (t) => {
    const shop = await t.shop({ sdk: "engage" });
    shop.mayRefuse(/browser_id is missing|"undefined"/); // the SDK's events under that value
    const visitor = await t.visitor(shop);
    await shop.fail(how);
    await visitor.page.goto(visitor.url("/sdk/public"));
    await visitor.sdk();
    const { cookie } = await shop.report();
    assert.deepEqual((await visitor.cookies()).map((c) => [c.name, c.value]), [[cookie, left]]);
    await visitor.go("/sdk/unsaid");
    await repaired(shop, await visitor.id());
  });
}

async function repaired(shop, id) {
  const r = await shop.report();
  assert.equal(made(r, "browser"), 0, "IDs made for the SDK");
  assert.equal(used(r), 1, "IDs in use");
  assertTold(r, id, { pages: 1, SDK_PAGE_VIEWED: 1 });
}
