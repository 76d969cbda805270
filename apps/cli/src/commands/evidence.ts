import { stat, writeFile } from "node:fs/promises";
import { type CharterId, formatDay, formatInstant } from "@porchlight/encoding";
import {
  attachmentPath,
  type EvidenceReport,
  missingWords,
  openSealedEvidence,
  readCertificates,
  verifyEvidence,
  verifyFiles,
  writeFiles,
} from "@porchlight/evidence";
import { Agency } from "@porchlight/parties";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { charter, readInput } from "../options.ts";
import { action, formatRows, type Outcome, type Streams } from "../terminal.ts";

export function registerEvidence(program: Command, streams: Streams): void {
  const evidence = program.command("evidence").description("unpack and verify evidence packages, offline");

  action(
    evidence
      .command("verify")
      .argument("<package>", "the unpacked directory, or evidence.age with --dir or --identity")
      .description("reopen every message from the encrypted messages and the released keys, and compare")
      .option("--charter <id>", "the charter that you know to be the service's", charter)
      .option("--tsa-anchor <file...>", "root certificates (PEM) of authorities whose time stamps you trust")
      .option("--dir <dir>", "the requester's directory, to open evidence.age")
      .option("--identity <file>", "or a file with an age identity"),
    streams,
    async (options: { charter?: CharterId; tsaAnchor?: string[] } & Keys, _context, path: string) => {
      const timeAnchors = await anchorsIn(options.tsaAnchor);
      const trust = {
        ...(options.charter === undefined ? {} : { charter: options.charter }),
        ...(timeAnchors === null ? {} : { timeAnchors }),
      };
      const kind = await stat(path).catch(() => null);
      if (kind === null) throw new CommandError(EXIT.usage, "file-unreadable", `${path} cannot be read`);
      const report = kind.isDirectory()
        ? await verifyEvidence(path, trust)
        : await verifyFiles(await unseal(path, options), trust);
      return outcomeOf(report, options.charter !== undefined);
    },
  ).addHelpText(
    "after",
    `
Needs no network. Exit status 0: everything holds; 1: something does not, and the files are named.
Without --charter the package can only be consistent with itself: get the id from the service, from a member's
app ("Who can open this"), or from another party, and give it.`,
  );

  action(
    evidence
      .command("unpack")
      .argument("<file>", "evidence.age")
      .description("decrypt a package into a new directory")
      .requiredOption("--out <dir>", "the new directory")
      .option("--dir <dir>", "the requester's directory, whose identity opens it", "agency")
      .option("--identity <file>", "or a file with an age identity"),
    streams,
    async (options: Keys & { out: string }, _context, path: string) => {
      const files = await unseal(path, options);
      await writeFiles(options.out, files);
      return {
        text: `unpacked ${files.size} files into ${options.out}: open ${options.out}/data/index.html`,
        json: { directory: options.out, files: files.size },
      };
    },
  );

  action(
    evidence
      .command("page")
      .argument("<directory>", "the unpacked package")
      .description("make the page anew from a package that verifies, whichever version wrote it")
      .option("--charter <id>", "the charter that you know to be the service's", charter)
      .requiredOption("--out <file>", "the new page"),
    streams,
    async (options: { charter?: CharterId; out: string }, _context, path: string) => {
      const report = await verifyEvidence(
        path,
        options.charter === undefined ? {} : { charter: options.charter },
      );
      if (report.kind === "refused") return outcomeOf(report, options.charter !== undefined);
      await writeFile(options.out, report.page, { mode: 0o600 });
      return { text: `made ${options.out}`, json: { page: options.out } };
    },
  );

  action(
    evidence
      .command("messages")
      .argument("<directory>", "the unpacked package")
      .description("print messages.jsonl of a package that verifies, and nothing of one that does not")
      .option("--charter <id>", "the charter that you know to be the service's", charter)
      .option("--out <file>", "write to this file instead"),
    streams,
    async (options: { charter?: CharterId; out?: string }, _context, path: string) => {
      const report = await verifyEvidence(
        path,
        options.charter === undefined ? {} : { charter: options.charter },
      );
      if (report.kind === "refused") return outcomeOf(report, options.charter !== undefined);
      const bytes = await readInput(`${path}/data/messages.jsonl`);
      if (options.out !== undefined) await writeFile(options.out, bytes, { mode: 0o600 });
      const count = report.release.messages.length;
      return {
        text:
          options.out === undefined ? Buffer.from(bytes).toString() : `${count} messages in ${options.out}`,
        json: { messages: count, out: options.out ?? null },
      };
    },
  );
}

/** Certificates that were given as trusted; `null` where none were asked for. */
async function anchorsIn(files: readonly string[] | undefined) {
  if (files === undefined) return null;
  const anchors = [];
  for (const file of files) {
    const found = readCertificates(Buffer.from(await readInput(file)).toString());
    if (found.length === 0)
      throw new CommandError(EXIT.usage, "file-malformed", `${file} holds no certificate in PEM`);
    anchors.push(...found);
  }
  return anchors;
}

type Keys = { readonly dir?: string; readonly identity?: string };

async function unseal(path: string, { dir, identity }: Keys) {
  const sealed = await readInput(path);
  if (identity !== undefined) {
    const text = Buffer.from(await readInput(identity)).toString();
    return await openSealedEvidence(
      sealed,
      text.split("\n").filter((line) => line.startsWith("AGE-SECRET-KEY-")),
    );
  }
  if (dir === undefined) {
    throw new CommandError(EXIT.usage, "identity-missing", "it is encrypted: give --dir or --identity");
  }
  return await (await Agency.open(dir)).unseal(sealed);
}

function outcomeOf(report: EvidenceReport, trusted: boolean): Outcome {
  if (report.kind === "refused") {
    const { findings } = report;
    return {
      text: `REFUSED\n\n${findings.map(({ file, what, rule }) => `${file} ${what} (${rule})`).join("\n")}`,
      json: { verified: false, findings: findings.map((finding) => ({ ...finding })) },
      exit: EXIT.refused,
    };
  }
  const { release, digest, limits, notCompared, timeStamp } = report;
  const { charter, warrant, messages, failures, gaps, labels, log, releases } = release;
  const days = [...new Set(labels.map(({ label }) => label.day))].map((day) => formatDay(day)).join(", ");
  const persons = new Map(warrant.statement.accounts.map(({ account, person }) => [account, person]));
  const rows = formatRows([
    { term: charter.kind === "court" ? "Warrant" : "Hold order", text: warrant.document.reference },
    { term: "For", text: warrant.document.requester.name },
    {
      term: "Whose messages",
      text: [...new Set(labels.map(({ label }) => label.account))]
        .map((account) => `${persons.get(account) ?? ""} (account ${account})`)
        .join("\n"),
    },
    {
      term: "Conversations",
      text: [...new Set(labels.map(({ label }) => label.conversation))].join("\n"),
    },
    { term: "Days", text: days },
    { term: "Messages", text: `${messages.length} reopened, signatures verified, equal to messages.jsonl` },
    {
      term: "Not opened",
      text:
        failures.length === 0
          ? "none"
          : failures.map(({ kind, seq, reason }) => `${kind} ${seq}: ${reason}`).join("\n"),
    },
    ...(gaps.length === 0
      ? []
      : [
          {
            term: "Missing numbers",
            text: gaps
              .map(({ device, generations }) => `device ${device.slice(0, 16)}…: ${generations.join(", ")}`)
              .join("\n"),
          },
        ]),
    {
      term: "Keyholders",
      text: releases.map(({ holder, logIndex }) => `${holder.name} (log ${logIndex})`).join("\n"),
    },
    {
      term: "Log",
      text: `order at ${log.orderIndex}, not revoked up to entry ${log.checkpoint.size - 1}, witnessed ${formatInstant(log.checkpoint.time)}`,
    },
    {
      term: "Charter",
      text: `${charter.id}${trusted ? ", the one you named" : ", NOT COMPARED: give --charter"}`,
    },
    ...(notCompared.length === 0
      ? []
      : [
          {
            term: "NOT COMPARED",
            text: `${notCompared.join(", ")}: another version of this program wrote them. Do not rely on them; make the page anew with "porchlight evidence page"`,
          },
        ]),
    ...(release.attachments === null
      ? []
      : [
          {
            term: "Files",
            text: [...release.attachments.values()]
              .map((one) =>
                one.state === "held"
                  ? `${attachmentPath(one.ref)}, as its message names it`
                  : `file ${one.ref.slice(0, 16)}… is not here: ${missingWords(one.state)}`,
              )
              .join("\n"),
          },
        ]),
    {
      term: "Time stamp",
      text:
        timeStamp === null
          ? "none"
          : `${formatInstant(timeStamp.at)} by ${timeStamp.authority}${timeStamp.trusted ? ", which leads to an authority that you named" : ", WHOSE AUTHORITY WAS NOT COMPARED: give --tsa-anchor"}`,
    },
    { term: "SHA-256 of the package", text: `${digest} (tagmanifest-sha256.txt)` },
  ]);
  return {
    text: `VERIFIED${charter.clock === "replay" ? " (a replayed clock: its times are those of the replay)" : ""}\n\n${rows}\n\nWhat no check can tell:\n${limits.map((limit) => `- ${limit}`).join("\n")}`,
    json: {
      verified: true,
      trusted,
      charter: charter.id,
      clock: charter.clock,
      reference: warrant.document.reference,
      messages: messages.length,
      failures: failures.map(({ kind, seq, code }) => ({ kind, seq, code })),
      gaps: gaps.length,
      notCompared: [...notCompared],
      digest,
      timeStamp:
        timeStamp === null
          ? null
          : { at: formatInstant(timeStamp.at), authority: timeStamp.authority, trusted: timeStamp.trusted },
      limits: [...limits],
    },
  };
}
