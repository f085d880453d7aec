// The cookie's Domain, which goaltrack and the page's script must be told alike.

import assert from "node:assert/strict";
import { assertTold, made, sdks, test, used } from "../harness.mjs";

const [www, apex] = ["www.shop.example", "shop.example"];

for (const sdk of sdks) {
  for (const [first, page] of [["goaltrack", "/sdk/unsaid"], ["the SDK", "/sdk/public"]]) {
    test(`${sdk}: one cookie for all hosts, set by ${first}`, async (t) => {
      const shop = await t.shop({ sdk, tls: true, domain: apex, pageDomain: apex, warm: first === "goaltrack" ? 2 : -1 });
      const visitor = await t.visitor(shop, www);
      await visitor.go(page);
      const id = await visitor.id();
      await visitor.go("/sdk/private", apex);
      assert.equal(await visitor.id(apex), id);
      await visitor.go("/sdk/private");
      assert.equal(await visitor.id(), id);
      assert.deepEqual((await visitor.cookies()).map((c) => c.domain), [`.${apex}`]);
      const r = await shop.report();
      assert.equal(used(r), 1, "IDs in use");
      assertTold(r, id, { pages: 3, SDK_PAGE_VIEWED: page === "/sdk/unsaid" ? 3 : 2 });
    });
  }

  // As after a change of the setting. Browsers list the one first that is there
  // longer, to scripts and servers alike.
  test(`${sdk}: of the host's own cookie and the domain's one is left, the older`, async (t) => {
    const shop = await t.shop({ sdk, tls: true, domain: apex, pageDomain: apex });
    const visitor = await t.visitor(shop, www);
    const { cookie } = await shop.report();
    const id = await shop.know();
    await visitor.has({ [cookie]: id });
    await visitor.has({ [cookie]: await shop.know() }, `.${apex}`);
    assert.equal((await visitor.cookies()).length, 2);
    await visitor.go("/sdk/private");
    assert.equal(await visitor.id(), id);
    await visitor.go("/sdk/private", apex);
    assert.equal(await visitor.id(apex), id);
    const r = await shop.report();
    assert.equal(used(r), 0, "IDs made for somebody who had one");
    assertTold(r, id, { pages: 2, SDK_PAGE_VIEWED: 2 });
  });

  // What the README warns of. The value is the same while the SDK is first ...
  for (const [wider, settings] of [["the page", { pageDomain: apex }], ["goaltrack", { domain: apex }]]) {
    test(`${sdk}: two Domain settings, wider for ${wider}: two cookies of one ID, if the SDK is first`, async (t) => {
      const shop = await t.shop({ sdk, tls: true, ...settings, warm: -1 });
      const visitor = await t.visitor(shop, www);
      await visitor.go("/sdk/public");
      const id = await visitor.id();
      await visitor.go("/sdk/private");
      const { cookie } = await shop.report();
      assert.deepEqual(
        (await visitor.cookies()).map((c) => `${c.name}=${c.value} of ${c.domain}`).sort(),
        [`${cookie}=${id} of .${apex}`, `${cookie}=${id} of ${www}`],
      );
      await visitor.go("/sdk/private", apex);
      const r = await shop.report();
      assert.equal(used(r), 1, "IDs in use");
      assertTold(r, id, { pages: 3, SDK_PAGE_VIEWED: 2 });
    });
  }

  // ... and not if goaltrack is, whose cookie another host does not see.
  test(`${sdk}: two Domain settings, wider for the page: two guests, if goaltrack is first`, async (t) => {
    const shop = await t.shop({ sdk, tls: true, pageDomain: apex });
    const visitor = await t.visitor(shop, www);
    await visitor.go("/sdk/unsaid");
    const id = await visitor.id();
    await visitor.go("/sdk/unsaid", apex);
    assert.notEqual(await visitor.id(apex), id);
    const r = await shop.report();
    assert.equal(made(r, "browser"), 0, "IDs made for the SDK");
    assert.equal(used(r), 2, "IDs in use");
  });
}
