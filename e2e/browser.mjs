// The browsers of the tests.

import { chromium } from "playwright-core";

// launchShell starts Chromium's headless shell, or Chromium where that is not installed. It
// is the same engine: network, cookies, scripts and rendering. What it has not is the
// browser around that, which needs most of a second for each new window. It is also what
// Playwright takes by default (https://playwright.dev/docs/browsers#chromium-headless-shell).
export function launchShell() {
  return launch(process.env.HEADLESS_SHELL ? { executablePath: process.env.HEADLESS_SHELL } : {});
}

// launch starts Chromium, with more options.
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
