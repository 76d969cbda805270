import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Charter, type LogEntry, parseEntry } from "@porchlight/charter";
import {
  formatDay,
  formatInstant,
  fromUtf8,
  parseDecimal,
  parseJson,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { charterInWords, chooseCharter, Service } from "@porchlight/parties";
import { formatProof, logIndex, type Policy, parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { auditLog, httpLogSource, ServerClient } from "@porchlight/wire";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { parsed, readInput, type ServiceOptions, withService } from "../options.ts";

import { action, formatRows, type Streams } from "../terminal.ts";

/** Seconds after which a checkpoint is old. */
const MAX_AGE = 24 * 3600;

type AuditOptions = ServiceOptions & { readonly log?: string; readonly policy?: string };
type Memory = { readonly memory: string };
const MEMORY = ["--memory <dir>", "where the last checkpoint seen is kept", ".porchlight-log"] as const;
const index = parsed((text) => parseDecimal(text, "index"), "an index, a whole number from 0");

export function registerLog(program: Command, streams: Streams): void {
  const log = program.command("log").description("follow the public log as anyone can");

  action(
    withService(
      log
        .command("verify")
        .description("verify charter, witnesses, every entry, and that the log only grew since the last time")
        .option(...MEMORY),
    ),
    streams,
    async (options: Memory & ServiceOptions) => {
      const service = await follow(options);
      const { checkpoint, charter } = service;
      const counts = new Map<string, number>();
      for (const { bytes } of service.entriesFrom(0)) {
        const type = typeOf(bytes);
        counts.set(type, (counts.get(type) ?? 0) + 1);
      }
      const types = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        text: formatRows([
          { term: "Log", text: checkpoint.origin },
          {
            term: "Entries",
            text: `${checkpoint.size}, all rehashed: ${types.map(([type, count]) => `${count} ${type}`).join(", ")}`,
          },
          { term: "Witnessed", text: formatInstant(checkpoint.time) },
          {
            term: "Charter",
            text: `${charter.id}, signed by the provider and all ${charter.keyholders.length} keyholders`,
          },
          { term: "Memory", text: `${options.memory}: the next time it must be an extension of this` },
        ]),
        json: {
          origin: checkpoint.origin,
          size: checkpoint.size,
          witnessedAt: checkpoint.time,
          charter: charter.id,
          entries: Object.fromEntries(types),
        },
      };
    },
  );

  action(
    withService(
      log
        .command("audit")
        .description(
          "check a whole log in little memory: every entry, every tile, consistency and inclusion proofs",
        )
        .option("--log <url>", "the prefix of any C2SP log (default: the service's)")
        .option("--policy <file>", "its tlog-policy (default: the one in the service's charter)"),
    ),
    streams,
    async (options: AuditOptions) => {
      const { prefix, policy, now } = await auditedLog(options);
      const audit = await auditLog({
        source: httpLogSource({ url: prefix }),
        policy,
        clock: { now: () => now },
        maxAge: MAX_AGE,
        suite: nodeSuite,
      });
      const { kind, checkpoint, entries, bytes, tiles, inclusionProofs, consistencyProofs } = audit;
      return {
        text: formatRows([
          { term: "Log", text: checkpoint.origin },
          { term: "Entries", text: `${entries}, ${bytes} bytes, all fetched and hashed` },
          { term: "Tiles", text: `${tiles}, all compared with the entries' hashes` },
          {
            term: "Proofs",
            text: `${consistencyProofs} of consistency with earlier sizes, ${inclusionProofs} of inclusion`,
          },
          {
            term: "Witnessed",
            text: `${formatInstant(checkpoint.time)}${kind === "stale" ? ": a newer one may be kept from you" : ""}`,
          },
        ]),
        json: {
          origin: checkpoint.origin,
          size: checkpoint.size,
          witnessedAt: checkpoint.time,
          stale: kind === "stale",
          entries,
          bytes,
          tiles,
          inclusionProofs,
          consistencyProofs,
        },
      };
    },
  );

  action(
    withService(
      log
        .command("charter")
        .description("who can open what is sent here, for what, and how: the charter in plain words")
        .option(...MEMORY),
    ),
    streams,
    async (options: Memory & ServiceOptions) => {
      const { present: charter, replacements } = await follow(options);
      const { rows, warnings } = charterInWords(charter, replacements);
      return {
        text: `${formatRows(rows)}\n\n${warnings.map((text) => `! ${text}`).join("\n")}`,
        json: {
          charter: charter.id,
          kind: charter.kind,
          legalBases: [...charter.legalBases],
          offenceCategories: [...charter.offenceCategories],
          issuers: charter.issuers.map(({ name }) => name),
          keyholders: charter.keyholders.map(({ name, url }) => ({ name, url })),
          replacements: replacements.map((one) => ({ ...one })),
          threshold: charter.threshold,
          warnings: [...warnings],
        },
      };
    },
  );

  action(
    withService(
      log
        .command("policy")
        .description("the tlog-policy of the service's charter: compare it with what a keyholder publishes")
        .option("--out <file>", "write it to this file instead, for porchlight monitor")
        .option(...MEMORY),
    ),
    streams,
    async (options: Memory & ServiceOptions & { out?: string }) => {
      const { policy } = (await follow(options)).charter.log;
      if (options.out !== undefined) await writeFile(options.out, policy);
      return {
        text: options.out === undefined ? policy : `wrote ${options.out}`,
        json: { ...(options.out === undefined ? { policy } : { out: options.out }) },
      };
    },
  );

  action(
    withService(
      log
        .command("show")
        .argument("<index>", "the entry's place", index)
        .description("one entry, in words")
        .option(...MEMORY),
    ),
    streams,
    async (options: Memory & ServiceOptions, _context, at: number) => {
      const service = await follow(options);
      const bytes = entryAt(service, at);
      const entry = parseJson(bytes, "entry");
      const words = inWords(bytes, service.charter);
      return {
        text: `${words === "" ? "" : `${words}\n\n`}${fromUtf8(bytes)}`,
        json: { index: at, entry },
      };
    },
  );

  action(
    withService(
      log
        .command("proof")
        .argument("<index>", "the entry's place", index)
        .description("a C2SP tlog-proof of one entry, with the cosigned checkpoint")
        .option("--out <file>", "write it to this file instead")
        .option(...MEMORY),
    ),
    streams,
    async (options: Memory & ServiceOptions & { out?: string }, _context, at: number) => {
      const service = await follow(options);
      entryAt(service, at);
      const { hashes } = await service.prove(at);
      const proof = formatProof({ index: logIndex(at), hashes, checkpoint: service.checkpoint.note });
      if (options.out !== undefined) await writeFile(options.out, proof);
      return {
        text: options.out === undefined ? proof : `wrote ${options.out}`,
        json: { index: at, ...(options.out === undefined ? { proof } : { out: options.out }) },
      };
    },
  );
}

async function auditedLog(
  options: AuditOptions,
): Promise<{ prefix: string; policy: Policy; now: UnixSeconds }> {
  const now = unixSeconds(Math.floor(Date.now() / 1000));
  const { log, policy, url } = options;
  if (policy !== undefined && log !== undefined) {
    return { prefix: log, policy: parsePolicy(fromUtf8(await readInput(policy)), nodeSuite), now };
  }
  if (policy !== undefined || log !== undefined || url === undefined) {
    throw new CommandError(EXIT.usage, "url-missing", "which log? give --url, or --log with --policy");
  }
  const charter = await chooseCharter(new ServerClient({ url }), options.charter ?? null, { now: () => now });
  return {
    prefix: `${url.replace(/\/+$/, "")}/log`,
    policy: parsePolicy(charter.log.policy, nodeSuite),
    // A replayed clock shows days of its own.
    now: charter.clock === "replay" ? unixSeconds(0) : now,
  };
}

async function follow(options: Memory & ServiceOptions): Promise<Service> {
  const { url, memory, charter } = options;
  if (url === undefined) throw new CommandError(EXIT.usage, "url-missing", "which service? give --url");
  return await Service.open({ url, directory: join(memory), charter: charter ?? null });
}

function entryAt(service: Service, at: number): Uint8Array {
  const bytes = service.entriesFrom(at)[0]?.bytes;
  if (bytes === undefined) {
    throw new CommandError(
      EXIT.usage,
      "not-covered",
      `the witnessed log has entries 0 to ${service.checkpoint.size - 1}`,
    );
  }
  return bytes;
}

function readEntry(bytes: Uint8Array): LogEntry | null {
  try {
    return parseEntry(bytes);
  } catch {
    return null;
  }
}

function typeOf(bytes: Uint8Array): string {
  return readEntry(bytes)?.type ?? "unknown";
}

/** What an entry says; of an order, all that the public can know. */
function inWords(bytes: Uint8Array, charter: Charter): string {
  const entry = readEntry(bytes);
  switch (entry?.type) {
    case "charter":
      return "a charter with its signatures: who can open what is sent under it, and how";
    case "keys":
      return "the public keys of a key period, signed by the keyholders that share it";
    case "ceremony":
      return `keyholder ${entry.keyholder}: ${entry.body === "" ? "asks to close" : "its message in"} round ${entry.round} of the key ceremony for ${entry.period}, generation ${entry.generation}${entry.from === 0 ? "" : `, reshared from ${entry.from}`}`;
    case "erasure":
      return `keyholder ${entry.keyholder} erased its ${entry.kind} share of ${entry.period}, generation ${entry.generation}, on ${formatDay(entry.day)}`;
    case "succession":
      return "a lost keyholder's place is another's from here on; signed by the provider and by all keyholders then";
    case "warrant":
      return `a court's warrant, logged on ${formatDay(entry.day)}, secret until a day in ${entry.secretUntil}; nobody can tell from it whom it is about`;
    case "hold-order":
      return `a hold order of an organisation, logged on ${formatDay(entry.day)}, secret until a day in ${entry.secretUntil}; nobody can tell from it whom it is about`;
    case "revocation":
      return `the order with this commitment was revoked on ${formatDay(entry.day)}`;
    case "app-release":
      return `release ${entry.version} of the web app, logged on ${formatDay(entry.day)}; SHA-256 of its list of files ${entry.manifest}`;
    case "keyholder-batch":
      return `keyholder ${entry.keyholder} (${charter.keyholders[entry.keyholder - 1]?.name ?? "unknown"}), ${formatDay(entry.day)}: intents and releases, or filler that looks the same`;
    default:
      return "";
  }
}
