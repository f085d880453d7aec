// How often something counts, in one browser: what the visit cookie is for.

import assert from "node:assert/strict";
import { assertTold, requests, sdks, test, used } from "../harness.mjs";

const visitCookie = /^gt_[0-9a-f]{8}$/;

test("once per session: a refresh, a second tab and the way back count no more", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.go("/club");
  await visitor.page.reload();
  const tab = await visitor.context.newPage();
  await tab.goto(visitor.url("/club"));
  await tab.goto(visitor.url("/home"));
  await tab.goBack();
  const r = await shop.report();
  assert.deepEqual(r.events.map((e) => [e.type, e.id]), [["CLUB_VIEWED", await visitor.id()]]);
  const more = requests(r, "GET", "/club").length - 1;
  assert.ok(more >= 2, `${more} more requests`);
  assert.deepEqual(r.goals.CLUB_VIEWED.notFired, { already_counted: more });
});

test("once per visitor: a double click counts once, however often the site accepts it", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.go("/club");
  await visitor.page.dblclick("button");
  await visitor.page.waitForURL("**/thanks");
  await visitor.go("/club");
  await visitor.page.click("button");
  await visitor.page.waitForURL("**/thanks");
  const r = await shop.report();
  assert.equal(r.goals.CLUB_JOINED.fired, 1);
  assert.deepEqual(r.goals.CLUB_JOINED.notFired, { already_counted: requests(r, "POST", "/club").length - 1 });
});

test("the visit cookie is not for scripts, nor for other sites", async (t) => {
  const shop = await t.shop({ tls: true });
  const visitor = await t.visitor(shop, "shop.example");
  await visitor.go("/club");
  const [{ name, domain, path, secure, httpOnly, sameSite }] = (await visitor.cookies()).filter((c) => visitCookie.test(c.name));
  assert.deepEqual({ domain, path, secure, httpOnly, sameSite }, {
    domain: "shop.example", path: "/", secure: true, httpOnly: true, sameSite: "Lax",
  });
  assert.ok(!(await visitor.page.evaluate(() => document.cookie)).includes(name), "document.cookie");
});

// The browser keeps the Lax cookie back when another site posts a form to this
// one, as a bank does at the end of a payment, and takes a new one all the same.
test("a form that comes back from another site leaves the visit cookie alone", async (t) => {
  const shop = await t.shop({ tls: true });
  const visitor = await t.visitor(shop, "shop.example");
  const visit = async () => (await visitor.cookies()).find((c) => visitCookie.test(c.name))?.value;
  await visitor.go("/club");
  const id = await visitor.id();
  const before = await visit();
  assert.ok(before);

  await visitor.page.goto(visitor.url("/club", "bank.example"));
  await visitor.page.evaluate((url) => (document.querySelector("form").action = url), visitor.url("/club"));
  await visitor.page.click("button");
  await visitor.page.waitForURL("**/thanks");

  const posted = requests(await shop.report(), "POST", "/club")[0];
  assert.ok(posted.cookie.includes(id) && !posted.cookie.includes("gt_"), `sent with the form: ${posted.cookie}`);
  assert.equal(await visit(), before);

  await visitor.go("/club");
  await visitor.page.click("button");
  await visitor.page.waitForURL("**/thanks");
  const r = await shop.report(); // the bank's page is one of the shop's, too, and its visitor another guest there
  assert.deepEqual(r.events.filter((e) => e.id === id).map((e) => e.type), ["CLUB_VIEWED", "CLUB_JOINED", "THANKS_VIEWED", "THANKS_VIEWED"]);
});

for (const sdk of sdks) {
  test(`${sdk}: who logs out (forget: true) is somebody else to both`, async (t) => {
    const shop = await t.shop({ sdk });
    const visitor = await t.visitor(shop);
    await visitor.go("/sdk/unsaid");
    const id = await visitor.id();
    await visitor.go("/home");
    await visitor.page.click("button");
    await visitor.page.waitForURL("**/home");
    assertTold(await shop.report(), id, { pages: 1, SDK_PAGE_VIEWED: 1, LOGGED_OUT: 1 });
    await visitor.go("/sdk/unsaid");
    const next = await visitor.id();
    assert.notEqual(next, id);
    const r = await shop.report();
    assert.deepEqual(
      r.events.filter((e) => e.id === next).map((e) => `${e.by} ${e.type}`).sort(),
      ["browser E2E:CLICKED", "browser VIEW", "goaltrack SDK_PAGE_VIEWED"],
    );
    assert.equal(used(r), 2, "IDs in use");
  });
}
