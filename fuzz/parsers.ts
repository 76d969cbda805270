import { readConfig as readKeyholderConfig } from "../apps/keyholder/src/config.ts";
import { parseOrderEvent } from "../apps/keyholder/src/order-event.ts";
import { readConfig as readServerConfig } from "../apps/server/src/config.ts";
import {
  checkWelcome,
  parseCommit,
  parseMessage as parseServerMessage,
} from "../apps/server/src/mls-message.ts";
import { readConfig as readWitnessConfig } from "../apps/witness/src/config.ts";
import { parseAppRelease } from "../packages/charter/src/app-release.ts";
import { parseCharter } from "../packages/charter/src/charter.ts";
import { parseContest } from "../packages/charter/src/contest.ts";
import { parseSignedDocument } from "../packages/charter/src/document.ts";
import { parseKeys } from "../packages/charter/src/keys.ts";
import { parseEntry } from "../packages/charter/src/log-entry.ts";
import { parsePreservation } from "../packages/charter/src/preservation.ts";
import { parsePreservationLift } from "../packages/charter/src/preservation-lift.ts";
import { parseRegistration } from "../packages/charter/src/registration.ts";
import { parseStatement } from "../packages/charter/src/statement.ts";
import { parseSuccession } from "../packages/charter/src/succession.ts";
import { parseCode } from "../packages/client/src/code-text.ts";
import { parseContent } from "../packages/client/src/content.ts";
import { parseInvitation } from "../packages/client/src/invitation.ts";
import { parseDoor } from "../packages/client/src/messenger/door.ts";
import { parseContactCode } from "../packages/client/src/messenger/safety-number.ts";
import { parseThread } from "../packages/client/src/messenger/thread-record.ts";
import { parseNoticeKey } from "../packages/client/src/notice-key.ts";
import { parseAnswer, parseOffer } from "../packages/client/src/pairing-message.ts";
import { parseRecoveryCode } from "../packages/client/src/recovery-code.ts";
import { parseUnlock } from "../packages/client/src/unlock.ts";
import { parseDay, parseInstant, parsePeriod } from "../packages/encoding/src/calendar.ts";
import { EncodingError, Fields, fromUtf8, keyholderIndex } from "../packages/encoding/src/index.ts";
import { parseJson } from "../packages/encoding/src/json.ts";
import { parseDecimal } from "../packages/encoding/src/text.ts";
import { parseAccountRequest } from "../packages/envelope/src/account-request.ts";
import { parseAuthenticatedData } from "../packages/envelope/src/authenticated-data.ts";
import { parseCredential } from "../packages/envelope/src/credential.ts";
import { parseEnvelope } from "../packages/envelope/src/envelope.ts";
import { parseEscrowSecret } from "../packages/envelope/src/escrow-secret.ts";
import { parsePlaintext } from "../packages/envelope/src/franking.ts";
import { parseHeader } from "../packages/envelope/src/header.ts";
import { parseAccessLabel, parseNoticeLabel } from "../packages/envelope/src/label.ts";
import { parseGroupContext } from "../packages/envelope/src/mls.ts";
import {
  parsePrivateMessage,
  parsePrivateMessageContent,
  parseSenderData,
} from "../packages/envelope/src/private-message.ts";
import { parseContent as parseEvidenceContent } from "../packages/evidence/src/content.ts";
import { parseCopies, parseCustody } from "../packages/evidence/src/custody.ts";
import { readTar } from "../packages/evidence/src/tar.ts";
import { parseApproval } from "../packages/gate/src/approval.ts";
import { parseBundle } from "../packages/gate/src/bundle.ts";
import { parseDirection } from "../packages/gate/src/direction.ts";
import { parseIntent } from "../packages/gate/src/intent.ts";
import { parseOrder } from "../packages/gate/src/order.ts";
import { parseRefusal } from "../packages/gate/src/refusal.ts";
import { parseWarrant } from "../packages/gate/src/warrant.ts";
import { parseKeyPackage } from "../packages/mls/src/device.ts";
import { parseCharterExtension, parseDayExtension } from "../packages/mls/src/extension.ts";
import { parseMessage, parseRatchetTree } from "../packages/mls/src/wire-format.ts";
import { suite } from "../packages/mls/test/world.ts";
import { parseNoticeCode } from "../packages/notice/src/code.ts";
import { parseNotice } from "../packages/notice/src/content.ts";
import { readOrderFile, readRequest } from "../packages/parties/src/request-file.ts";
import { parseNumber } from "../packages/public-log/src/browser/number.ts";
import { noble } from "../packages/quorum/src/curve.ts";
import { parseCheck, parseJoin } from "../packages/quorum/src/dkg-deal.ts";
import { parseG1, parseG2 } from "../packages/quorum/src/points.ts";
import { parsePartial } from "../packages/quorum/src/release.ts";
import { parseScalar } from "../packages/quorum/src/scalar.ts";
import { parseCheckpoint } from "../packages/tlog/src/checkpoint.ts";
import { parseEntries } from "../packages/tlog/src/entry-bundle.ts";
import { decodeFrontier } from "../packages/tlog/src/frontier.ts";
import { parseNote } from "../packages/tlog/src/note.ts";
import { parsePolicy } from "../packages/tlog/src/policy.ts";
import { parseTreeSize } from "../packages/tlog/src/size.ts";
import { parseTilePath } from "../packages/tlog/src/tile-path.ts";
import { parseHashLines, parseProof } from "../packages/tlog/src/tlog-proof.ts";
import { parseSignerKey, parseVkey } from "../packages/tlog/src/vkey.ts";
import { parseAddCheckpoint, parseTreeSizeBody } from "../packages/tlog/src/witness.ts";
import { parseMaterial, parseOrderConversations, parseOtherSides } from "../packages/wire/src/disclosure.ts";

/** What takes bytes from outside this process, or from its disk. */
export type Parser = {
  /** As it is exported; "name (place)" where two have one name. */
  readonly name: string;
  readonly parse: (bytes: Uint8Array) => unknown;
  /** Good input that no vector holds: the name of one of {@link Samples}. */
  readonly sample?: string;
};

const text = (parse: (text: string) => unknown) => (bytes: Uint8Array) =>
  parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
const config = (read: (fields: Fields) => unknown) => (bytes: Uint8Array) => {
  const fields = new Fields(parseJson(bytes, "config"), "config");
  read(fields);
  fields.end();
};

/** These say with a value that something is out of form. */
const found = <T>(value: T | null | undefined): T => {
  if (value === null || value === undefined) throw new EncodingError("not-canonical", "message");
  return value;
};
const DKG = { dealers: [1, 2, 3].map(keyholderIndex) } as unknown as Parameters<typeof parseJoin>[0];

export const PARSERS: readonly Parser[] = [
  { name: "parseJson", parse: (bytes) => parseJson(bytes) },
  { name: "parseDay", parse: text(parseDay) },
  { name: "parseInstant", parse: text(parseInstant) },
  { name: "parsePeriod", parse: text(parsePeriod) },
  { name: "parseDecimal", parse: text((line) => parseDecimal(line, "number")) },

  { name: "parseNote", parse: text(parseNote) },
  { name: "parseCheckpoint", parse: text(parseCheckpoint) },
  { name: "parseEntries", parse: (bytes) => parseEntries(bytes, 2), sample: "entryBundle" },
  { name: "decodeFrontier", parse: (bytes) => decodeFrontier(bytes), sample: "frontier" },
  { name: "parsePolicy", parse: text((policy) => parsePolicy(policy)) },
  { name: "parseTreeSize", parse: text((size) => parseTreeSize(size, "checkpoint-malformed")) },
  { name: "parseTilePath", parse: text(parseTilePath) },
  { name: "parseHashLines", parse: text((lines) => parseHashLines(lines.split("\n"), "proof-malformed")) },
  { name: "parseProof", parse: text(parseProof) },
  { name: "parseVkey", parse: text((key) => parseVkey(key)) },
  { name: "parseSignerKey", parse: text((key) => parseSignerKey(key)), sample: "signerKey" },
  { name: "parseAddCheckpoint", parse: parseAddCheckpoint },
  { name: "parseTreeSizeBody", parse: text(parseTreeSizeBody), sample: "treeSizeBody" },

  { name: "parseG1", parse: (bytes) => parseG1(bytes) },
  { name: "parseG2", parse: (bytes) => parseG2(bytes) },
  { name: "parseScalar", parse: (bytes) => parseScalar(bytes) },
  { name: "parsePartial", parse: (bytes) => found(parsePartial(bytes, noble)) },
  { name: "parseJoin", parse: (bytes) => found(parseJoin(DKG, keyholderIndex(2), bytes)), sample: "join" },
  {
    name: "parseCheck",
    parse: (bytes) => found(parseCheck(DKG.dealers, keyholderIndex(2), bytes)),
    sample: "check",
  },

  { name: "parseAccessLabel", parse: parseAccessLabel },
  { name: "parseNoticeLabel", parse: parseNoticeLabel },
  { name: "parseCredential", parse: parseCredential },
  { name: "parseHeader", parse: parseHeader },
  { name: "parseEnvelope", parse: parseEnvelope },
  { name: "parseEscrowSecret", parse: parseEscrowSecret },
  { name: "parseAuthenticatedData", parse: parseAuthenticatedData },
  { name: "parsePlaintext", parse: parsePlaintext },
  { name: "parseGroupContext", parse: parseGroupContext },
  { name: "parsePrivateMessage", parse: parsePrivateMessage },
  { name: "parsePrivateMessageContent", parse: parsePrivateMessageContent, sample: "messageContent" },
  { name: "parseSenderData", parse: parseSenderData, sample: "senderData" },

  { name: "parseCharter", parse: parseCharter },
  { name: "parseSignedDocument", parse: (bytes) => parseSignedDocument(bytes) },
  { name: "parseKeys", parse: parseKeys },
  { name: "parseEntry", parse: parseEntry },
  { name: "parseAppRelease", parse: parseAppRelease },
  { name: "parseStatement", parse: parseStatement },
  { name: "parseSuccession", parse: parseSuccession, sample: "succession" },
  { name: "parsePreservation", parse: parsePreservation },
  { name: "parsePreservationLift", parse: parsePreservationLift },
  { name: "parseRegistration", parse: parseRegistration },
  { name: "parseContest", parse: parseContest },
  { name: "parseNumber", parse: (bytes) => parseNumber(fromUtf8(bytes)) },

  { name: "parseApproval", parse: parseApproval },
  { name: "parseBundle", parse: parseBundle },
  { name: "parseIntent", parse: parseIntent },
  { name: "parseOrder", parse: parseOrder, sample: "order" },
  { name: "parseRefusal", parse: parseRefusal },
  { name: "parseDirection", parse: (bytes) => parseDirection("extension", bytes) },
  { name: "parseWarrant", parse: parseWarrant },

  { name: "parseCharterExtension", parse: parseCharterExtension },
  { name: "parseDayExtension", parse: parseDayExtension },
  {
    name: "parseMessage (commit)",
    parse: (bytes) => parseMessage(bytes, "mls_public_message"),
    sample: "commit",
  },
  { name: "parseMessage (welcome)", parse: (bytes) => parseMessage(bytes, "mls_welcome"), sample: "welcome" },
  {
    name: "parseMessage (message)",
    parse: (bytes) => parseMessage(bytes, "mls_private_message"),
  },
  { name: "parseKeyPackage", parse: (bytes) => parseKeyPackage(suite, bytes), sample: "keyPackage" },
  { name: "parseRatchetTree", parse: parseRatchetTree, sample: "ratchetTree" },
  { name: "parseCommit", parse: parseCommit, sample: "commit" },
  { name: "parseMessage (server)", parse: parseServerMessage },
  { name: "checkWelcome", parse: checkWelcome, sample: "welcome" },

  { name: "parseContent", parse: parseContent, sample: "content" },
  { name: "parseMaterial", parse: parseMaterial, sample: "material" },
  { name: "parseOrderConversations", parse: parseOrderConversations, sample: "orderConversations" },
  { name: "parseOtherSides", parse: parseOtherSides, sample: "otherSides" },
  { name: "readRequest", parse: readRequest, sample: "request" },
  { name: "readOrderFile", parse: readOrderFile, sample: "orderFile" },
  { name: "parseOrderEvent", parse: parseOrderEvent, sample: "orderEvent" },
  { name: "readConfig (keyholder)", parse: config(readKeyholderConfig), sample: "keyholderConfig" },
  { name: "readConfig (server)", parse: config(readServerConfig), sample: "serverConfig" },
  { name: "readConfig (witness)", parse: config(readWitnessConfig), sample: "witnessConfig" },

  { name: "parseAccountRequest", parse: (bytes) => parseAccountRequest(bytes) },
  { name: "parseOffer", parse: parseOffer },
  { name: "parseAnswer", parse: parseAnswer },
  { name: "parseCode", parse: text((value) => parseCode(value, 12)), sample: "pairingCode" },
  { name: "parseRecoveryCode", parse: text(parseRecoveryCode), sample: "recoveryCode" },
  { name: "parseInvitation", parse: text(parseInvitation), sample: "invitation" },

  { name: "parseUnlock", parse: parseUnlock, sample: "unlock" },
  { name: "parseDoor", parse: parseDoor, sample: "door" },
  { name: "parseContactCode", parse: text(parseContactCode), sample: "contactCode" },
  { name: "parseNoticeKey", parse: (bytes) => parseNoticeKey(bytes), sample: "noticeKey" },
  { name: "parseNoticeCode", parse: text(parseNoticeCode), sample: "noticeCode" },
  { name: "parseNotice", parse: parseNotice },
  { name: "parseThread", parse: parseThread, sample: "thread" },

  { name: "parseContent (evidence)", parse: parseEvidenceContent, sample: "content" },
  { name: "parseCustody", parse: parseCustody },
  { name: "parseCopies", parse: (bytes) => parseCopies([bytes]), sample: "copies" },
  { name: "readTar", parse: (bytes) => readTar(bytes, "evidence"), sample: "tar" },
];

/** Exported readers of outside bytes that the table leaves out, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  parseDeviceRecord: "from the member's own storage, which authenticates it",
  parseRecord: "from the member's own storage, which authenticates it",
  parseWitnessedTree: "the witness' own signed note, read back from its disk",
  parseObject: "gets the JSON of readMessage, whose own test alters every byte of its examples",
  parseGroupExtensions: "gets what parseMessage and parseCharterExtension have read",
};
