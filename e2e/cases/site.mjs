// What a person does in a browser, and what of it counts.

import assert from "node:assert/strict";
import { requests, test } from "../harness.mjs";

test("a form that was accepted counts, with its field", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.contact("ada@example.com");
  assert.equal(new URL(visitor.page.url()).pathname, "/thanks");
  const id = await visitor.id();
  const r = await shop.report();
  const sent = r.events.filter((e) => e.type === "CONTACT_SENT");
  assert.deepEqual(sent.map((e) => [e.id, e.page, e.ext.topic]), [[id, "contact", "sales"]]);
  assert.equal(count(r, "THANKS_VIEWED"), 1);
});

test("a form that was refused counts nothing, nor does sending it again", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.contact("");
  assert.equal(await visitor.page.textContent("[role=alert]"), "We need your address.");
  await visitor.page.reload(); // sends the form once more
  const r = await shop.report();
  assert.equal(requests(r, "POST", "/contact").length, 2);
  assert.deepEqual(r.goals.CONTACT_SENT, { fired: 0, notFired: { not_successful: 2 } });
  assert.equal(r.events, null);
});

test("a download counts once", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.go("/home");
  const [download] = await Promise.all([visitor.page.waitForEvent("download"), visitor.page.click("text=Guide")]);
  assert.equal(await download.failure(), null);
  const id = await visitor.id();
  const r = await shop.report();
  assert.deepEqual(r.events.map((e) => [e.type, e.id, e.ext.file]), [["GUIDE_DOWNLOADED", id, "guide"]]);
});

// Browsers take the first of two submits back, often after it has left. Whether
// that is one order or two is the site's to say: each that it accepted counts,
// also one whose answer nobody waited for.
test("a double click counts as often as the site accepted the form", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.go("/contact");
  await visitor.page.fill("[name=email]", "ada@example.com");
  await visitor.page.dblclick("button");
  await visitor.page.waitForURL("**/thanks");
  const r = await shop.report();
  const accepted = requests(r, "POST", "/contact").length;
  assert.ok(accepted === 1 || accepted === 2, `${accepted} forms`);
  assert.equal(count(r, "CONTACT_SENT"), accepted);
  assert.deepEqual([...new Set(r.events.map((e) => e.id))], [await visitor.id()]);
});

test("a refresh after an accepted form is a page seen again, and no second form", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.contact("ada@example.com");
  await visitor.page.reload();
  const r = await shop.report();
  assert.equal(count(r, "CONTACT_SENT"), 1);
  assert.equal(count(r, "THANKS_VIEWED"), 2);
});

// A page that the browser takes from its own memory is none that the server
// could see.
test("back and forward count what was asked of the site, and no form again", async (t) => {
  const shop = await t.shop();
  const visitor = await t.visitor(shop);
  await visitor.go("/pricing");
  await visitor.contact("ada@example.com");
  for (let i = 0; i < 2; i++) {
    await visitor.page.goBack();
    await visitor.page.goBack();
    assert.equal(new URL(visitor.page.url()).pathname, "/pricing");
    await visitor.page.goForward();
    await visitor.page.goForward();
    assert.equal(new URL(visitor.page.url()).pathname, "/thanks");
  }
  const r = await shop.report();
  assert.equal(requests(r, "POST", "/contact").length, 1);
  assert.equal(count(r, "CONTACT_SENT"), 1);
  assert.equal(count(r, "PRICING_VIEWED"), requests(r, "GET", "/pricing").length);
  assert.equal(count(r, "THANKS_VIEWED"), requests(r, "GET", "/thanks").length);
});

// count is how often a goal arrived, which is how often the ledger has it.
function count(report, goal) {
  const n = report.events.filter((e) => e.type === goal).length;
  assert.equal(report.goals[goal].fired, n, `${goal} in the ledger`);
  return n;
}
