import { initContentSdk } from "@sitecore-content-sdk/core";
import { analyticsBrowserAdapter, analyticsPlugin } from "@sitecore-content-sdk/analytics-core";
import { event, eventsPlugin, pageView } from "@sitecore-content-sdk/events";
import { personalize, personalizeBrowserAdapter, personalizeBrowserPlugin } from "@sitecore-content-sdk/personalize";
import { clicked, decision, run } from "./page.js";

run(async (s) => {
  await initContentSdk({
    config: { edgeUrl: s.cdp, contextId: s.contextId, siteName: s.siteName },
    plugins: [
      analyticsPlugin({
        options: { enableCookie: true, cookieDomain: s.domain },
        adapter: analyticsBrowserAdapter(),
      }),
      eventsPlugin(),
      ...(s.personal
        ? [personalizeBrowserPlugin({ options: { enablePersonalizeCookie: true, webPersonalization: true }, adapter: personalizeBrowserAdapter() })]
        : []),
    ],
  });
  window.decide = () => personalize(decision);
  window.tell = (n) => event({ type: clicked, channel: "WEB", currency: "EUR", extensionData: { n } });
  return [
    await pageView({ channel: "WEB", currency: "EUR" }),
    await event({ type: clicked, channel: "WEB", currency: "EUR", extensionData: { button: "top" } }),
  ];
});
