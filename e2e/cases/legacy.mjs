// Cookies of the names that older SDKs used are taken over under the present
// name, as the SDKs do it, whoever meets them first.

import assert from "node:assert/strict";
import { assertTold, sdks, setOn, test, used } from "../harness.mjs";

for (const sdk of sdks) {
  const old = sdk === "engage" ? "BID_<client key>" : "sc_<context ID>";

  test(`${sdk}: goaltrack migrates ${old}, the SDK adopts it`, async (t) => {
    const shop = await t.shop({ sdk });
    const visitor = await t.visitor(shop);
    const id = await shop.know();
    const { legacy } = await shop.report();
    await visitor.has({ [legacy]: id });
    await visitor.go("/sdk/unsaid");
    assert.equal(await visitor.id(), id);
    const r = await shop.report();
    assert.deepEqual(setOn(r, "/sdk/unsaid"), [id]);
    assert.deepEqual(setOn(r, "/sdk/unsaid", legacy), [""], "deleted");
    await keeps(shop, visitor, id, 1);
  });

  test(`${sdk}: the SDK migrates ${old}, goaltrack adopts it`, async (t) => {
    const shop = await t.shop({ sdk });
    const visitor = await t.visitor(shop);
    const id = await shop.know();
    const { legacy } = await shop.report();
    await visitor.has({ [legacy]: id });
    await visitor.go("/sdk/public");
    assert.equal(await visitor.id(), id);
    assert.deepEqual(setOn(await shop.report(), "/sdk/public"), []);
    await keeps(shop, visitor, id, 0);
  });

  // Cloud SDK and Engage would write the former one over the present one. goaltrack
  // does not, because anybody could give a visitor such a cookie. It deletes it, so that
  // the SDK behind it finds one ID.
  test(`${sdk}: of two cookies the one of the present name stays`, async (t) => {
    const shop = await t.shop({ sdk });
    const visitor = await t.visitor(shop);
    const id = await shop.know();
    const { cookie, legacy } = await shop.report();
    await visitor.has({ [cookie]: id, [legacy]: await shop.know() });
    await visitor.go("/sdk/unsaid");
    assert.equal(await visitor.id(), id);
    await keeps(shop, visitor, id, 1);
  });
}

// Content SDK's script leaves the older cookie alone. goaltrack keeps the present one and
// deletes the older: anybody could give a visitor such a cookie.
test("content: two cookies that the SDK met first become the present one", async (t) => {
  const shop = await t.shop({ sdk: "content" });
  const visitor = await t.visitor(shop);
  const [older, newer] = [await shop.know(), await shop.know()];
  await visitor.has({ sc_cid: newer, "sc_e2e-context": older });
  await visitor.go("/sdk/public");
  assertTold(await shop.report(), newer, { pages: 1 });
  await visitor.go("/sdk/private");
  assert.equal(await visitor.id(), newer);
  await visitor.go("/sdk/private");
  assert.equal(await visitor.id(), newer);
  assert.equal(used(await shop.report()), 0, "IDs made for somebody who had one");
});

// keeps: all is of this one guest that the visitor, who has been to one page,
// which counted so often, has caused and now causes.
async function keeps(shop, visitor, id, counted) {
  await visitor.go("/sdk/private");
  await visitor.contact("ada@example.com");
  assert.equal(await visitor.id(), id);
  const r = await shop.report();
  assert.equal(used(r), 0, "IDs made for somebody who had one");
  assertTold(r, id, { pages: 2, SDK_PAGE_VIEWED: counted + 1, CONTACT_SENT: 1, THANKS_VIEWED: 1 });
}
