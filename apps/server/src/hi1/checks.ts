import { type Charter, CharterError, parseSignedDocument, unverifiedPayload } from "@porchlight/charter";
import {
  type CharterId,
  EncodingError,
  fromUtf8,
  hex,
  parseJson,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import {
  checkWarrant,
  GateError,
  otherAccounts,
  parseWarrant,
  type VerifiedOrder,
  verifyOrder,
} from "@porchlight/gate";
import {
  type Authorisation,
  type DocumentObject,
  type Scope,
  standingPapers,
  statusOf,
  whatOf,
} from "@porchlight/hi1";
import { orderRequest } from "@porchlight/wire";
import type { Kept } from "./object-store.ts";

/** One thing that has to be so before an object is approved, in words for the officer (HI1-36). */
export type Check = {
  readonly code: string;
  readonly isMet: boolean;
  /** What is asked, and where it is not met what to do. */
  readonly words: string;
};

/** An order as a document brings it: what `POST /v1/orders` takes (HI1-24). */
export type BroughtOrder = {
  readonly warrant: string;
  readonly others: string | null;
  /** 32 B. */
  readonly opening: Uint8Array;
};

type Family = {
  readonly authorisation: Kept | null;
  /** Documents and tasks of the same authorisation. */
  readonly siblings: readonly Kept[];
  /** Endpoints that have a key now. */
  readonly senders: ReadonlySet<string>;
};

/** A charter of the log. */
export type CharterOf = (id: CharterId) => Charter | undefined;

const check = (code: string, isMet: boolean, words: string): Check => ({ code, isMet, words });

/** What is asked of everything: who sent it still has a key. */
function sender(kept: Kept, { senders }: Family): Check {
  return check(
    "sender-registered",
    senders.has(kept.held.owner),
    "Who sent this has a key that was registered after a call back and counts today.",
  );
}

/** Original acts and warrants among these that were not turned down. */
function papers(siblings: readonly Kept[], type: "Warrant" | "OriginalAct"): readonly Kept[] {
  return standingPapers(
    siblings.map((kept) => ({ kept, object: kept.held.object })),
    type,
  ).map(({ kept }) => kept);
}

function isApproved(kept: Kept | null): boolean {
  return kept !== null && statusOf(kept.held.object) === "Approved";
}

/** HI1-36 for an authorisation. */
export function authorisationChecks(kept: Kept, family: Family): Check[] {
  return [
    sender(kept, family),
    check(
      "act-present",
      papers(family.siblings, "OriginalAct").length > 0,
      "The court's original act is here, or its hash. Without it ask for it: nothing is done on a message alone.",
    ),
  ];
}

/** HI1-36 for the court's original act. What it says only a person can read. */
export function actChecks(kept: Kept, family: Family): Check[] {
  const isHere = (kept.held.object as DocumentObject)["doc:DocumentBody"]?.["doc:Contents"] !== undefined;
  return [
    sender(kept, family),
    check(
      "act-kept",
      true,
      isHere
        ? "The act is kept here, and its SHA-256 is what the sender stated."
        : "The act stays with the court; its SHA-256 is kept here. Read the act before you approve it.",
    ),
  ];
}

/** HI1-36 for a task over what the provider knows anyway. */
export function providerTaskChecks(kept: Kept, family: Family): Check[] {
  return [
    sender(kept, family),
    check("authorisation-approved", isApproved(family.authorisation), "Its authorisation is approved."),
    check(
      "act-approved",
      papers(family.siblings, "OriginalAct").some(isApproved),
      "The court's original act was read and approved.",
    ),
  ];
}

/** The order in a document's contents; null where it is none. */
export function orderIn(object: DocumentObject): BroughtOrder | null {
  const contents = object["doc:DocumentBody"]?.["doc:Contents"];
  if (contents === undefined) return null;
  try {
    const text = fromUtf8(new Uint8Array(Buffer.from(contents, "base64")), "order");
    const read = orderRequest.safeParse(parseJson(utf8(text), "order"));
    if (!read.success) return null;
    const { warrant, others, opening } = read.data;
    return { warrant, others: others ?? null, opening };
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

/** HI1-36 for a signed order, and which tasks it answers. */
export async function warrantChecks(
  kept: Kept,
  family: Family,
  charterOf: CharterOf,
  now: UnixSeconds,
): Promise<{ readonly checks: Check[]; readonly tasks: readonly Kept[] }> {
  const checks = [
    sender(kept, family),
    check("authorisation-approved", isApproved(family.authorisation), "Its authorisation is approved."),
    check(
      "act-approved",
      papers(family.siblings, "OriginalAct").some(isApproved),
      "The court's original act was read and approved.",
    ),
  ];
  const brought = orderIn(kept.held.object as DocumentObject);
  const order = brought === null ? "not in the agreed form" : await verified(brought, charterOf);
  checks.push(
    check(
      "order-signed",
      typeof order !== "string",
      typeof order === "string"
        ? `The order is signed by an issuer of its charter, which is in the log, and in its form. It is not: ${order}`
        : "The order is signed by an issuer of its charter, which is in the log, and in its form.",
    ),
  );
  if (typeof order === "string") return { checks, tasks: [] };
  const gate = checkWarrant(order, now);
  checks.push(
    check(
      "order-within-charter",
      gate.kind === "clear",
      gate.kind === "clear"
        ? "Dates, caps and grounds are within its charter."
        : `Dates, caps and grounds are within its charter. They are not: ${gate.reason}`,
    ),
  );
  const { document } = order;
  // An act that nobody has read vouches for nothing, whatever else was approved beside it.
  const acts = papers(family.siblings, "OriginalAct")
    .filter(isApproved)
    .map(({ held }) => (held.object as DocumentObject)["doc:DocumentBody"]?.["doc:Checksum"]);
  const authorisation = family.authorisation?.held.object as Authorisation | undefined;
  const tasks = storedTasks(family.siblings);
  const answered = tasks.filter(({ held }) => held.scope !== null && lies(order, held.scope));
  checks.push(
    check("same-act", acts.includes(hex(document.actHash)), "The order names the hash of this very act."),
    check(
      "same-reference",
      authorisation?.["auth:AuthorisationReference"] === document.reference,
      "Order and authorisation bear the same file reference.",
    ),
    check(
      "same-basis",
      authorisation?.["auth:AuthorisationLegalType"]?.["common:Value"] === document.legalBasis &&
        authorisation["auth:AuthorisationTypeOfCase"]?.["common:Value"] === document.offenceCategory,
      "Order and authorisation name the same legal basis and the same offence.",
    ),
    check(
      "task-covers",
      answered.length > 0,
      "There is a task over the people whom the order names, whose days and conversations hold all that it opens of them.",
    ),
  );
  if (document.mode === "both-sides") {
    const others = otherAccounts(order.others).length;
    // A task names no others, since who asks cannot know them: the officer has to see that they are there.
    checks.push(
      check(
        "others-stated",
        true,
        `It opens ${others} more: people who wrote to those whom it names, by this provider's own signed statement. Read who they are below before you approve it.`,
      ),
    );
  }
  return { checks, tasks: answered };
}

function storedTasks(siblings: readonly Kept[]): readonly Kept[] {
  return siblings.filter(
    ({ held }) =>
      held.type === "LDTask" &&
      whatOf(held.object) === "StoredContentData" &&
      statusOf(held.object) === "AwaitingApproval",
  );
}

/** Whether the order opens nothing that the task did not ask for. */
function lies({ document }: VerifiedOrder, scope: Scope): boolean {
  const { accounts, conversations, firstDay, lastDay, emergency } = document;
  const inConversations =
    scope.conversations.length === 0 ||
    (conversations !== "all" && conversations.every((id) => scope.conversations.includes(id)));
  return (
    accounts.every((account) => scope.accounts.includes(account)) &&
    inConversations &&
    firstDay >= scope.firstDay &&
    lastDay <= scope.lastDay &&
    emergency === scope.isEmergency
  );
}

/** The order, verified under its own charter where the log has that; else the code of why it is none (HI1-36). */
export async function verified(brought: BroughtOrder, charterOf: CharterOf): Promise<VerifiedOrder | string> {
  const { warrant, others } = brought;
  const documents = { warrant: utf8(warrant), others: others === null ? null : utf8(others) };
  try {
    const { charter: id } = parseWarrant(
      unverifiedPayload(parseSignedDocument(documents.warrant, "warrant")),
    );
    const charter = charterOf(id);
    return charter === undefined ? "unknown-charter" : await verifyOrder(documents, charter);
  } catch (error) {
    if (error instanceof GateError) return error.refusal.reason;
    if (error instanceof EncodingError || error instanceof CharterError) return error.code;
    throw error;
  }
}
