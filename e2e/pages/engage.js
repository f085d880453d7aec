import { init } from "@sitecore/engage";
import { clicked, decision, run } from "./page.js";

run(async (s) => {
  const engage = await init({
    targetURL: s.cdp,
    clientKey: s.clientKey,
    pointOfSale: s.pointOfSale,
    cookieDomain: s.domain,
  });
  const base = { channel: "WEB", currency: "EUR" };
  window.decide = () => engage.personalize(decision);
  window.tell = (n) => engage.event(clicked, base, { n });
  return [await engage.pageView(base), await engage.event(clicked, base, { button: "top" })];
});
