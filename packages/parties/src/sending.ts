// What an authority sends to its provider at once (DESK-14): the objects of TS 103 120 that it takes, less what is there already.
import { createHash } from "node:crypto";
import { fromUtf8, hex, utf8 } from "@porchlight/encoding";
import { Hi1Error, type Hi1Object, judgeLength, parseObject } from "@porchlight/hi1";
import type { LineObject } from "./line-object.ts";
import {
  authorisationOf,
  documentOf,
  type ProviderLine,
  preservationTaskOf,
  type Span,
  type TaskTargets,
  type TaskType,
  taskOf,
} from "./provider-line.ts";
import type { OrderFile } from "./request-file.ts";

export type SendingWish = {
  /** The case's, on the authorisation. */
  readonly reference: string;
  readonly legalBasis: string;
  readonly offenceCategory: string;
  readonly days: Span;
  readonly isEmergency: boolean;
  readonly targets: TaskTargets;
  readonly tasks: readonly TaskType[];
  /** SHA-256 in hexadecimal; not whole where the act stays with who signed it, and only its hash goes (HI1-24). */
  readonly act: { readonly contentType: string; readonly checksum: string; readonly isWhole: boolean };
  readonly order: OrderFile | null;
  /** `until`: YYYY-MM-DD, that day included. */
  readonly preserve: { readonly reference: string; readonly until: string } | null;
};

/** An object as it will be sent, without a document's contents; `isWhole`: they go with it. */
export type Part = { readonly object: Hi1Object; readonly isWhole: boolean };

export type Plan = {
  /** In the order in which they are sent: each comes after what it belongs to. */
  readonly parts: readonly Part[];
  /** What was sent before, says the same and is not over: it is not sent twice. */
  readonly there: readonly LineObject[];
};

/** `known`: what the provider has of this authority. An authorisation that says the same and has these days is used again. */
export function planSending(line: ProviderLine, wish: SendingWish, known: readonly LineObject[]): Plan {
  const { tasks, order, preserve, act, days, targets, isEmergency } = wish;
  const open = known.filter(({ isOver }) => !isOver);
  const parts: Part[] = [];
  const there: LineObject[] = [];
  const add = (found: LineObject | undefined, make: () => Hi1Object, isWhole = false): string => {
    if (found !== undefined) {
      there.push(found);
      return found.id;
    }
    const object = make();
    parts.push({ object, isWhole });
    return object.ObjectIdentifier;
  };
  if (tasks.length > 0 || order !== null) {
    const above = add(
      open.find((one) => authorises(one, wish)),
      () => authorisationOf(line, wish),
    );
    const below = open.filter(({ belongsTo }) => belongsTo[0] === above);
    const document = (type: "OriginalAct" | "Warrant", about: SendingWish["act"]): void => {
      const { contentType, checksum, isWhole } = about;
      add(
        below.find((one) => one.what === type && one.checksum === checksum && hasIt(one, about)),
        () => documentOf(line, above, { type, contentType, checksum, contents: null }),
        isWhole,
      );
    };
    document("OriginalAct", act);
    for (const type of tasks) {
      add(
        below.find((one) => one.what === type && isAbout(one, wish)),
        () => taskOf(line, above, { type, days, targets, isEmergency, reference: null }),
      );
    }
    if (order !== null) {
      const checksum = createHash("sha256").update(orderContents(order)).digest("hex");
      document("Warrant", { contentType: "application/json", checksum, isWhole: true });
    }
  }
  if (preserve !== null) {
    const { reference, until } = preserve;
    const isThere = (one: LineObject): boolean =>
      one.type === "LPTask" && one.reference === reference && one.asked === until && isAbout(one, wish);
    add(open.find(isThere), () => preservationTaskOf(line, { reference, until, days, targets }));
  }
  return { parts, there };
}

/** A hash does for who wants to send the hash. A signed order is always in its document (HI1-24). */
function hasIt({ what, isWhole }: LineObject, wanted: Pick<SendingWish["act"], "isWhole">): boolean {
  return what === "Warrant" || !wanted.isWhole || isWhole === true;
}

function authorises(one: LineObject, wish: SendingWish): boolean {
  const { reference, legalBasis, offenceCategory, isEmergency, days } = wish;
  return (
    one.type === "Authorisation" &&
    one.reference === reference &&
    one.legalBasis === legalBasis &&
    one.offence === offenceCategory &&
    one.isEmergency === isEmergency &&
    one.days !== null &&
    one.days.first <= days.first &&
    one.days.last >= days.last
  );
}

function isAbout({ days, targets }: LineObject, wish: SendingWish): boolean {
  const { accounts, names, conversations } = wish.targets;
  const named = [
    ...accounts.map((value) => `Account ${value}`),
    ...names.map((value) => `Name ${value}`),
    ...conversations.map((value) => `Conversation ${value}`),
  ].sort();
  const asked = targets.map(({ format, value }) => `${format} ${value}`).sort();
  return (
    days?.first === wish.days.first &&
    days.last === wish.days.last &&
    JSON.stringify(asked) === JSON.stringify(named)
  );
}

/** Whether a provider takes what it says, a document's contents left aside: found out before anybody confirms it (HI1-9, HI1-28). */
export function fitsMessage({ object }: Part): boolean {
  try {
    return judgeLength(parseObject(object)) === null;
  } catch (error) {
    if (error instanceof Hi1Error) return false;
    throw error;
  }
}

/** A signed order as a document holds it: what POST /v1/orders takes (HI1-24). */
export function orderContents({ warrant, others, opening }: OrderFile): Uint8Array {
  const more = others === null ? {} : { others: fromUtf8(others) };
  return utf8(JSON.stringify({ warrant: fromUtf8(warrant), ...more, opening: hex(opening) }));
}
