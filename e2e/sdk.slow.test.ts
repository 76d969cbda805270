// The SDK as a stranger gets it: packed, installed into an empty directory without the workspace, type-checked, run.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packSdk } from "../tools/pack-sdk.ts";
import { DEPLOYMENT, POLICY } from "../vectors/fixture/deployment.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "sdk-"));
const modules = join(home, "node_modules");
const installed = join(modules, "@porchlight/client");
let tarball: string;

type Manifest = {
  readonly exports: Readonly<Record<string, string | { types: string; default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

function manifest(directory: string): Manifest {
  return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
}

function run(command: string, args: readonly string[], cwd = home): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/** What npm would install, from what is installed here: no network. */
function install(name: string): void {
  const target = join(modules, name);
  const source = join(ROOT, "node_modules", name);
  if (existsSync(target) || !existsSync(source)) return;
  mkdirSync(join(target, ".."), { recursive: true });
  cpSync(source, target, { recursive: true, dereference: true });
  for (const one of Object.keys(manifest(source).dependencies ?? {})) install(one);
}

function files(directory: string, suffix: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(directory, name));
}

beforeAll(async () => {
  const made = join(home, "made");
  await packSdk(made);
  const [name = ""] = run("npm", ["pack", "--silent", "--pack-destination", home, made]).trim().split("\n");
  tarball = join(home, name);
  mkdirSync(installed, { recursive: true });
  run("tar", ["-xzf", tarball, "--strip-components=1", "-C", installed]);
  rmSync(made, { recursive: true });
  const { dependencies = {}, optionalDependencies = {} } = manifest(installed);
  for (const one of [...Object.keys(dependencies), ...Object.keys(optionalDependencies)]) install(one);
  for (const one of ["@types/node", "undici-types"]) install(one);
  writeFileSync(join(home, "package.json"), JSON.stringify({ type: "module" }));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("every entry has its module and its types in the tarball, and nothing else is there", () => {
  const { exports } = manifest(installed);
  expect(Object.keys(exports)).toEqual([".", "./node", "./page", "./worker", "./package.json"]);
  for (const target of Object.values(exports)) {
    const paths = typeof target === "string" ? [target] : [target.types, target.default];
    for (const path of paths) expect(existsSync(join(installed, path)), path).toBe(true);
  }
  const names = run("tar", ["-tzf", tarball]).trim().split("\n");
  const expected = /^package\/(package\.json|README\.md|LICENSE|[\w-]+\.js(\.map)?|types\/[\w/-]+\.d\.ts)$/;
  expect(names.filter((name) => !expected.test(name))).toEqual([]);
  expect(statSync(tarball).size).toBeLessThan(400_000);
});

test("no module and no declaration names what is not installed with it", () => {
  const { dependencies = {}, optionalDependencies = {} } = manifest(installed);
  const known = new Set([...Object.keys(dependencies), ...Object.keys(optionalDependencies)]);
  const foreign = new Set<string>();
  for (const path of [...files(installed, ".js"), ...files(installed, ".d.ts")]) {
    const text = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const [, specifier = ""] of text.matchAll(/(?:\bfrom|\bimport\s*\(|\bimport)\s*"([\w@./:-]+)"/g)) {
      if (specifier.startsWith(".")) {
        const target = join(path, "..", specifier);
        const there = path.endsWith(".d.ts") ? target.replace(/\.js$/, ".d.ts") : target;
        expect(existsSync(there), `${path}: ${specifier}`).toBe(true);
      } else if (!specifier.startsWith("node:")) {
        foreign.add(specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/"));
      }
    }
  }
  expect([...foreign].filter((name) => !known.has(name))).toEqual([]);
});

test("the examples compile against the published types, strictly, and run on the published modules", () => {
  for (const name of ["bot.ts", "chat.ts"]) cpSync(join(ROOT, "examples", name), join(home, name));
  writeFileSync(
    join(home, "page.ts"),
    `import { type AppState, MessengerPage } from "@porchlight/client/page";
     import { serveWorker } from "@porchlight/client/worker";
     import { Member, memoryStorage, parseInvitation } from "@porchlight/client";
     export const page = (worker: Worker): AppState => new MessengerPage(worker).state;
     export { Member, memoryStorage, parseInvitation, serveWorker };
     // @ts-expect-error: there is no such intent
     export const wrong = (one: MessengerPage) => one.perform("openEverything");`,
  );
  writeFileSync(
    join(home, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "es2024",
        lib: ["es2024", "dom", "dom.iterable"],
        module: "nodenext",
        types: ["node"],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        verbatimModuleSyntax: true,
        outDir: "out",
      },
      include: ["*.ts"],
    }),
  );
  run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json"]);
  const bot = spawnSync(process.execPath, ["out/bot.js"], { cwd: home, encoding: "utf8" });
  // It came as far as its own first question: everything that it imports was there.
  expect(bot.stderr).toContain("which deployment, which directory?");
  const code = `
    import * as all from "@porchlight/client";
    import { MessengerPage } from "@porchlight/client/page";
    import { startMessenger } from "@porchlight/client/node";
    const [, origin, policy] = process.argv;
    const config = { url: "http://127.0.0.1:1", origin, policy, directory: "state" };
    const messenger = await startMessenger(config);
    console.log(messenger.state.kind, typeof MessengerPage, typeof all.Member);
    await messenger.close();`;
  const out = run(process.execPath, ["--input-type=module", "-e", code, `log.${DEPLOYMENT}`, POLICY]);
  expect(out.trim()).toBe("signed-out function function");
});

test("a bundler makes a page's and a worker's script of it, of a stated size", async () => {
  const weigh = async (entry: string): Promise<number> => {
    const { outputFiles } = await build({
      stdin: { contents: `export * from "@porchlight/client/${entry}";`, resolveDir: home },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      platform: "browser",
      logLevel: "error",
    });
    return (await import("node:zlib")).gzipSync(outputFiles[0]?.contents ?? "").length;
  };
  expect(await weigh("page")).toBeLessThan(3_000);
  expect(await weigh("worker")).toBeLessThan(240_000);
});
