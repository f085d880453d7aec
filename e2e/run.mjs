// Runs the browser tests: node run.mjs SERVER [PART OF A CASE'S NAME].
// SERVER is the built program of this folder. It ends when its input does.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { createInterface } from "node:readline";
import { launch, launchShell } from "./browser.mjs";
import { runAll } from "./harness.mjs";

const [program, only] = process.argv.slice(2);

const server = spawn(program, ["-bundles", new URL("dist", import.meta.url).pathname], {
  stdio: ["pipe", "pipe", "inherit"],
});
const ended = once(server, "exit");
const [desk] = await Promise.race([
  once(createInterface(server.stdout), "line"),
  ended.then(([code]) => Promise.reject(new Error(`the server ended with ${code}`))),
]);

const browser = await launchShell();
// The back/forward cache is there for people, and Playwright takes it away.
const whole = await launch({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
console.log(`Chromium ${whole.version()}; its engine alone (${process.env.HEADLESS_SHELL || "not installed"}) ${browser.version()}`);

for (const file of (await readdir(new URL("cases", import.meta.url))).sort()) {
  await import(new URL(`cases/${file}`, import.meta.url));
}
let result;
try {
  result = await runAll({ browser, whole, desk, only, log: console.log });
} finally {
  await Promise.all([browser.close(), whole.close()]);
  server.stdin.end();
  await ended;
}
const { passed, failed } = result;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
