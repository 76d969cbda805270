import { readFileSync } from "node:fs";
import {
  type Charter,
  type PeriodKeys,
  parseEntry,
  parseSignedDocument,
  verifyCharter,
  verifyKeys,
} from "@porchlight/charter";
import {
  type AccountId,
  type Commitment,
  type ConversationId,
  fromHex,
  hex,
  type Json,
  type KeyholderIndex,
  type Period,
  parseJson,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { accessLabel, parseAccessLabel } from "@porchlight/envelope";
import { verifyPartial, verifyRequesterPoint, verifyRequesterWord, xwingKeygen } from "@porchlight/quorum";
import { parsePolicy, verifyWitnessed } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { describe, expect, test } from "vitest";
import {
  commitmentOf,
  type DirectionKind,
  furtherContext,
  type GateInput,
  labelsHash,
  labelsOf,
  materialAllowed,
  openBundle,
  orderIdOf,
  parseApproval,
  parseBundle,
  parseDirection,
  parseIntent,
  parseRefusal,
  passGate,
  type RefusalCode,
  readOtherSide,
  requesterContext,
  slotOf,
  type VerifiedOrder,
  verifyDirection,
  verifyOrder,
  verifyOtherSide,
  verifyRefusal,
  verifyWarrant,
} from "../src/index.ts";

type Outcome =
  | { kind: "passed"; grant: { commitment: string; requesterPoint: string; intent: string } }
  | { kind: "refused"; rule: string; code: RefusalCode; reason: string; waits: boolean };

type Case = {
  name: string;
  charter: string;
  warrant: string;
  opening: string;
  index: number;
  checkpoint: { policy: string; note: string };
  entries: [index: number, name: string][];
  now: number;
  noticeKeys: string[];
  labels: string[];
  others?: string;
  otherSides: Json[];
  directions: { kind: DirectionKind; document: string }[];
  self: {
    keyholder: number;
    generations: Record<string, number>;
    usedRequesterPoints: Record<string, string>;
    usedReferences: Record<string, string>;
    intent: { document: string; random: string } | null;
  };
  approval: string | null;
  result: Outcome;
};

type Table = Record<string, string>;

function read<T>(name: string): T {
  const bytes = readFileSync(new URL(`../../../vectors/${name}.json`, import.meta.url));
  return parseJson(new Uint8Array(bytes)) as T;
}

const warrants = read<{
  charters: Table;
  accepted: {
    name: string;
    charter: string;
    warrant: string;
    requesterContext: string;
    opening: string;
    commitment: string;
    orderId: string;
    conversations?: ConversationId[];
    labels: string[];
    labelsHash: string;
  }[];
  refused: { name: string; rule: string; code: string; charter: string; warrant: string }[];
  further: {
    orderId: string;
    addition: { conversations: ConversationId[]; otherSides: Json[] };
    context: string;
    point: string;
    word: string;
    notAWord: string;
  };
}>("warrant");
const gate = read<{
  charters: Table;
  warrants: Table;
  policies: Table;
  entries: Table;
  keys: Table;
  cases: Case[];
  material: {
    case: string;
    labels: string[];
    envelopes: { name: string; label: string; roster: string; members: AccountId[]; result: object }[];
  };
}>("gate");
const written = read<{
  intent: { document: string; random: string; slot: string };
  keys: { period: string; mpk: string; verifyingShares: string[] }[];
  bundle: {
    document: string;
    labels: string[];
    random: string;
    slot: string;
    requesterSeed: string;
    sealed: string;
  };
  refusal: { document: string; signed: string };
  revocation: { document: string; signed: string };
}>("bundle");

const charters = new Map<string, Promise<Charter>>();

async function charterOf(text: string): Promise<Charter> {
  const charter = charters.get(text) ?? verifyCharter(parseSignedDocument(utf8(text)));
  charters.set(text, charter);
  return await charter;
}

function documentsOf(one: Case) {
  const others = one.others === undefined ? null : utf8(one.others);
  return { warrant: utf8(gate.warrants[one.warrant] ?? ""), others };
}

const verifiedKeys = new Map<string, Promise<PeriodKeys>>();

async function keysOf(charter: Charter, names: readonly string[]): Promise<Map<Period, PeriodKeys>> {
  const found = new Map<Period, PeriodKeys>();
  for (const name of names) {
    const keys =
      verifiedKeys.get(name) ?? verifyKeys(parseSignedDocument(utf8(gate.keys[name] ?? "")), charter);
    verifiedKeys.set(name, keys);
    found.set((await keys).period, await keys);
  }
  return found;
}

const verified = new Map<string, Promise<VerifiedOrder>>();

async function inputOf(one: Case): Promise<GateInput> {
  const key = `${one.charter} ${one.warrant} ${one.others ?? ""}`;
  const charter = await charterOf(gate.charters[one.charter] ?? "");
  const warrant = verified.get(key) ?? verifyOrder(documentsOf(one), charter);
  verified.set(key, warrant);
  const { self } = one;
  return {
    warrant: await warrant,
    opening: fromHex(one.opening),
    index: one.index,
    view: {
      checkpoint: verifyWitnessed(
        one.checkpoint.note,
        parsePolicy(gate.policies[one.checkpoint.policy] ?? ""),
        nodeSuite,
      ),
      entries: one.entries.map(([index, name]) => ({
        index,
        entry: parseEntry(utf8(gate.entries[name] ?? "")),
      })),
    },
    directions: await Promise.all(
      one.directions.map(async ({ kind, document }) => {
        const order = await warrant;
        const commitment = commitmentOf(fromHex(one.opening), order.core);
        return await verifyDirection(kind, parseSignedDocument(utf8(document)), order, commitment);
      }),
    ),
    otherSides: one.otherSides.map((side) => verifyOtherSide(readOtherSide(side, "side"))),
    now: one.now as UnixSeconds,
    noticeKeys: await keysOf(charter, one.noticeKeys),
    labels: one.labels.map((label) => parseAccessLabel(fromHex(label))),
    self: {
      keyholder: self.keyholder as KeyholderIndex,
      generations: new Map(Object.entries(self.generations) as [Period, number][]),
      usedRequesterPoints: new Map(Object.entries(self.usedRequesterPoints) as [string, Commitment][]),
      usedReferences: new Map(Object.entries(self.usedReferences) as [string, Commitment][]),
      intent:
        self.intent === null
          ? null
          : { document: parseIntent(utf8(self.intent.document)), random: fromHex(self.intent.random) },
    },
    approval: one.approval === null ? null : parseApproval(utf8(one.approval)),
  };
}

describe("vectors/warrant.json", () => {
  test.each(warrants.accepted)("WAR-1 to WAR-16: $name", async (one) => {
    const bytes = utf8(one.warrant);
    const warrant = await verifyWarrant(bytes, await charterOf(warrants.charters[one.charter] ?? ""));
    expect(hex(requesterContext(warrant.document))).toBe(one.requesterContext);
    expect(commitmentOf(fromHex(one.opening), bytes)).toBe(one.commitment);
    expect(orderIdOf(fromHex(one.opening))).toBe(one.orderId);
    const labels = labelsOf(warrant, one.conversations);
    expect(labels.map((label) => hex(accessLabel(label)))).toEqual(one.labels);
    expect(hex(labelsHash(labels))).toBe(one.labelsHash);
  });

  test.each(warrants.refused)("$rule: $name is refused ($code)", async (one) => {
    const charter = await charterOf(warrants.charters[one.charter] ?? "");
    await expect(verifyWarrant(utf8(one.warrant), charter)).rejects.toMatchObject({
      refusal: { rule: one.rule, code: one.code },
    });
  });
});

test("WAR-22, REL-12: the requester's word on an addition; the proof of the same point in the same context is none", () => {
  const { orderId, addition, context, point, word, notAWord } = warrants.further;
  const { conversations } = addition;
  const otherSides = addition.otherSides.map((side) => readOtherSide(side, "side"));
  expect(hex(furtherContext(orderId, { conversations, otherSides }))).toBe(context);
  expect(hex(furtherContext(orderId, { conversations, otherSides: [] }))).not.toBe(context);
  const holds = (bytes: string) => verifyRequesterWord(fromHex(point), fromHex(bytes), fromHex(context));
  expect([holds(word), holds(notAWord)]).toEqual([true, false]);
  expect(verifyRequesterPoint(fromHex(point), fromHex(word), fromHex(context))).toBe(false);
});

describe("vectors/gate.json", () => {
  test.each(gate.cases)("$name", async (one) => {
    const result = passGate(await inputOf(one));
    if (one.result.kind === "refused") expect(result).toEqual(one.result);
    else expect(result).toMatchObject(one.result);
  });

  test.each(gate.material.envelopes)("GATE-29: $name", async ({ label, roster, members, result }) => {
    const one = gate.cases.find(({ name }) => name === gate.material.case) ?? expect.fail("no case");
    const envelope = { label: parseAccessLabel(fromHex(label)), roster: fromHex(roster), members };
    const labels = gate.material.labels.map((asked) => parseAccessLabel(fromHex(asked)));
    expect(materialAllowed({ ...(await inputOf(one)), labels, envelopes: [envelope] })).toEqual(result);
  });

  test("every code of the gate is there", () => {
    const codes = gate.cases.flatMap(({ result }) => (result.kind === "refused" ? [result.rule] : []));
    expect([...new Set(codes)].map((rule) => Number(rule.slice(5))).sort((a, b) => a - b)).toEqual([
      ...Array.from({ length: 28 }, (_, i) => i + 1),
      31,
      32,
      33,
      40,
      41,
      42,
      43,
    ]);
  });
});

describe("vectors/bundle.json", () => {
  const [first = expect.fail("no case")] = gate.cases;

  test("BUN-1, BUN-3: the intent and its slot", () => {
    const { document, random, slot } = written.intent;
    expect(slotOf(fromHex(random), utf8(document))).toBe(slot);
    expect(parseIntent(utf8(document))).toMatchObject({ keyholder: first.self.keyholder });
    expect(first.result).toMatchObject({ grant: { intent: slot } });
  });

  test("BUN-4, BUN-5: the bundle opens, and every partial holds", async () => {
    const { document, random, slot, requesterSeed, sealed, labels } = written.bundle;
    const bundle = parseBundle(utf8(document));
    expect(bundle.partials.map(({ label }) => hex(accessLabel(label)))).toEqual(labels);
    const opened = openBundle(fromHex(sealed), xwingKeygen(fromHex(requesterSeed)).secretKey, bundle);
    expect(opened.bundle).toEqual(bundle);
    expect(opened.slot).toBe(slot);
    expect(slotOf(fromHex(random), utf8(document))).toBe(slot);
    const { warrant } = await inputOf(first);
    const [{ label, partial } = expect.fail("no partial")] = bundle.partials;
    const [keys = expect.fail("no keys")] = written.keys;
    const verifyingShare = fromHex(keys.verifyingShares[bundle.keyholder - 1] ?? "");
    const requester = warrant.document.requester.point;
    expect(
      verifyPartial({
        partial,
        verifyingShare,
        mpk: fromHex(keys.mpk),
        label: accessLabel(label),
        requester,
      }),
    ).toBe(true);
  });

  test("BUN-7, WAR-17: a refusal and a revocation", async () => {
    const { warrant, opening } = await inputOf(first);
    const refusal = await verifyRefusal(parseSignedDocument(utf8(written.refusal.signed)), warrant.charter);
    expect(refusal).toEqual(parseRefusal(utf8(written.refusal.document)));
    const commitment = commitmentOf(opening, warrant.core);
    const signed = parseSignedDocument(utf8(written.revocation.signed));
    const { direction } = await verifyDirection("revocation", signed, warrant, commitment);
    expect(direction).toEqual(parseDirection("revocation", utf8(written.revocation.document)));
  });
});
