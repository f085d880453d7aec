// The page of the stand-in CDP, as the example shows it: what arrived, for people.

import assert from "node:assert/strict";
import axe from "axe-core";
import { test } from "../harness.mjs";

// standIn opens the page, with an event of each kind on it.
async function standIn(t, options) {
  const context = await t.context({ userAgent: `Mozilla/5.0 (X11; Linux x86_64) Chrome/${t.browser.version()} Safari/537.36`, ...options }); // no bot
  const page = await context.newPage();
  assert.ok(process.env.STANDIN, "STANDIN is the address of the example's stand-in CDP; .ci/e2e sets it");
  await page.goto(new URL("/pricing", process.env.REPORT).href);
  await page.goto(process.env.STANDIN + "?still");
  for (let i = 0; i < 100 && (await page.getByText("PRICING_VIEWED").count()) === 0; i++) await page.reload();
  return page;
}

test("stand-in: goals are told from page views, and IDs are folded away", async (t) => {
  const page = await standIn(t);
  const goal = page.locator("tr.goal").first();
  assert.match(await goal.innerText(), /PRICING_VIEWED\s+goal/);
  const marked = (row) => row.locator(".what strong").evaluate((e) => getComputedStyle(e, "::before").content !== "none");
  assert.equal(await marked(goal), true, "a goal has a mark");
  const view = page.locator("tr.view").first();
  assert.match(await view.innerText(), /VIEW\s+page view/);
  assert.equal(await marked(view), false, "a page view has none");
  const id = goal.locator("dd code").first();
  assert.equal(await id.isVisible(), false, "the browser ID");
  await goal.locator("summary").click();
  assert.match(await id.innerText(), /^[0-9a-f-]{36}$/);
});

test("stand-in: no word is broken and nothing is too wide, at 1,100 and 390 px", async (t) => {
  const page = await standIn(t);
  for (const width of [1100, 390, 320]) {
    await page.setViewportSize({ width, height: 900 });
    const found = await page.evaluate(() => {
      const list = [];
      const { scrollWidth, clientWidth } = document.documentElement;
      if (scrollWidth > clientWidth) list.push(`the page is ${scrollWidth} px wide`);
      for (const card of document.querySelectorAll(".card")) {
        if (card.scrollWidth > card.clientWidth) list.push(`a card is ${card.scrollWidth} px wide`);
      }
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let n = texts.nextNode(); n; n = texts.nextNode()) {
        if (!n.parentElement.checkVisibility()) continue;
        for (const { 0: word, index } of n.data.matchAll(/[\p{L}\p{N}_]+/gu)) { // a word on two lines has two boxes, one below the other
          const range = document.createRange();
          range.setStart(n, index);
          range.setEnd(n, index + word.length);
          const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
          if (lines.size > 1) list.push(`"${word}" is broken`);
        }
      }
      return list;
    });
    assert.deepEqual(found, [], `${width} px`);
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`stand-in: axe-core finds nothing, ${colorScheme}`, async (t) => {
    const page = await standIn(t, { colorScheme });
    const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    assert.equal(ground === "rgb(250, 249, 245)", colorScheme === "light", `the ground is ${ground}`);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => {
      for (const d of document.querySelectorAll("details")) d.open = true;
      return window.axe.run();
    });
    assert.deepEqual(violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.failureSummary}`)), []);
  });
}
