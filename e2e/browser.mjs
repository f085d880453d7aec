// The browser of the tests.

import { chromium } from "playwright-core";

// launch starts one, with more options.
export function launch(more = {}) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", // the tests may run as root, and visit nothing but themselves
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--ignore-certificate-errors", // nobody signed ours
      "--host-resolver-rules=MAP *.example 127.0.0.1",
    ],
    ...more,
  });
}
