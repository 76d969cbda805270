import {
  formatInstant,
  fromUtf8,
  type JsonObject,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { type AppEncoding, appSentence, checkServedApp } from "@porchlight/monitor";
import { parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { httpLogSource, WireError } from "@porchlight/wire";
import type { Command } from "commander";
import { EXIT } from "../exit-code.ts";
import { logAt } from "../log-address.ts";
import { readInput } from "../options.ts";
import { action, formatRows, type Streams } from "../terminal.ts";

type Options = { readonly policy: string; readonly log?: string };

/** Seconds by which a log's newest checkpoint may be old. */
const MAX_AGE = 86_400;
/** Milliseconds that one file may take. */
const PATIENCE = 30_000;

export function registerVerifyApp(program: Command, streams: Streams): void {
  action(
    program
      .command("verify-app")
      .argument("<url>", "where the web app is served")
      .description(
        "compare the web app that a server serves, file by file, with the releases in its witnessed log",
      )
      .requiredOption("--policy <file>", "the tlog-policy that the log's checkpoints must satisfy")
      .option("--log <url>", "the log's prefix, where it is not below the app's address"),
    streams,
    async ({ policy, log }: Options, _context, url: string) => {
      const base = url.replace(/\/+$/, "");
      const check = await checkServedApp({
        app: (path, encoding, limit) => get(`${base}${path}`, encoding, limit),
        log: log === undefined ? await logAt(base) : httpLogSource({ url: log }),
        policy: parsePolicy(fromUtf8(await readInput(policy)), nodeSuite),
        clock: { now },
        maxAge: MAX_AGE,
        suite: nodeSuite,
      });
      const { findings, served, manifest, compared, proof, connect, releases } = check;
      const files = manifest?.release.files ?? [];
      const bytes = files.reduce((sum, { size }) => sum + size, 0);
      const rows = [
        {
          term: "Log",
          text: `${check.origin}, ${check.size} entries, all rehashed; witnessed ${formatInstant(check.witnessed)}`,
        },
        { term: "Releases", text: `${releases.length} in the log` },
        ...(manifest === null
          ? []
          : [{ term: "Served", text: `${manifest.release.version}, manifest ${manifest.digest}` }]),
        ...(served === null
          ? []
          : [
              {
                term: "Logged",
                text: `entry ${served.index}, in the witnessed tree by a proof of ${proof} hashes`,
              },
            ]),
        {
          term: "Compared",
          text: `${compared} answers: ${files.length} files of ${bytes} bytes and every view, plain, gzip and br`,
        },
        { term: "May speak to", text: ["itself", ...connect].join(", ") },
      ];
      const verdict =
        findings.length === 0
          ? "It is the newest release in the log, whole and nothing besides."
          : ["NOT what was released:", ...findings.map((one) => `  ${one.code}: ${appSentence(one)}`)].join(
              "\n",
            );
      return {
        text: `${formatRows(rows)}\n\n${verdict}`,
        json: {
          origin: check.origin,
          size: check.size,
          witnessedAt: check.witnessed,
          version: manifest?.release.version ?? null,
          manifest: manifest?.digest ?? null,
          index: served?.index ?? null,
          files: files.length,
          compared,
          connect: [...connect],
          findings: findings.map((one): JsonObject => ({ ...one, message: appSentence(one) })),
        },
        exit: findings.length === 0 ? EXIT.done : EXIT.refused,
      };
    },
  );
}

function now(): UnixSeconds {
  return unixSeconds(Math.floor(Date.now() / 1000));
}

async function get(
  url: string,
  encoding: AppEncoding,
  limit: number,
): Promise<{ status: number; header: (name: string) => string | null; bytes: Uint8Array }> {
  try {
    const response = await fetch(url, {
      headers: { "accept-encoding": encoding },
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      // Enough to see that it is too long; a server that never ends is not listened to.
      if (length > limit) break;
    }
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      bytes: new Uint8Array(Buffer.concat(chunks)),
    };
  } catch (cause) {
    throw new WireError("unreachable", "no answer: check that the address is right and try again", { cause });
  }
}
