import { formatEntry, formatSignedDocument } from "../../packages/charter/src/index.ts";
import { fromUtf8, hex } from "../../packages/encoding/src/index.ts";
import { accessLabel, rosterOf } from "../../packages/envelope/src/index.ts";
import {
  formatApproval,
  formatIntent,
  type GateInput,
  materialAllowed,
  otherSideMembers,
  passGate,
  type StoredEnvelope,
} from "../../packages/gate/src/index.ts";
import { charterDocument, keysDocument, POLICY, signedCharter, signedKeys } from "../fixture/deployment.ts";
import { type GateCase, gateCases, gateInput } from "../fixture/gate-cases.ts";
import { ALICE, BOB, CAROL, othersOf } from "../fixture/order.ts";

/** Texts that many cases share, each kept once under a short name. */
class Texts {
  readonly #names = new Map<string, string>();
  readonly #prefix: string;
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  name(text: string): string {
    const name = this.#names.get(text) ?? `${this.#prefix}${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }

  table(): Record<string, string> {
    return Object.fromEntries([...this.#names].map(([text, name]) => [name, text]));
  }
}

export async function make(): Promise<unknown> {
  const charters = new Texts("charter-");
  const warrants = new Texts("warrant-");
  const policies = new Texts("policy-");
  const entries = new Texts("entry-");
  const keys = new Texts("keys-");
  const signedCharters = new Map<string, string>();
  const cases: unknown[] = [];
  for (const one of gateCases) {
    const { input } = await gateInput(one);
    const { charter } = input.warrant;
    const signed = signedCharters.get(charter.id) ?? (await signedText(one));
    signedCharters.set(charter.id, signed);
    cases.push({
      name: one.name,
      charter: charters.name(signed),
      warrant: warrants.name(fromUtf8(input.warrant.bytes)),
      ...(one.changes.others === undefined
        ? {}
        : { others: fromUtf8(await othersOf(charter, one.changes.others)) }),
      opening: hex(input.opening),
      index: input.index,
      checkpoint: {
        policy: policies.name(one.changes.checkpoint?.policy ?? POLICY),
        note: input.view.checkpoint.note,
      },
      entries: input.view.entries.map(({ index, entry }) => [
        index,
        entries.name(fromUtf8(formatEntry(entry))),
      ]),
      now: input.now,
      noticeKeys: await Promise.all(
        [...input.noticeKeys.keys()].map(async (period) =>
          keys.name(fromUtf8(formatSignedDocument(await signedKeys(keysDocument(charter, period))))),
        ),
      ),
      labels: input.labels.map((label) => hex(accessLabel(label))),
      otherSides: (one.changes.otherSides?.(charter) ?? []).map((side) => otherSideMembers(side)),
      directions: input.directions.map(({ direction, bytes }) => ({
        kind: direction.kind,
        document: fromUtf8(bytes),
      })),
      self: memory(input),
      approval: input.approval === null ? null : fromUtf8(formatApproval(input.approval)),
      result: outcome(input),
    });
  }
  return {
    description:
      "The gate (spec/gate.md): whole requests to one keyholder, with the view of the log that decides them. The " +
      "checkpoint's note holds under the policy given; whether that is the charter's own, the gate says. Names refer " +
      "to the tables.",
    charters: charters.table(),
    warrants: warrants.table(),
    policies: policies.table(),
    entries: entries.table(),
    keys: keys.table(),
    cases,
    material: await materialCases(),
  };
}

async function signedText({ kind, changes }: GateCase): Promise<string> {
  return fromUtf8(formatSignedDocument(await signedCharter(charterDocument(kind, changes.charter))));
}

/** The provider's own gate, on the first case's order and its first label. */
async function materialCases(): Promise<unknown> {
  const [first] = gateCases;
  if (first === undefined) throw new Error("no cases");
  const { input } = await gateInput(first);
  const [label, other] = input.labels;
  if (label === undefined || other === undefined) throw new Error("no labels");
  const members = [ALICE, BOB, CAROL];
  const fitting = { label, roster: rosterOf(members), members };
  const envelopes: [name: string, envelope: StoredEnvelope][] = [
    ["an envelope that was asked for, of the members there were", fitting],
    ["another day's envelope", { ...fitting, label: other }],
    ["another account's envelope", { ...fitting, label: { ...label, account: BOB } }],
    ["a roster with one member less", { ...fitting, roster: rosterOf([ALICE, BOB]) }],
    ["a sender who was no member", { label, roster: rosterOf([BOB]), members: [BOB] }],
  ];
  return {
    case: first.name,
    labels: [hex(accessLabel(label))],
    envelopes: envelopes.map(([name, envelope]) => ({
      name,
      label: hex(accessLabel(envelope.label)),
      roster: hex(envelope.roster),
      members: envelope.members,
      result: materialAllowed({ ...input, labels: [label], envelopes: [envelope] }),
    })),
  };
}

function memory({ self }: GateInput): unknown {
  return {
    keyholder: self.keyholder,
    generations: Object.fromEntries(self.generations),
    usedRequesterPoints: Object.fromEntries(self.usedRequesterPoints),
    usedReferences: Object.fromEntries(self.usedReferences),
    intent:
      self.intent === null
        ? null
        : { document: fromUtf8(formatIntent(self.intent.document)), random: hex(self.intent.random) },
  };
}

function outcome(input: GateInput): unknown {
  const result = passGate(input);
  if (result.kind === "refused") return result;
  const { commitment, requesterPoint, intent } = result.grant;
  return { kind: "passed", grant: { commitment, requesterPoint, intent } };
}
