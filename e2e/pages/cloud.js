import { CloudSDK } from "@sitecore-cloudsdk/core/browser";
import { event, pageView } from "@sitecore-cloudsdk/events/browser";
import { clicked, run } from "./page.js";

run(async (s) => {
  CloudSDK({
    sitecoreEdgeUrl: s.cdp,
    sitecoreEdgeContextId: s.contextId,
    siteName: s.siteName,
    cookieDomain: s.domain,
    enableBrowserCookie: true,
  })
    .addEvents()
    .initialize();
  window.tell = (n) => event({ type: clicked, channel: "WEB", currency: "EUR", extensionData: { n } });
  return [
    await pageView({ channel: "WEB", currency: "EUR" }),
    await event({ type: clicked, channel: "WEB", currency: "EUR", extensionData: { button: "top" } }),
  ];
});
