// The pages of the report, as the example shows them: with a past, a goal with steps
// before it, and a name that no line has room for (after.yaml).

import assert from "node:assert/strict";
import axe from "axe-core";
import { test } from "../harness.mjs";

const goal = "/goal/NEWSLETTER_SIGNUP";
const pages = ["", goal, "/goal/ORDERED_AFTER_NEWS", "/funnels", "/live", "/preview", "/preview?address=https%3A%2F%2Fshop.example%2F", "/delivery", "/cost"];

// reader opens the report. The options are those of a context of Playwright.
async function reader(t, options) {
  const report = process.env.REPORT;
  assert.ok(report, "REPORT is the address of the example's report; .ci/e2e sets it");
  const context = await t.context(options);
  const page = await context.newPage();
  page.open = async (path) => {
    const res = await page.goto(report + path);
    assert.equal(res.status(), 200, path);
  };
  return page;
}

test("report: everything works without JavaScript", async (t) => {
  const page = await reader(t, { javaScriptEnabled: false });
  await page.open("");
  assert.ok((await page.locator(".sentences li").count()) > 0, "sentences");
  assert.equal(await page.locator("script").count(), 0, "scripts");
  await page.locator(".periods a").first().click();
  assert.match(page.url(), /period=day/);
  await page.goBack();
  await page.locator(`table.goals a[href*="${goal}"]`).click();
  assert.match(await page.locator(".rule").innerText(), /^Counts each time a form is sent to \/newsletter .* in force since/);
  const table = page.locator("details table").first();
  assert.equal(await table.isVisible(), false, "the table behind the picture");
  await page.locator("summary").first().click();
  assert.equal(await table.isVisible(), true, "the table behind the picture, opened");
  await page.locator("table.parts a").first().click(); // a filter
  assert.ok(await page.locator("p.chips a").isVisible(), "the filter, and how to take it away");
  for (const [name, type] of [["CSV", /^text\/csv/], ["JSON", /^application\/json/]]) {
    const table = new URL(await page.locator(".export a", { hasText: name }).first().getAttribute("href"), page.url());
    assert.match((await page.request.get(table.href)).headers()["content-type"], type);
  }
  for (const name of ["Funnels", "Live", "Preview", "Delivery", "Cost", "Overview"]) {
    await page.getByRole("link", { name, exact: true }).click();
    assert.equal(await page.locator("nav a[aria-current=page]").innerText(), name);
  }
});

// focus is what has the focus: where it is, and whether one sees it.
const focus = (page) =>
  page.evaluate(() => {
    const e = document.activeElement;
    const box = e.getBoundingClientRect();
    const all = [...document.querySelectorAll("a[href], summary, button, input, select, textarea")].filter((e) => e.checkVisibility());
    return {
      number: all.indexOf(e), all: all.length, tag: e.tagName, text: e.textContent, href: e.getAttribute("href"),
      inMain: Boolean(e.closest("main")), outlined: getComputedStyle(e).outlineStyle !== "none",
      seen: box.width > 8 && box.height > 8 && box.bottom > 8 && box.right > 8 && box.top < innerHeight - 8 && box.left < innerWidth - 8, // not hidden altogether: WCAG 2.2, 2.4.11
    };
  });

test("report: by keyboard alone", async (t) => {
  const page = await reader(t);
  for (const path of ["", goal]) {
    await page.open(path);
    await page.keyboard.press("Tab");
    const skip = await focus(page);
    assert.deepEqual([skip.href, skip.seen, skip.outlined], ["#main", true, true], `${path}: the skip link comes first, and is seen`);
    for (let i = 1; i < skip.all; i++) { // from the top to the end, in the order of the page
      await page.keyboard.press("Tab");
      const at = await focus(page);
      assert.deepEqual([at.number, at.seen, at.outlined], [i, true, true], `${path}: Tab ${i} is at ${at.tag} ${at.text}`);
    }
  }
  await page.open(goal);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal((await focus(page)).inMain, true, "what comes after the skip link");
  while ((await focus(page)).tag !== "SUMMARY") {
    await page.keyboard.press("Tab");
    assert.equal((await focus(page)).inMain, true, "looking for the table behind the picture");
  }
  for (const open of [true, false]) {
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.parentElement.open), open, "details after Enter");
  }
});

test("report: the live list grows by itself, and by a link", async (t) => {
  const page = await reader(t, { userAgent: `Mozilla/5.0 (X11; Linux x86_64) Chrome/${t.browser.version()} Safari/537.36` }); // no bot
  await page.open("/live");
  await page.getByText("New ones come by themselves.").waitFor();
  const shop = await page.context().newPage();
  await shop.goto(new URL("/pricing", process.env.REPORT).href);
  const row = page.locator("#decisions tr").first();
  await row.getByText("PRICING_VIEWED").waitFor();
  assert.match(await row.innerText(), /Counted[\s\S]*\/pricing/);
  await page.getByRole("button", { name: "Pause" }).click();
  assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "true");
  await page.getByRole("link", { name: "Show the newest" }).click();
  await page.locator("#decisions tr").getByText("PRICING_VIEWED").first().waitFor();
});

test("report: a preview explains one's own requests", async (t) => {
  const page = await reader(t, { userAgent: `Mozilla/5.0 (X11; Linux x86_64) Chrome/${t.browser.version()} Safari/537.36` }); // no bot
  await page.open("/preview");
  await page.getByLabel("Only look").check();
  await page.getByRole("button", { name: "Make a link" }).click();
  await page.getByRole("link", { name: "Go to the site with it" }).click();
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByText("Nothing yet.").waitFor();
  const style = await page.evaluate(() => getComputedStyle(document.querySelector(".card")).borderRadius);
  assert.equal(style, "10px", "the style, which the policy has to let in");
  const shop = await page.context().newPage();
  await shop.goto(new URL("/pricing", process.env.REPORT).href);
  await page.getByRole("link", { name: "Show the newest" }).click();
  await page.getByText("This would be sent.").first().waitFor();
  assert.match(await page.locator("main").innerText(), /GET \/pricing[\s\S]*Looked at the tea club[\s\S]*PRICING_VIEWED/);
  assert.deepEqual((await page.context().cookies()).map((c) => c.name), ["gt_preview"]);
  assert.deepEqual(await lookedAt(page, {}, 10, "what the site explains"), []);
  await page.setViewportSize({ width: 320, height: 900 });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320, "what the site explains, at 320 px");
  await page.getByRole("button", { name: "End the preview" }).click();
  await page.getByText("This browser is not marked.").waitFor();
});

// lookedAt lets axe-core look at a page, and returns what it finds.
async function lookedAt(page, options, least, path) {
  await page.evaluate(axe.source); // not as a script of the page, whose policy allows none
  const { violations, passes } = await page.evaluate((options) => {
    for (const d of document.querySelectorAll("details")) d.open = true;
    return window.axe.run(options);
  }, options);
  assert.ok(passes.length >= least, `${path}: only ${passes.length} rules were looked at`);
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target} ${n.failureSummary}`));
}

// In the dark only the colors are others, so what looks at colors is asked again.
for (const [colorScheme, options, least] of [["light", {}, 16], ["dark", { runOnly: ["color-contrast"] }, 1]]) {
  test(`report: axe-core finds nothing, ${colorScheme}`, async (t) => {
    const page = await reader(t, { colorScheme });
    for (const path of pages) {
      await page.open(path);
      assert.deepEqual(await lookedAt(page, options, least, path), [], path);
    }
  });
}

test("report: nothing is wider than the window", async (t) => {
  const page = await reader(t);
  const found = [];
  for (const width of [320, 768, 1440]) {
    await page.setViewportSize({ width, height: 900 });
    for (const path of pages) {
      await page.open(path);
      const wide = await page.evaluate(() => {
        for (const d of document.querySelectorAll("details")) d.open = true;
        const { scrollWidth, clientWidth } = document.documentElement;
        const list = scrollWidth > clientWidth ? [`the page, ${scrollWidth} px`] : [];
        const most = (e) => Math.min(clientWidth, e.parentElement.closest("section")?.getBoundingClientRect().right ?? clientWidth);
        for (const e of document.querySelectorAll("body *")) {
          if (!e.closest(".wide, .unseen, .skip, svg") && e.getBoundingClientRect().right > most(e) + 0.5) {
            list.push(`${e.tagName.toLowerCase()} "${e.textContent.trim().slice(0, 40)}"`);
          }
        }
        return list;
      });
      if (wide.length > 0) found.push(`${path} at ${width} px: ${wide.slice(0, 5).join(", ")}`);
    }
  }
  assert.deepEqual(found, []);
});
