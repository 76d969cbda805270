import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BatchEntry,
  formatEntry,
  type LogEntry,
  parseEntry,
  type SignedDocument,
  signIntake,
} from "@porchlight/charter";
import { type DayNumber, hex, utf8 } from "@porchlight/encoding";
import { sealEnvelope } from "@porchlight/envelope";
import { loadCurve } from "@porchlight/quorum/mcl";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkpointOf, onDay, seedOf } from "../../../vectors/fixture/deployment.ts";
import { device } from "../../envelope/test/device.ts";
import { makeBag, payloadOxum } from "../src/bag.ts";
import { PAGE_VERSION, PAGES } from "../src/derived.ts";
import { EvidenceError, type EvidenceErrorCode } from "../src/error.ts";
import { type Files, sha256 } from "../src/files.ts";
import type { KeyholderRelease } from "../src/keyholder-release.ts";
import { checkComplete } from "../src/log-extract.ts";
import type { ReleasedLabel, StoredMessage } from "../src/material.ts";
import { type KeyedLabel, openMaterial } from "../src/messages.ts";
import { openInThreads } from "../src/opening.ts";
import { DERIVED, makePackage, type PackageInput, writeEvidence } from "../src/package.ts";
import type { OpenedRelease } from "../src/release.ts";
import { openSealedEvidence, sealEvidence } from "../src/sealed.ts";
import { verifyEvidence, verifyFiles } from "../src/verify.ts";
import {
  type CaseMade,
  type CaseOptions,
  contentOf,
  DAY,
  type Device,
  makeCase,
  PLAIN,
  prover,
  rootOf,
  sender,
} from "./case.ts";

let input: CaseMade;
let files: Files;
let opened: OpenedRelease;
let directory: string;

beforeAll(async () => {
  input = await makeCase();
  ({ files, opened } = await makePackage(input));
  directory = await mkdtemp(join(tmpdir(), "evidence-"));
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

function textOf(file: Uint8Array | undefined): string {
  return Buffer.from(file ?? new Uint8Array()).toString();
}

/** The same package with files changed and all manifests made again, as someone who can run a program would. */
function repacked(changes: ReadonlyMap<string, Uint8Array | null>): Files {
  const payload = new Map([...files].filter(([path]) => path.startsWith("data/")));
  let info = files.get("bag-info.txt") as Uint8Array;
  for (const [path, bytes] of changes) {
    if (path === "bag-info.txt") info = bytes ?? info;
    else if (bytes === null) payload.delete(path);
    else payload.set(path, bytes);
  }
  return makeBag(payload, info);
}

/** Files that a verification names; empty where it passes. */
async function named(package_: Files): Promise<string[]> {
  const report = await verifyFiles(package_);
  return report.kind === "verified" ? [] : report.findings.map(({ file }) => file);
}

async function refusal(
  change: Partial<PackageInput> | CaseOptions,
  make = false,
): Promise<EvidenceErrorCode | "made"> {
  try {
    await makePackage(
      make ? await makeCase(change as CaseOptions) : { ...input, ...(change as Partial<PackageInput>) },
    );
    return "made";
  } catch (error) {
    if (error instanceof EvidenceError) return error.code;
    throw error;
  }
}

test("EVI-21, EVI-22: messages.jsonl holds what was written, in the order of delivery, and nothing else", () => {
  const lines = textOf(files.get("data/messages.jsonl")).trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(
    PLAIN.flat().map(({ at, text, kind }) => ({
      at,
      from: "merry-ram",
      text,
      ...(kind === undefined ? {} : { kind }),
    })),
  );
  expect(lines[3]).toContain("\\u2028");
});

test("EVI-70: a whole package verifies without anything but itself, and against the charter that is known", async () => {
  expect(await verifyFiles(files)).toMatchObject({ kind: "verified" });
  expect(await verifyFiles(files, { charter: input.charterId })).toMatchObject({ kind: "verified" });
});

test("EVI-61: a package of another charter than the one known to the reader is refused", async () => {
  const report = await verifyFiles(files, { charter: "0".repeat(64) });
  expect(report).toMatchObject({
    kind: "refused",
    findings: [{ rule: "EVI-61", file: "data/charter.json" }],
  });
});

test("EVI-10: one byte changed anywhere names its file", async () => {
  for (const [path, bytes] of files) {
    for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 1;
      expect(await named(new Map(files).set(path, changed)), `${path} byte ${at}`).toContain(path);
    }
  }
});

test("EVI-18, EVI-60 to EVI-69: one byte changed is refused also where all manifests are made again", async () => {
  for (const [path, bytes] of files) {
    if (path.startsWith("manifest") || path.startsWith("tagmanifest") || path === "bagit.txt") continue;
    for (const at of [Math.floor(bytes.length / 3)]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] as number) ^ 1;
      const found = await named(repacked(new Map([[path, changed]])));
      expect(found.length, `${path} byte ${at}`).toBeGreaterThan(0);
      // What follows from the rest is itself to blame; of the rest, the place where it stopped holding.
      if (DERIVED.includes(path) || path === "bag-info.txt") expect(found, path).toEqual([path]);
    }
  }
});

test("EVI-18: altered, dropped, added and swapped messages are refused with manifests made again", async () => {
  const lines = textOf(files.get("data/messages.jsonl")).trimEnd().split("\n");
  const altered: string[][] = [
    lines.with(0, (lines[0] as string).replace("good morning", "good evening")),
    lines.with(0, (lines[0] as string).replace("merry-ram", "kind-wren")),
    lines.slice(1),
    lines.toReversed(),
    lines.with(0, `${(lines[0] as string).slice(0, -1)},"kind":"action"}`),
  ];
  for (const change of altered) {
    const bytes = utf8(change.map((line) => `${line}\n`).join(""));
    expect(await named(repacked(new Map([["data/messages.jsonl", bytes]])))).toContain("data/messages.jsonl");
  }
});

test("EVI-12, EVI-13: a missing or an extra file is refused with manifests made again", async () => {
  for (const path of [...files.keys()].filter((name) => name.startsWith("data/"))) {
    expect((await named(repacked(new Map([[path, null]])))).length, path).toBeGreaterThan(0);
  }
  for (const path of [
    "data/notes.txt",
    "data/wire/002.jsonl",
    "data/keys-2026-10.json",
    "data/releases/keyholder-002-0001.json",
  ]) {
    expect((await named(repacked(new Map([[path, utf8("{}\n")]])))).length, path).toBeGreaterThan(0);
  }
});

test("EVI-1: the same source in another spelling is refused: one encoding only", async () => {
  for (const [path, edit] of [
    ["data/label-keys.json", (text: string) => text.replaceAll("\n", "")],
    ["data/wire/001.jsonl", (text: string) => text.replaceAll('"seq":', '"seq": ')],
    ["data/custody.jsonl", (text: string) => text.replaceAll('{"at"', '{ "at"')],
    ["data/releases/keyholder-001-0001.json", (text: string) => text.replace('"bundle":', '"bundle": ')],
  ] as const) {
    expect(await named(repacked(new Map([[path, utf8(edit(textOf(files.get(path))))]]))), path).toContain(
      path,
    );
  }
});

// Messages that fail, one by one.

function replace(messages: readonly StoredMessage[], at: number, wire: Uint8Array): StoredMessage[] {
  return messages.map((message, i) => (i === at ? { ...message, wire } : message));
}

/** Codes of what is reported, and what opens, by text. */
function outcome(deliver: (stored: CaseMade["stored"]) => Pick<ReleasedLabel, "envelopes" | "messages">): {
  failed: string[];
  opened: string[];
} {
  const [label] = input.labels as [ReleasedLabel];
  const keys = {
    mpk: opened.keys.values().next().value?.access.mpk as Uint8Array,
    providerKey: opened.charter.provider.xwing,
  };
  const { messages, failures } = openMaterial({
    labels: [{ ...label, ...deliver(input.stored), keys }],
    persons: new Map([[label.label.account, "merry-ram"]]),
  });
  expect(failures.every(({ reason }) => reason.length > 10)).toBe(true);
  return {
    failed: failures.map(({ kind, code }) => `${kind} ${code}`),
    opened: messages.map(({ text }) => text),
  };
}

const [A, B, C, D] = PLAIN.flat().map(({ text }) => text) as [string, string, string, string];

test("EVI-22, EVI-24: opened on several threads it is what one thread opens, in the same order", async () => {
  const [label] = input.labels as [ReleasedLabel];
  const keys = {
    mpk: opened.keys.values().next().value?.access.mpk as Uint8Array,
    providerKey: opened.charter.provider.xwing,
  };
  // Envelopes of another day than their label's: they fail, and say so in their places.
  const others = [-2, -1, 1, 2].map((offset) => ({
    ...label,
    label: { ...label.label, day: (DAY + offset) as DayNumber },
    envelopes: Array.from({ length: 10 }, (_, i) => ({ ...label.envelopes[0], seq: 100 + i })),
  }));
  const work = {
    labels: [...others, label].map((one) => ({ ...one, keys })) as KeyedLabel[],
    persons: new Map([[label.label.account, "merry-ram"]]),
  };
  const curve = await loadCurve();
  const alone = openMaterial({ ...work, curve });
  expect([alone.messages.length, alone.failures.length > 40]).toEqual([PLAIN.flat().length, true]);
  for (const processors of [1, 2]) expect(await openInThreads(work, curve, processors)).toEqual(alone);
});

test("EVI-24: one flipped byte of a stored message: that message alone is reported, the rest opens", async () => {
  const wire = input.stored.messages[1]?.wire as Uint8Array;
  for (let at = 0; at < wire.length; at += 53) {
    const flipped = wire.slice();
    flipped[at] = (flipped[at] as number) ^ 4;
    const result = outcome(({ envelopes, messages }) => ({
      envelopes,
      messages: replace(messages, 1, flipped),
    }));
    expect(result.opened, `byte ${at}`).toEqual([A, C, D]);
    expect(result.failed.length).toBe(1);
  }
  // And such a package, which a provider's damaged disk makes, verifies and says so.
  const flipped = wire.slice();
  flipped[200] = (flipped[200] as number) ^ 4;
  const labels = input.labels.map((label) => ({ ...label, messages: replace(label.messages, 1, flipped) }));
  const made = await makePackage({ ...input, labels });
  expect(await verifyFiles(made.files)).toMatchObject({ kind: "verified" });
  const { failures, gaps } = JSON.parse(textOf(made.files.get("data/report.json"))) as Record<
    string,
    unknown[]
  >;
  expect(failures).toMatchObject([
    { kind: "message", seq: input.stored.messages[1]?.seq, code: "ciphertext-refused" },
  ]);
  expect(gaps).toEqual([]);
});

test("EVI-25: a number missing in a device's key chain is listed", async () => {
  const labels = input.labels.map((label) => ({ ...label, messages: label.messages.slice(1) }));
  const made = await makePackage({ ...input, labels });
  expect(made.opened.gaps).toMatchObject([{ epoch: 7, generations: [0] }]);
  expect(made.opened.messages.length).toBe(3);
});

test("EVI-24: forged, replayed, misdated, mislabelled and foreign messages are reported for what they are", () => {
  const text = (n: number): string => contentOf({ at: "2026-09-14T08:00:00Z", text: `message ${n}` });
  const noCommitment = new Uint8Array(41).fill(7);
  noCommitment.set([1, 0, 0, 0, 0, 0, 0, 0, 7], 0);
  new DataView(noCommitment.buffer).setUint32(1, DAY);
  const result = outcome(({ envelopes, messages, senders }) => {
    const [one] = senders as [Device];
    const [first] = messages as [StoredMessage];
    const make = (generation: number, more: Partial<Parameters<Device["message"]>[0]> = {}): Uint8Array =>
      one.message({ generation, counter: generation, text: text(generation), ...more });
    const wires: (readonly [Uint8Array, submitter?: string])[] = [
      [make(0)],
      // The requester itself has the keys to encrypt this, and every member has.
      [make(1, { text: text(99), signer: seedOf("another device") })],
      [make(1)],
      // An insider's encryption, at the next generation, of what was signed for generation 1.
      [make(2, { counter: 1, text: text(1) })],
      [make(2)],
      // The same where the provider withholds the original.
      [make(4, { counter: 3 })],
      [make(5, { day: DAY + 1 })],
      [make(6)],
      [make(7, { authenticatedData: noCommitment })],
      [make(8, { text: "plain text" })],
      [make(9), "ab".repeat(32)],
      [new Uint8Array([0, 1, 0, 1])],
      [make(10, { leafIndex: 4 })],
      [make(2)],
      [make(2000)],
      [make(11)],
    ];
    return {
      envelopes,
      messages: wires.map(([wire, submitter], i) => ({
        ...first,
        seq: 100 + i,
        wire,
        submitter: (submitter ?? first.submitter) as StoredMessage["submitter"],
      })),
    };
  });
  expect(result.opened).toEqual([0, 1, 2, 6, 11].map((n) => `message ${n}`));
  expect(result.failed).toEqual(
    [
      "message-signature",
      "counter-used",
      "counter-mismatch",
      "wrong-day",
      "franking-mismatch",
      "content",
      "out-of-scope",
      "not-private-message",
      "wrong-sender",
      "generation-used",
      "generation-too-far",
    ].map((code) => `message ${code}`),
  );
});

test("EVI-26: one person's messages cannot be put into another order, nor before their envelope", async () => {
  const wire = (n: number): Uint8Array => input.stored.messages[n]?.wire as Uint8Array;
  const swap = (a: number, b: number) =>
    outcome(({ envelopes, messages }) => ({
      envelopes: envelopes.map((one, i) => ({ ...one, seq: i })),
      messages: replace(replace(messages, a, wire(b)), b, wire(a)),
    }));
  // Within an epoch, and across two.
  expect(swap(0, 1)).toEqual({ failed: ["message out-of-order"], opened: [B, C, D] });
  expect(swap(1, 2)).toEqual({ failed: ["message out-of-order"], opened: [A, C, D] });
  const early = outcome(({ envelopes, messages }) => ({
    envelopes: envelopes.map((one) => ({ ...one, seq: one.seq + 1000 })),
    messages,
  }));
  expect(early).toEqual({ failed: Array.from({ length: 4 }, () => "message no-envelope"), opened: [] });
  // With all manifests and derived files made again the package still verifies, and says what was done to it.
  const labels = input.labels.map((label) => ({
    ...label,
    messages: replace(replace(label.messages, 0, wire(1)), 1, wire(0)),
  }));
  const made = await makePackage({ ...input, labels });
  expect(await verifyFiles(made.files)).toMatchObject({ kind: "verified" });
  expect(made.opened.failures).toMatchObject([{ code: "out-of-order" }]);
});

test("EVI-70: whatever is changed in the sources, verification ends in a refusal that names a file", async () => {
  const payload = [...files].filter(([path]) => path.startsWith("data/") && !DERIVED.includes(path));
  // The provider's arrival times are nobody's signature, and the end of the custody record has no line after it.
  const stated = /"at":"[^"]*"|"(?:actor|subject)":"[^"]*"/g;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...payload),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.constantFrom("flip", "drop", "double", "digit"),
      async ([path, bytes], where, how) => {
        const at = Math.floor(where * bytes.length);
        const text = Buffer.from(bytes).toString("latin1");
        if (
          [...text.matchAll(stated)].some((found) => found.index <= at && at < found.index + found[0].length)
        )
          return;
        const changed = {
          flip: () => bytes.with(at, (bytes[at] as number) ^ 1),
          drop: () => new Uint8Array([...bytes.slice(0, at), ...bytes.slice(at + 7)]),
          double: () => new Uint8Array([...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - 9))]),
          digit: () => bytes.with(at, bytes[at] === 0x37 ? 0x38 : 0x37),
        }[how]();
        if (Buffer.compare(changed, bytes) === 0) return;
        const found = await named(repacked(new Map([[path, changed]])));
        expect(found.length, `${path} byte ${at} ${how}`).toBeGreaterThan(0);
        for (const file of found) expect(files.has(file), file).toBe(true);
      },
    ),
    { numRuns: 20 },
  );
});

test("EVI-24: an envelope that fails takes its own epoch with it and nothing else", () => {
  const damaged = outcome(({ envelopes, messages }) => ({
    envelopes: envelopes.map((one, i) => {
      const inner = one.inner.slice();
      if (i === 0) inner[100] = (inner[100] as number) ^ 1;
      return { ...one, inner };
    }),
    messages,
  }));
  expect(damaged).toEqual({
    failed: ["envelope signature", "message envelope-failed", "message envelope-failed"],
    opened: [C, D],
  });
  expect(outcome(({ envelopes, messages }) => ({ envelopes: envelopes.slice(1), messages }))).toEqual({
    failed: ["message no-envelope", "message no-envelope"],
    opened: [C, D],
  });
});

test("EVI-24: another person's, another day's and another conversation's envelope opens nothing; one sent twice counts once", () => {
  const { charter, keys } = opened;
  const escrow = {
    mpk: keys.values().next().value?.access.mpk as Uint8Array,
    providerKey: charter.provider.xwing,
  };
  const elsewhere = sender(charter, "ben", 7);
  Object.assign(elsewhere.header, { groupContext: device("ben").header.groupContext });
  const foreign = [
    sender(charter, "eve", 7),
    sender(charter, "ben", 9, (DAY + 1) as DayNumber),
    elsewhere,
  ].map((one, i) => ({
    seq: 1 + i,
    epoch: 7,
    at: onDay(DAY, 12),
    ...sealEnvelope({ header: one.header, secret: one.secret, keys: escrow, sign: one.sign }),
  }));
  const result = outcome(({ envelopes, messages }) => ({
    envelopes: [...foreign, ...envelopes, ...envelopes.map((one) => ({ ...one, seq: 900 + one.seq }))],
    messages,
  }));
  expect(result).toEqual({
    failed: ["envelope out-of-scope", "envelope out-of-scope", "envelope group-mismatch"],
    opened: [A, B, C, D],
  });
});

// What is no matter of one message.

test("EVI-68: a label key that t shares did not make is refused", async () => {
  const [label] = input.labels;
  const other = await makeCase({ warrant: { necessity: "other" } });
  expect(await refusal({ labels: [{ ...(label as ReleasedLabel), labelKey: new Uint8Array(48) }] })).toBe(
    "label-key",
  );
  const wrong = (label as ReleasedLabel).labelKey.toReversed();
  expect(await refusal({ labels: [{ ...(label as ReleasedLabel), labelKey: wrong }] })).toBe("label-key");
  expect(other.labels[0]?.labelKey).toEqual(label?.labelKey);
});

test("EVI-69: a label that the order does not ask for is refused", async () => {
  const [label] = input.labels as [(typeof input.labels)[number]];
  expect(
    await refusal({ labels: [{ ...label, label: { ...label.label, day: (DAY + 1) as DayNumber } }] }),
  ).toBe("out-of-scope");
  expect(
    await refusal({ labels: [{ ...label, label: { ...label.label, account: "ab".repeat(32) as never } }] }),
  ).toBe("out-of-scope");
  expect(await refusal({ labels: [label, label] })).toBe("malformed");
});

test("EVI-67: a day that witnesses did not see end is refused", async () => {
  const warrant = { firstDay: DAY, lastDay: (DAY + 1) as DayNumber };
  expect(await refusal({ warrant }, true)).toBe("day-not-over");
});

test("EVI-63: an order whose opening does not fit the log is refused", async () => {
  expect(await refusal({ opening: seedOf("another opening") })).toBe("log");
  const other = await makeCase({ warrant: { necessity: "other" } });
  expect(await refusal({ warrant: other.warrant })).toBe("log");
});

test("EVI-64: no entry between the order and the checkpoint can be left out or exchanged", async () => {
  const { log } = input;
  const other = formatEntry({
    ...(parseEntry(log.entries[1] as Uint8Array) as BatchEntry),
    day: (DAY + 2) as DayNumber,
  });
  expect(await refusal({ log: { ...log, entries: log.entries.slice(0, -1) } })).toBe("log");
  expect(await refusal({ log: { ...log, entries: log.entries.toSpliced(1, 1) } })).toBe("log");
  expect(await refusal({ log: { ...log, entries: log.entries.with(1, other) } })).toBe("log");
  expect(await refusal({ log: { ...log, entries: [...log.entries, log.entries[0] as Uint8Array] } })).toBe(
    "log",
  );
});

test("EVI-64: wherever the order is, in trees of every shape, its path and the entries after it give the root", async () => {
  const { charter, commitment } = opened;
  const order = parseEntry(input.log.entries[0] as Uint8Array);
  const other = (i: number): LogEntry => ({ ...order, commitment: hex(seedOf(`${i}`)) }) as LogEntry;
  for (let size = 1; size <= 20; size++) {
    for (let index = 0; index < size; index += 1 + Math.floor(size / 5)) {
      const entries = Array.from({ length: size }, (_, i) => (i === index ? order : other(i)));
      const prove = await prover(entries);
      const path = await prove(index);
      const log = {
        order: path,
        entries: entries.slice(index).map(formatEntry),
      };
      expect(() => checkComplete(log, rootOf(entries)), `${index} of ${size}`).not.toThrow();
      if (index < size - 1) {
        const swapped = [...log.entries.slice(0, -1), formatEntry(other(-1))];
        expect(() => checkComplete({ ...log, entries: swapped }, rootOf(entries))).toThrow();
      }
    }
  }
  expect(commitment).toBe(order.type === "warrant" ? order.commitment : "");
  expect(charter.kind).toBe("court");
});

test("EVI-65: a revoked order's package is refused", async () => {
  const later: CaseOptions["later"] = ({ charter, commitment }) => [
    signIntake(
      {
        type: "revocation",
        charter: charter.id,
        day: (DAY + 1) as DayNumber,
        commitment: commitment as never,
      },
      seedOf("Intake"),
    ),
  ];
  expect(await refusal({ later }, true)).toBe("revoked");
});

test("EVI-60: a checkpoint without the whole witness policy is refused", async () => {
  const { checkpoint } = input.log;
  const [text, signatures] = checkpoint.split("\n\n") as [string, string];
  const lines = signatures.trimEnd().split("\n");
  const without = (name: RegExp, count: number): string => {
    let left = count;
    return `${text}\n\n${lines.filter((line) => !(name.test(line) && left-- > 0)).join("\n")}\n`;
  };
  expect(await refusal({ log: { ...input.log, checkpoint: without(/keyholder/, 1) } })).toBe("made");
  expect(await refusal({ log: { ...input.log, checkpoint: without(/keyholder/, 2) } })).toBe("log");
  expect(await refusal({ log: { ...input.log, checkpoint: without(/witness/, 1) } })).toBe("log");
  expect(await refusal({ log: { ...input.log, checkpoint: checkpointOf([], onDay(DAY, 40)).note } })).toBe(
    "log",
  );
});

test("EVI-66: fewer than t keyholders' bundles, or the same one twice, are refused", async () => {
  const { releases } = input;
  expect(await refusal({ releases: releases.slice(0, 2) })).toBe("release");
  expect(await refusal({ releases: [...releases.slice(0, 2), releases[0] as never] })).toBe("release");
  const other = await makeCase({ warrant: { necessity: "other" } });
  expect(await refusal({ releases: other.releases })).toBe("release");
});

test("EVI-66: a release that its keyholder did not commit to in the log is refused", async () => {
  expect(await refusal({ unloggedReleases: true }, true)).toBe("release");
  const [first, ...others] = input.releases;
  expect(
    await refusal({ releases: [{ ...(first as KeyholderRelease), random: seedOf("x") }, ...others] }),
  ).toBe("release");
  expect(opened.releases).toMatchObject([
    { keyholder: 1, logIndex: 4 },
    { keyholder: 3, logIndex: 5 },
    { keyholder: 4, logIndex: 6 },
  ]);
});

describe("EVI-16: a lost keyholder was replaced", () => {
  const RELEASING = [1, 2, 3];
  const NEW = "Keyholder 2, new";
  const succession = (changes: Partial<NonNullable<CaseOptions["succession"]>> = {}): CaseOptions => ({
    releasing: RELEASING,
    succession: { at: "before-order", released: "successor", ...changes },
  });

  test("its successor's release counts by the succession in the package, and everyone is named", async () => {
    const made = await makeCase(succession());
    const { files: whole, opened: release } = await makePackage(made);
    expect([...whole.keys()]).toContain("data/succession-01.json");
    expect(await verifyFiles(whole, { charter: made.charterId })).toMatchObject({ kind: "verified" });
    expect(release.releases.map(({ holder }) => holder.name)).toEqual(["Keyholder 1", NEW, "Keyholder 3"]);
    expect(JSON.parse(textOf(whole.get("data/report.json")))).toMatchObject({
      keyholders: [{}, { keyholder: 2, name: NEW }, {}],
      replacements: [{ keyholder: 2, lost: "Keyholder 2", successor: NEW, logIndex: 3 }],
    });
    expect(textOf(whole.get("data/index.html"))).toContain(`${NEW} took the place of Keyholder 2`);
  });

  test("without the succession its release is nobody's, and so is one without its proof", async () => {
    const made = await makeCase(succession());
    const log = { ...made.log, successions: [] };
    expect(await refusal({ ...made, successions: [], log })).toBe("release");
    expect(await refusal({ ...made, log })).toBe("succession");
    const { files: whole } = await makePackage(made);
    const payload = new Map([...whole].filter(([path]) => path.startsWith("data/")));
    for (const path of ["data/succession-01.json", "data/proofs/succession-01.tlog-proof"]) {
      const bytes = payload.get(path) as Uint8Array;
      payload.delete(path);
      const report = await verifyFiles(makeBag(payload, whole.get("bag-info.txt") as Uint8Array));
      expect(report.kind, path).toBe("refused");
      payload.set(path, bytes);
    }
  });

  test("a forged one is refused: signed by too few, by the lost one itself, or not the one in the log", async () => {
    const unsigned = (right: SignedDocument): SignedDocument => ({
      ...right,
      signatures: right.signatures.slice(1),
    });
    const stolen = (right: SignedDocument): SignedDocument => ({
      ...right,
      signatures: right.signatures.map((one, i) => (i === 1 ? (right.signatures[0] as typeof one) : one)),
    });
    for (const document of [unsigned, stolen]) {
      expect(await refusal(succession({ document }), true)).toBe("succession");
      // In the log after the order it is what everyone else takes it for: nothing.
      expect(await refusal(succession({ document, at: "before-release" }), true)).toBe("release");
      expect(await refusal(succession({ document, at: "before-release", released: "lost" }), true)).toBe(
        "made",
      );
    }
    const made = await makeCase(succession());
    const other = await makeCase(succession({ document: unsigned }));
    expect(await refusal({ ...made, successions: other.successions })).toBe("log");
    expect(await refusal({ ...made, successions: [made.charter] })).toBe("log");
    const twice = {
      successions: [...made.successions, ...made.successions],
      log: { ...made.log, successions: [...made.log.successions, ...made.log.successions] },
    };
    expect(await refusal({ ...made, ...twice })).toBe("succession");
  });

  test("who holds the place when a release is logged must have signed it: before its succession the lost one, after it the new one", async () => {
    expect(await refusal(succession({ at: "before-release" }), true)).toBe("made");
    expect(await refusal(succession({ at: "before-release", released: "lost" }), true)).toBe("release");
    expect(await refusal(succession({ released: "lost" }), true)).toBe("release");
    expect(await refusal(succession({ at: "after-release" }), true)).toBe("release");
    const { opened: before } = await makePackage(
      await makeCase(succession({ at: "after-release", released: "lost" })),
    );
    expect(before.releases.map(({ holder }) => holder.name)).toEqual(RELEASING.map((n) => `Keyholder ${n}`));
    expect(before.log.replacements).toMatchObject([{ logIndex: 7, successor: { name: NEW } }]);
  });
});

test("EVI-30: a custody record that lost a step, or whose time goes back, is refused", async () => {
  const custody = textOf(files.get("data/custody.jsonl")).split("\n");
  expect(await named(repacked(new Map([["data/custody.jsonl", utf8(custody.slice(1).join("\n"))]])))).toEqual(
    ["data/custody.jsonl"],
  );
  expect(await refusal({ custody: input.custody.slice(0, 1) })).toBe("custody");
  expect(await refusal({ custody: [] })).toBe("custody");
});

test("a house's package speaks of hold orders, never of warrants or courts' orders", async () => {
  const { files: made } = await makePackage(await makeCase({ kind: "house" }));
  expect(await verifyFiles(made)).toMatchObject({ kind: "verified" });
  for (const path of ["data/index.html", "data/certificate.txt", "data/report.json"]) {
    const text = textOf(made.get(path))
      .replaceAll("data/warrant.json", "")
      .replaceAll("not a court&#39;s warrant", "");
    expect(text, path).toContain("hold order");
    expect(text, path).not.toMatch(/warrant/i);
  }
});

test("EVI-42: evidence.age opens for the requester only, and holds the package", async () => {
  const identity = await generateX25519Identity();
  const sealed = await sealEvidence(files, [await identityToRecipient(identity)], onDay(DAY, 41));
  expect(new Map(await openSealedEvidence(sealed, [identity]))).toEqual(
    new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  await expect(openSealedEvidence(sealed, [await generateX25519Identity()])).rejects.toThrow(
    /cannot-decrypt/,
  );
  const changed = sealed.slice();
  changed[sealed.length - 1] = (changed[sealed.length - 1] as number) ^ 1;
  await expect(openSealedEvidence(changed, [identity])).rejects.toThrow(/cannot-decrypt/);
  await expect(sealEvidence(files, [], onDay(DAY, 41))).rejects.toThrow(/recipient/);
  await expect(sealEvidence(files, ["age1nonsense"], onDay(DAY, 41))).rejects.toThrow(/recipient/);
});

test("EVI-2: on the disk, a package is a new directory; what is there is never overwritten, links are never followed", async () => {
  const target = join(directory, "bag");
  await writeEvidence(target, input);
  expect(await verifyEvidence(target)).toMatchObject({ kind: "verified" });
  await expect(writeEvidence(target, input)).rejects.toThrow(/exists/);
  await writeFile(join(target, "data/index.html"), "<p>other");
  expect(await verifyEvidence(target)).toMatchObject({
    kind: "refused",
    findings: [{ file: "data/index.html" }],
  });
  await writeFile(join(target, "data/index.html"), files.get("data/index.html") as Uint8Array);
  await symlink("/etc/hostname", join(target, "data/link"));
  expect(await verifyEvidence(target)).toMatchObject({
    kind: "refused",
    findings: [{ rule: "EVI-2", file: "data/link" }],
  });
});

test("EVI-72: a package of another version's page verifies but for page and certificate, which are named", async () => {
  const info = textOf(files.get("bag-info.txt")).replace(`Page-Version: ${PAGE_VERSION}`, "Page-Version: 1");
  const page = utf8("<p>as another version would have written it");
  const changed = repacked(
    new Map([
      ["data/index.html", page],
      ["bag-info.txt", utf8(info)],
    ]),
  );
  // The octets of the payload are stated as well.
  const oxum = utf8(info.replace(/Payload-Oxum: .*/, `Payload-Oxum: ${payloadOxum(changed)}`));
  const other = repacked(
    new Map([
      ["data/index.html", page],
      ["bag-info.txt", oxum],
    ]),
  );
  const report = await verifyFiles(other);
  expect(report).toMatchObject({
    kind: "verified",
    notCompared: ["data/certificate.txt", "data/index.html", "data/messages.rsmf"],
  });
  expect(report.kind === "verified" && report.page).toEqual(files.get("data/index.html"));
  const lie = repacked(
    new Map([
      ["data/messages.jsonl", utf8("")],
      ["bag-info.txt", oxum],
    ]),
  );
  expect(await named(lie)).toContain("data/messages.jsonl");
  const none = utf8(info.replace(/Porchlight-Page-Version: .*\n/, ""));
  expect(await named(repacked(new Map([["bag-info.txt", none]])))).toContain("bag-info.txt");
});

test("EVI-72: words or looks of page and certificate changed: raise PAGE_VERSION, then correct these digests", () => {
  // Without the case's own ids and digests, which messages.rsmf has inside its base64: story.test.ts looks into that.
  const digests = PAGES.slice(0, 2).map((path) =>
    sha256(utf8(textOf(files.get(path)).replace(/[0-9a-f]{32,}/g, "…"))).slice(0, 16),
  );
  expect([PAGE_VERSION, ...digests]).toEqual([7, "7668127593150ea6", "cac5dad6423d67f0"]);
});

test("EVI-50: the same case gives the same package, byte for byte", async () => {
  const again = await makePackage(await makeCase());
  expect(new Map(again.files)).toEqual(new Map(files));
});
