// Tries the schema of rule files as editors use it: with ajv, and with the language server
// of the YAML extensions, over its protocol. node schema.mjs SCHEMA RULES, where RULES is
// the folder with good and wrong rule files. Needs no browser.

import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import Ajv from "ajv/dist/2020.js";
import { parse } from "yaml";
import { StreamMessageReader, StreamMessageWriter, createMessageConnection } from "vscode-jsonrpc/node.js";

const [schemaFile, rules] = process.argv.slice(2);
const schema = JSON.parse(readFileSync(schemaFile, "utf8"));
const failures = [];
const check = (ok, what) => ok || failures.push(what);
const read = (folder) => readdirSync(join(rules, folder)).filter((f) => f.endsWith(".yaml")).map((f) => ({ name: `${folder}/${f}`, text: readFileSync(join(rules, folder, f), "utf8") }));
const wrong = read("wrong"), good = read("good");

// ajv, strict but for the types that YAML has for a text, and the word for snippets.
const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false, allErrors: true });
ajv.addVocabulary(["defaultSnippets"]);
const validate = ajv.compile(schema);
const isMarked = (text) => {
  try {
    return !validate(parse(text));
  } catch {
    return true; // which is no YAML
  }
};
const byAjv = wrong.filter((f) => isMarked(f.text));
check(byAjv.length >= 31, `ajv marks ${byAjv.length} of ${wrong.length} wrong files`);
for (const f of good) check(!isMarked(f.text), `ajv marks ${f.name}: ${JSON.stringify(validate.errors)}`);

// The language server, as an editor starts it.
const server = spawn(process.execPath, [createRequire(import.meta.url).resolve("yaml-language-server/bin/yaml-language-server"), "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const connection = createMessageConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
const waiting = new Map();
connection.onNotification("textDocument/publishDiagnostics", ({ uri, diagnostics }) => waiting.get(uri)?.(diagnostics));
connection.onRequest("client/registerCapability", () => null);
connection.onRequest("workspace/configuration", ({ items }) => items.map(({ section }) => (section === "yaml" ? { validate: true, completion: true, hover: true, schemas: { [pathToFileURL(schemaFile).href]: "*.yaml" }, schemaStore: { enable: false } } : null)));
connection.listen();
await connection.sendRequest("initialize", { processId: process.pid, rootUri: null, capabilities: { workspace: { configuration: true }, textDocument: { completion: { completionItem: { snippetSupport: true } } } } });
connection.sendNotification("initialized", {});
connection.sendNotification("workspace/didChangeConfiguration", { settings: null });

const open = (name, text) => {
  const uri = `file:///rules/${name}`;
  const told = new Promise((resolve) => waiting.set(uri, resolve));
  connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "yaml", version: 1, text } });
  return told;
};
const withSchema = (text) => `# yaml-language-server: $schema=${pathToFileURL(schemaFile).href}\n${text}`;
let byServer = 0;
for (const f of wrong) byServer += (await open(f.name, withSchema(f.text))).length > 0 ? 1 : 0;
check(byServer >= 31, `the language server marks ${byServer} of ${wrong.length} wrong files`);
for (const f of good) {
  const said = await open(f.name, withSchema(f.text));
  check(said.length === 0, `the language server marks ${f.name}: ${said.map((d) => d.message)}`);
}
const offered = async (text, line, character) => {
  const name = `offered-${line}-${character}.yaml`;
  await open(name, withSchema(text));
  const answer = await connection.sendRequest("textDocument/completion", { textDocument: { uri: `file:///rules/${name}` }, position: { line: line + 1, character } });
  return (answer.items ?? answer).map((i) => i.label);
};
const counts = await offered("goals:\n  - goal: A_SEEN\n    visit: /a\n    count: \n", 3, 11);
check(counts.includes("once per session"), `offered for count: ${counts}`);
const begun = await offered("goals:\n  - \n", 1, 4);
check(begun.includes("a form"), `offered for a goal: ${begun}`);
const fields = await offered("goals:\n  - goal: A_SEEN\n    visit: /a\n    sends: SEARCH\n    fields:\n      \n", 5, 6);
check(fields.includes("product_name") && !fields.includes("item_id"), `offered for the fields of a SEARCH: ${fields}`);
connection.dispose();
server.kill();

console.log(`of ${wrong.length} wrong files, ajv marks ${byAjv.length} and the language server ${byServer}; ${good.length} good ones pass`);
for (const f of failures) console.error(f);
process.exitCode = failures.length > 0 ? 1 : 0;
