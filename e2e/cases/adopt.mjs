// One browser ID for the SDK in the page and goaltrack in the server, whoever is
// first.

import assert from "node:assert/strict";
import { assertTold, made, sdks, setOn, test, used } from "../harness.mjs";

for (const sdk of sdks) {
  test(`${sdk}: goaltrack sets the ID, the SDK adopts it`, async (t) => {
    const shop = await t.shop({ sdk });
    const visitor = await t.visitor(shop);
    await visitor.go("/sdk/unsaid");
    const id = await visitor.id();

    let r = await shop.report();
    assert.deepEqual(setOn(r, "/sdk/unsaid"), [id], "what goaltrack set is what the browser has");
    assert.equal(made(r, "browser"), 0, "IDs made for the SDK");
    assert.equal(used(r), 1, "IDs in use");
    assertTold(r, id, { pages: 1, SDK_PAGE_VIEWED: 1 });

    await visitor.go("/sdk/private");
    await visitor.contact("ada@example.com");
    assert.equal(await visitor.id(), id);
    r = await shop.report();
    assert.deepEqual(setOn(r, "/sdk/private"), [id], "renewed with the same value");
    assert.equal(used(r), 1, "IDs in use");
    assertTold(r, id, { pages: 2, SDK_PAGE_VIEWED: 2, CONTACT_SENT: 1, THANKS_VIEWED: 1 });
  });

  test(`${sdk}: the SDK sets the ID, as goaltrack makes none (Create: never)`, async (t) => {
    const shop = await t.shop({ sdk, create: "never" });
    const visitor = await t.visitor(shop);
    await visitor.go("/sdk/unsaid");
    const id = await visitor.id();

    let r = await shop.report();
    assert.deepEqual(setOn(r, "/sdk/unsaid"), [], "goaltrack left the cookie to the SDK");
    assert.deepEqual(r.goals.SDK_PAGE_VIEWED, { fired: 0, notFired: { no_browser_id: 1 } });
    await adopted(shop, visitor, id);
  });

  test(`${sdk}: the SDK sets the ID, as the page is in shared caches`, async (t) => {
    const shop = await t.shop({ sdk, warm: -1 });
    const visitor = await t.visitor(shop);
    await visitor.go("/sdk/public");
    const id = await visitor.id();

    const r = await shop.report();
    assert.deepEqual(setOn(r, "/sdk/public"), [], "a cookie on an answer for everybody");
    await adopted(shop, visitor, id);
  });
}

// adopted: the visitor, who has the SDK's ID and has caused its two events and
// nothing else, keeps it on all his ways.
async function adopted(shop, visitor, id) {
  let r = await shop.report();
  assert.deepEqual(r.creates, [{ by: "browser", status: 200 }]);
  assertTold(r, id, { pages: 1 });

  await visitor.go("/sdk/private");
  assert.equal(await visitor.id(), id);
  r = await shop.report();
  assert.deepEqual(setOn(r, "/sdk/private"), [id], "renewed with the same value");

  await visitor.contact("ada@example.com");
  assert.equal(await visitor.id(), id);
  r = await shop.report();
  assert.equal(r.creates.length, 1, "IDs made");
  assertTold(r, id, { pages: 2, SDK_PAGE_VIEWED: 1, CONTACT_SENT: 1, THANKS_VIEWED: 1 });
}
