// Builds @porchlight/client as it is published: JavaScript modules and declarations, with the workspace's own packages
// inside and everything from npm outside.
//
//     npm run pack-sdk [-- DIRECTORY]      writes the package there (artifacts/sdk), ready for `npm pack`
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OWN = "@porchlight/";
/** What people import, and the source that it is. */
const ENTRIES = {
  ".": "index.ts",
  "./node": "node.ts",
  "./page": "messenger/page.ts",
  "./worker": "messenger/browser.ts",
} as const;

type Manifest = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

/** Builds into an empty directory. Throws where a source does not bundle, type-check or name its dependency. */
export async function packSdk(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const manifest = manifestOf("client");
  const { rooms, packages } = closureOf("client");
  const used = await bundle(out);
  declarations(out, rooms, used);
  for (const name of used) {
    if (!packages.has(name)) throw new Error(`${name} is imported and no package names it as a dependency`);
  }
  const dependencies: Record<string, string> = {};
  const optionalDependencies: Record<string, string> = {};
  // Also what is only a peer of one that is imported.
  for (const [name, { version, optional }] of [...packages].sort(([a], [b]) => (a < b ? -1 : 1))) {
    (optional ? optionalDependencies : dependencies)[name] = version;
  }
  const published = {
    name: manifest.name,
    version: manifest.version,
    description:
      "A member's device: conversations, keys and history, encrypted at rest, in browsers and Node",
    license: manifest.license,
    type: "module",
    engines: { node: ">=22" },
    sideEffects: false,
    exports: {
      ...Object.fromEntries(
        Object.entries(ENTRIES).map(([name, source]) => [
          name,
          { types: `./types/client/${source.replace(/\.ts$/, ".d.ts")}`, default: `./${entryName(name)}.js` },
        ]),
      ),
      "./package.json": "./package.json",
    },
    files: ["*.js", "*.js.map", "types"],
    dependencies,
    optionalDependencies,
  };
  writeFileSync(join(out, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  cpSync(join(ROOT, "packages/client/README.md"), join(out, "README.md"));
  cpSync(join(ROOT, "LICENSE"), join(out, "LICENSE"));
}

function entryName(name: string): string {
  return name === "." ? "index" : name.slice(2);
}

function manifestOf(room: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, "packages", room, "package.json"), "utf8")) as Manifest;
}

/** The workspace's packages that one of them is made of, itself included, and the packages of npm that these need. */
function closureOf(room: string): {
  readonly rooms: ReadonlySet<string>;
  readonly packages: ReadonlyMap<string, { readonly version: string; readonly optional: boolean }>;
} {
  const found = new Map<string, { version: string; optional: boolean }>();
  const seen = new Set<string>();
  const visit = (one: string): void => {
    if (seen.has(one)) return;
    seen.add(one);
    const { dependencies = {}, optionalDependencies = {} } = manifestOf(one);
    for (const [name, version] of Object.entries(dependencies)) {
      if (name.startsWith(OWN)) visit(name.slice(OWN.length));
      else found.set(name, { version, optional: false });
    }
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (!found.has(name)) found.set(name, { version, optional: true });
    }
  };
  visit(room);
  return { rooms: seen, packages: found };
}

/** The JavaScript, with what the entries share in chunks. Gives the packages that stay outside. */
async function bundle(out: string): Promise<Set<string>> {
  const made = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.entries(ENTRIES).map(([name, source]) => ({
      in: join("packages/client/src", source),
      out: entryName(name),
    })),
    outdir: out,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2024",
    platform: "neutral",
    sourcemap: "linked",
    sourcesContent: false,
    metafile: true,
    logLevel: "error",
    plugins: [
      {
        name: "npm stays outside",
        setup: ({ onResolve }) => {
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === "entry-point" || path.startsWith(OWN) ? undefined : { path, external: true },
          );
        },
      },
    ],
  });
  const used = new Set<string>();
  for (const { imports } of Object.values(made.metafile.outputs)) {
    for (const { path, external } of imports) if (external === true) used.add(packageOf(path));
  }
  used.delete("");
  return used;
}

/** The package of a module's name; nothing for a module of Node. */
function packageOf(path: string): string {
  if (path.startsWith("node:")) return "";
  return path.split("/", path.startsWith("@") ? 2 : 1).join("/");
}

/** The types, one folder for each of the workspace's packages, linked by paths instead of names. */
function declarations(out: string, rooms: ReadonlySet<string>, used: Set<string>): void {
  // Each by its own path: what is reached by a package's name would be somebody else's, and get no declarations.
  const sources = [...rooms].flatMap((room) =>
    sourcesOf(room).map((name) => join(ROOT, "packages", room, "src", name)),
  );
  const work = mkdtempSync(join(tmpdir(), "porchlight-types-"));
  try {
    const config = join(work, "tsconfig.json");
    writeFileSync(
      config,
      JSON.stringify({
        extends: join(ROOT, "tsconfig.json"),
        compilerOptions: {
          noEmit: false,
          declaration: true,
          emitDeclarationOnly: true,
          stripInternal: true,
          rootDir: ROOT,
          outDir: join(work, "out"),
          typeRoots: [join(ROOT, "node_modules/@types")],
        },
        files: sources,
        include: [],
      }),
    );
    const tsc = join(ROOT, "node_modules/typescript-7/bin/tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
    if (status !== 0) throw new Error(`the declarations do not compile:\n${stdout}`);
    const waiting = Object.values(ENTRIES).map((source) => join("client", declarationOf(source)));
    const written = new Set(waiting);
    for (const name of waiting) {
      const [room = "", ...rest] = name.split("/");
      const text = readFileSync(join(work, "out/packages", room, "src", ...rest), "utf8");
      const path = join(out, "types", name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(
        path,
        text.replace(IMPORTS, (_, before: string, specifier: string) => {
          const target = link(specifier, name);
          if (target.own === null) used.add(packageOf(target.specifier));
          else if (!written.has(target.own)) {
            written.add(target.own);
            waiting.push(target.own);
          }
          return `${before}"${target.specifier}"`;
        }),
      );
    }
    used.delete("");
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const IMPORTS = /(\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)"([^"]+)"/g;

function sourcesOf(room: string): string[] {
  const names = readdirSync(join(ROOT, "packages", room, "src"), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts"));
}

function declarationOf(source: string): string {
  return source.replace(/\.[jt]s$/, ".d.ts");
}

/** An import of a declaration file as it is after publication, and the file that it leads to where that is ours. */
function link(specifier: string, from: string): { readonly specifier: string; readonly own: string | null } {
  let target: string;
  if (specifier.startsWith(".")) target = join(dirname(from), specifier);
  else if (specifier.startsWith(OWN)) {
    const [room = "", ...rest] = specifier.slice(OWN.length).split("/");
    const source = manifestOf(room).exports[rest.length === 0 ? "." : `./${rest.join("/")}`];
    if (source === undefined) throw new Error(`${specifier} is exported by no package`);
    target = join(room, relative("src", source));
  } else return { specifier, own: null };
  const path = relative(dirname(from), target).replace(/\.ts$/, ".js");
  return { specifier: path.startsWith(".") ? path : `./${path}`, own: declarationOf(target) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? join(ROOT, "artifacts/sdk"));
  await packSdk(out);
  console.log(`wrote ${out}; next: npm pack ${relative(process.cwd(), out)}`);
}
