import { CloudSDK } from "@sitecore-cloudsdk/core/browser";
import { event, pageView } from "@sitecore-cloudsdk/events/browser";
import { personalize } from "@sitecore-cloudsdk/personalize/browser";
import { clicked, decision, run } from "./page.js";

run(async (s) => {
  const sdk = CloudSDK({
    sitecoreEdgeUrl: s.cdp,
    sitecoreEdgeContextId: s.contextId,
    siteName: s.siteName,
    cookieDomain: s.domain,
    enableBrowserCookie: true,
  }).addEvents();
  if (s.personal) sdk.addPersonalize({ enablePersonalizeCookie: true, webPersonalization: true });
  sdk.initialize();
  window.decide = () => personalize(decision);
  window.tell = (n) => event({ type: clicked, channel: "WEB", currency: "EUR", extensionData: { n } });
  return [
    await pageView({ channel: "WEB", currency: "EUR" }),
    await event({ type: clicked, channel: "WEB", currency: "EUR", extensionData: { button: "top" } }),
  ];
});
