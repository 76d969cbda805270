// A full disk, an fsync that fails, a power cut: what was acknowledged is there afterwards, and the failure has a name.
// The figures of docs/reliability.md come from here.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const WRITER = fileURLToPath(new URL("./writer.ts", import.meta.url));
const POWER_CUT = fileURLToPath(new URL("../../../shared/bench/faults/powercut.sh", import.meta.url));
const KINDS = ["journal", "file", "postgres"] as const;
const MINUTES = 60_000;

const root = process.getuid?.() === 0;
const found = (program: string): boolean => spawnSync("which", [program]).status === 0;
const strace = found("strace");
const powerCut = root && existsSync(POWER_CUT) && found("linux.uml");
if (!root) console.log("SKIPPED a full disk: mounting a small tmpfs needs root");
if (!strace) console.log("SKIPPED failing fsyncs: needs strace (Debian: strace)");
if (!powerCut) {
  console.log(
    "SKIPPED power cuts: need root, linux.uml (Debian: user-mode-linux) and shared/bench/faults beside this checkout",
  );
}

const directories: string[] = [];
const temporary = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "porchlight-fault-"));
  directories.push(directory);
  return directory;
};
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

type Ran = { readonly last: number; readonly error: string | undefined };

/** What a writer acknowledged last, and what it ended with. */
function outcome(text: string): Ran {
  const numbers = [...text.matchAll(/^A (\d+)$/gm)];
  return { last: Number(numbers.at(-1)?.[1] ?? 0), error: /^E (.+)$/m.exec(text)?.[1] };
}

function write(kind: string, directory: string, options: { wrap?: string[]; limit?: number } = {}): Ran {
  const line = [...(options.wrap ?? []), process.execPath, WRITER, kind, directory];
  const [program = "", ...args] = [...line, ...(options.limit === undefined ? [] : [String(options.limit)])];
  // A tracer outlives the writer for as long as a PostgreSQL that the writer left behind runs.
  const timeout = options.wrap === undefined ? 5 * MINUTES : MINUTES;
  const limits = { timeout, killSignal: "SIGKILL", maxBuffer: 2 ** 28 } as const;
  const ran = spawnSync(program, args, { encoding: "utf8", ...limits });
  return outcome(ran.stdout);
}

function check(kind: string, directory: string): number {
  const ran = spawnSync(process.execPath, [WRITER, `check-${kind}`, directory], { encoding: "utf8" });
  const [, count] = /^FOUND (\d+)$/m.exec(ran.stdout) ?? [];
  if (count === undefined) throw new Error(`the check of ${kind} failed: ${ran.stdout}${ran.stderr}`);
  return Number(count);
}

describe.skipIf(!root)("a full disk", () => {
  test.each([
    ["journal", "2m"],
    ["file", "1m"],
    ["postgres", "160m"],
  ])(
    "%s: refused with a name, nothing acknowledged lost, and it goes on when there is room again",
    (kind, size) => {
      const directory = temporary();
      const ballast = join(directory, "ballast");
      expect(spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", directory]).status).toBe(0);
      try {
        const before = write(kind, directory, { limit: 50 });
        expect(before.last).toBe(50);
        // Everything but a few kilobytes.
        spawnSync("sh", ["-c", `cat /dev/zero > ${ballast}; truncate -s -40960 ${ballast}`]);
        const full = kind === "file" ? write(kind, `${directory}`, { limit: 400 }) : write(kind, directory);
        if (kind === "file") {
          // A file that is replaced needs room for one more copy only: take that away too.
          spawnSync("sh", ["-c", `cat /dev/zero >> ${ballast}`]);
          const none = write(kind, directory);
          expect(none.error).toBe("ENOSPC");
          expect(check(kind, directory)).toBe(full.last);
        } else {
          expect(full.error).toBeDefined();
        }
        const acknowledged = Math.max(before.last, full.last);
        rmSync(ballast);
        const kept = check(kind, directory);
        expect(kept).toBeGreaterThanOrEqual(acknowledged);
        const after = write(kind, directory, { limit: 10 });
        expect(after).toEqual({ last: kept + 10, error: undefined });
        console.log(
          `full disk, ${kind}: acknowledged ${acknowledged}, kept ${kept}, ended with ${full.error ?? "ENOSPC"}`,
        );
      } finally {
        spawnSync("umount", ["-l", directory]);
      }
    },
    10 * MINUTES,
  );
});

describe.skipIf(!strace)("EIO from fsync", () => {
  test.each(KINDS)(
    "%s: what an fsync did not confirm is not acknowledged, and everything else is there",
    (kind) => {
      const directory = temporary();
      expect(write(kind, directory, { limit: 20 }).last).toBe(20);
      const wrap = [
        ...["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"],
        ...["-e", "inject=fsync,fdatasync:error=EIO:when=60+"],
      ];
      const broken = write(kind, directory, { wrap, limit: 500 });
      expect(broken.last).toBeGreaterThanOrEqual(20);
      expect(broken.last).toBeLessThan(520);
      expect(broken.error).toBeDefined();
      const kept = check(kind, directory);
      expect(kept).toBeGreaterThanOrEqual(broken.last);
      expect(write(kind, directory, { limit: 10 })).toEqual({ last: kept + 10, error: undefined });
      console.log(
        `EIO on fsync, ${kind}: acknowledged ${broken.last}, kept ${kept}, ended with ${broken.error}`,
      );
    },
    10 * MINUTES,
  );
});

describe.skipIf(!powerCut)("a power cut", () => {
  test.each(KINDS)(
    "%s: after the machine's cache is gone, everything acknowledged is there",
    async (kind) => {
      const state = temporary();
      const data = "/mnt/data";
      const node = process.execPath;
      const line = (mode: string): string => `mkdir -p ${data}; cd /; ${node} ${WRITER} ${mode} ${data}`;
      mkdirSync(join(state, "uml"), { recursive: true });
      const writer = join(state, "write.sh");
      const checker = join(state, "check.sh");
      writeFileSync(writer, `${line(kind)}\n`);
      writeFileSync(checker, `${line(`check-${kind}`)}\n`);
      const text = await new Promise<string>((resolve) => {
        const child = spawn("bash", [POWER_CUT, `bash ${writer}`, `bash ${checker}`, "5"], {
          env: { ...process.env, BENCH_STATE: state, PORCHLIGHT_DEBUG: "1" },
          stdio: ["ignore", "pipe", "inherit"],
        });
        let out = "";
        child.stdout.on("data", (chunk: Buffer) => {
          out += chunk.toString();
        });
        child.on("close", () => resolve(out));
      });
      const [, last] = /last acknowledged (\d+)/.exec(text) ?? [];
      const [, count] = /FOUND (\d+)/.exec(text) ?? [];
      console.log(`power cut, ${kind}: ${text.trim()}`);
      expect(Number(last), text).toBeGreaterThanOrEqual(50);
      expect(Number(count), text).toBeGreaterThanOrEqual(Number(last));
    },
    15 * MINUTES,
  );
});
