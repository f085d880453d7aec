// Cookies of the names that older SDKs used are taken over under the present
// name, as the SDKs do it, whoever meets them first.

import assert from "node:assert/strict";
import { sdks, setOn, test, told, used } from "../harness.mjs";

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
    await keeps(shop, visitor, id);
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
    await keeps(shop, visitor, id);
  });

  // Whose cookie of the former name is still there has been with the site longer
  // under that ID. Cloud SDK and Engage write it over the present one.
  test(`${sdk}: of two cookies the one of the former name wins`, async (t) => {
    const shop = await t.shop({ sdk });
    const visitor = await t.visitor(shop);
    const id = await shop.know();
    const { cookie, legacy } = await shop.report();
    await visitor.has({ [cookie]: await shop.know(), [legacy]: id });
    await visitor.go("/sdk/unsaid");
    assert.equal(await visitor.id(), id);
    await keeps(shop, visitor, id);
  });
}

// Content SDK's script, other than its server side, leaves the older cookie
// alone; goaltrack does what the server side does, and from then on there is one.
test("content: two cookies that the SDK met first become one on goaltrack's next page", async (t) => {
  const shop = await t.shop({ sdk: "content" });
  const visitor = await t.visitor(shop);
  const [older, newer] = [await shop.know(), await shop.know()];
  await visitor.has({ sc_cid: newer, "sc_e2e-context": older });
  await visitor.go("/sdk/public");
  assert.deepEqual(told(await shop.report(), newer), ["browser E2E:CLICKED as known", "browser VIEW as known"]);
  await visitor.go("/sdk/private");
  assert.equal(await visitor.id(), older);
  await visitor.go("/sdk/private");
  assert.equal(await visitor.id(), older);
  assert.equal(used(await shop.report()), 0, "IDs made for somebody who had one");
});

// keeps: all that the visitor has caused and now causes is of this one guest.
async function keeps(shop, visitor, id) {
  await visitor.go("/sdk/private");
  await visitor.contact("ada@example.com");
  assert.equal(await visitor.id(), id);
  const r = await shop.report();
  assert.equal(used(r), 0, "IDs made for somebody who had one");
  assert.deepEqual([...new Set(told(r, id))], [
    "browser E2E:CLICKED as known",
    "browser VIEW as known",
    "goaltrack CONTACT_SENT as known",
    "goaltrack SDK_PAGE_VIEWED as known",
    "goaltrack THANKS_VIEWED as known",
  ]);
}
