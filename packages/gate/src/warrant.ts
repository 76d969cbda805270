import { asName, asProse, readSignedDocument, type SignedDocument } from "@porchlight/charter";
import {
  type AccountId,
  accountId,
  asString,
  base64,
  type CharterId,
  type ConversationId,
  charterId,
  conversationId,
  type DayNumber,
  EncodingError,
  equalBytes,
  Fields,
  formatDay,
  fromBase64,
  fromHex,
  hex,
  type Json,
  parseDay,
  parseJson,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";

/** Who may read what is released: the agency or person that the warrant names. */
export type Requester = {
  readonly name: string;
  /** G1 point T, 48 B, fresh for this warrant. */
  readonly point: Uint8Array;
  /** Proof of possession of T under {@link requesterContext}. */
  readonly proof: Uint8Array;
  /** X-Wing public key, 1216 B. */
  readonly xwing: Uint8Array;
};

/** When the person is told: at once, or when the secrecy that the court ordered ends. */
export type Disclosure =
  | { readonly kind: "notice-first" }
  | { readonly kind: "secret"; readonly until: DayNumber; readonly ground: string };

/** What a warrant (in a house: a hold order) says (WAR-2). Nobody's signature is implied. */
export type WarrantDocument = {
  readonly charter: CharterId;
  /** The issuer's file reference, unique under the charter. */
  readonly reference: string;
  /** SHA-256 of the original act (PDF, scan, form), 32 B. */
  readonly actHash: Uint8Array;
  readonly legalBasis: string;
  readonly offenceCategory: string;
  readonly issuer: string;
  readonly issued: UnixSeconds;
  readonly expires: UnixSeconds;
  readonly requester: Requester;
  /** The provider's person → account statement. */
  readonly statement: SignedDocument;
  readonly accounts: readonly AccountId[];
  readonly conversations: readonly ConversationId[] | "all";
  readonly mode: "sent" | "both-sides";
  readonly firstDay: DayNumber;
  readonly lastDay: DayNumber;
  /** A day's keys may be released once the day has begun; otherwise only when it is over. */
  readonly live: boolean;
  readonly necessity: string;
  readonly proportionality: string;
  /** The act touches privileged communication (lawyers, press): approvers are shown it. */
  readonly privileged: boolean;
  readonly disclosure: Disclosure;
  readonly emergency: boolean;
};

const MAX_PROOF_BYTES = 256;

/** The canonical document bytes (CHA-2), to be signed as kind "warrant". */
export function formatWarrant(warrant: WarrantDocument): Uint8Array {
  const { requester, statement, disclosure } = warrant;
  return utf8(
    JSON.stringify({
      version: 1,
      charter: warrant.charter,
      reference: warrant.reference,
      actHash: hex(warrant.actHash),
      legalBasis: warrant.legalBasis,
      offenceCategory: warrant.offenceCategory,
      issuer: warrant.issuer,
      issued: warrant.issued,
      expires: warrant.expires,
      requester: {
        name: requester.name,
        point: hex(requester.point),
        proof: hex(requester.proof),
        xwing: base64(requester.xwing),
      },
      statement: {
        payload: statement.payload,
        signatures: statement.signatures.map((made) => ({
          protected: made.protected,
          signature: made.signature,
        })),
      },
      accounts: warrant.accounts,
      conversations: warrant.conversations,
      mode: warrant.mode,
      firstDay: formatDay(warrant.firstDay),
      lastDay: formatDay(warrant.lastDay),
      live: warrant.live,
      necessity: warrant.necessity,
      proportionality: warrant.proportionality,
      privileged: warrant.privileged,
      disclosure:
        disclosure.kind === "secret"
          ? { kind: "secret", until: formatDay(disclosure.until), ground: disclosure.ground }
          : { kind: "notice-first" },
      emergency: warrant.emergency,
    }),
  );
}

/** Strict parser of the document bytes (WAR-2). Throws EncodingError. */
export function parseWarrant(bytes: Uint8Array): WarrantDocument {
  const fields = new Fields(parseJson(bytes, "warrant"), "warrant");
  const name = (member: string) => asName(fields.json(member), `warrant.${member}`);
  const prose = (member: string) => asProse(fields.json(member), `warrant.${member}`);
  fields.literal("version", 1);
  const warrant: WarrantDocument = {
    charter: charterId(fields.string("charter")),
    reference: name("reference"),
    actHash: fromHex(fields.string("actHash"), 32, "warrant.actHash"),
    legalBasis: name("legalBasis"),
    offenceCategory: name("offenceCategory"),
    issuer: name("issuer"),
    issued: unixSeconds(fields.integer("issued")),
    expires: unixSeconds(fields.integer("expires")),
    requester: readRequester(fields.object("requester")),
    statement: readSignedDocument(fields.json("statement"), "warrant.statement"),
    accounts: fields.array("accounts", readId(accountId)),
    conversations:
      fields.json("conversations") === "all" ? "all" : fields.array("conversations", readId(conversationId)),
    mode: fields.literal("mode", "sent", "both-sides"),
    firstDay: parseDay(fields.string("firstDay"), "warrant.firstDay"),
    lastDay: parseDay(fields.string("lastDay"), "warrant.lastDay"),
    live: fields.boolean("live"),
    necessity: prose("necessity"),
    proportionality: prose("proportionality"),
    privileged: fields.boolean("privileged"),
    disclosure: readDisclosure(fields.object("disclosure")),
    emergency: fields.boolean("emergency"),
  };
  fields.end();
  refuseRepeats(warrant.accounts, "warrant.accounts");
  if (warrant.conversations !== "all") refuseRepeats(warrant.conversations, "warrant.conversations");
  if (!equalBytes(formatWarrant(warrant), bytes)) throw new EncodingError("not-canonical", "warrant");
  return warrant;
}

function readRequester(fields: Fields): Requester {
  const proof = fromHex(fields.string("proof", 2 * MAX_PROOF_BYTES), undefined, "warrant.requester.proof");
  const requester = {
    name: asName(fields.json("name"), "warrant.requester.name"),
    point: fromHex(fields.string("point"), 48, "warrant.requester.point"),
    proof,
    xwing: fromBase64(fields.string("xwing", 2000), 1216, "warrant.requester.xwing"),
  };
  fields.end();
  return requester;
}

function readDisclosure(fields: Fields): Disclosure {
  const kind = fields.literal("kind", "notice-first", "secret");
  const disclosure: Disclosure =
    kind === "notice-first"
      ? { kind }
      : {
          kind,
          until: parseDay(fields.string("until"), "warrant.disclosure.until"),
          ground: asProse(fields.json("ground"), "warrant.disclosure.ground"),
        };
  fields.end();
  // Secrecy is the court's exception: without a stated ground there is none.
  if (disclosure.kind === "secret" && disclosure.ground.trim() === "") {
    throw new EncodingError("missing-field", "warrant.disclosure.ground");
  }
  return disclosure;
}

function readId<T>(brand: (text: string) => T): (value: Json, where: string) => T {
  return (value, where) => brand(asString(value, where, 64));
}

function refuseRepeats(ids: readonly string[], where: string): void {
  if (ids.length === 0) throw new EncodingError("missing-field", where);
  if (new Set(ids).size !== ids.length) throw new EncodingError("duplicate-key", where);
}
