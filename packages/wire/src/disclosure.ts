import { parseJson } from "@porchlight/encoding";
import * as z from "zod";
import {
  accountIdText,
  bytes,
  commitmentText,
  conversationIdText,
  dayNumberValue,
  epochValue,
  hexBytes,
  logIndexValue,
  orderIdText,
  seqValue,
  signedDocumentValue,
  unixSecondsValue,
} from "./codec.ts";
import { WireError } from "./error.ts";
import { LIMITS } from "./limits.ts";

/** What a requester hands to the provider: the signed warrant's exact bytes as text, and the commitment's opening. */
export const orderRequest = z.strictObject({
  warrant: z.string().min(1).max(LIMITS.warrant),
  /** Of an order over both sides: the provider's signed statement of the further accounts, its exact bytes. */
  others: z.string().min(1).max(LIMITS.warrant).optional(),
  opening: hexBytes(32),
});
export const orderAnswer = z.object({
  /** Index of the order's entry in the log. */
  index: logIndexValue,
  orderId: orderIdText,
});

/** What a requester hands to a keyholder: the same, and where it is in the log. */
export const keyholderOrder = z.strictObject({
  warrant: z.string().min(1).max(LIMITS.warrant),
  others: z.string().min(1).max(LIMITS.warrant).optional(),
  opening: hexBytes(32),
  index: logIndexValue,
  /** For a warrant over all of an account's conversations, and only then: those that the provider disclosed. */
  conversations: z.array(conversationIdText).max(LIMITS.furtherItems).optional(),
});

/** What shows that another account than the warrant's took part in a conversation on a day (WAR-21). */
export const otherSideValue = z.strictObject({
  header: bytes(LIMITS.envelope),
  inner: hexBytes(32),
  outer: hexBytes(32),
  signature: hexBytes(64),
  members: z.array(accountIdText).min(1).max(10_000),
});

/**
 * What a requester adds to an order that goes on: further conversations of one over "all", and what shows that the other
 * side of one over both took part (KEY-32), with its word on it (WAR-22).
 */
export const furtherRequest = z.strictObject({
  conversations: z.array(conversationIdText).max(LIMITS.furtherItems),
  otherSides: z.array(otherSideValue).max(LIMITS.furtherItems),
  word: hexBytes(80),
});

const releases = {
  /** How many bundles can be fetched, numbered from 0. */
  releases: z.int().min(0).max(1_000_000).default(0),
};
export const orderState = z.discriminatedUnion("state", [
  z.object({ state: z.literal("checking"), ...releases }),
  z.object({ state: z.literal("awaiting-approval"), ...releases }),
  /** A person approved; the keyholder's next intent is on its way into the log, or nothing may be released yet. */
  z.object({ state: z.literal("approved"), ...releases }),
  z.object({ state: z.literal("intent-logged"), ...releases }),
  /** Everything that may be released by now is. */
  z.object({ state: z.literal("released"), ...releases }),
  z.object({
    ...releases,
    state: z.literal("refused"),
    code: z.string(),
    /** A sentence that a judge can read. */
    reason: z.string(),
    /** The rule that refused, "GATE-n". */
    rule: z.string().optional(),
    /** SignedDocument "refusal": the record for the court, where the keyholder has signed it. */
    record: signedDocumentValue.optional(),
  }),
]);
export const keyholderOrderAnswer = z.intersection(z.object({ orderId: orderIdText }), orderState);

/** What an issuer says of its order later (DIR-1): to the provider, which logs it. */
export const directionRequest = z.strictObject({
  kind: z.enum(["revocation", "suspension", "resumption", "extension", "notice-release"]),
  document: signedDocumentValue,
});
export const directionAnswer = z.object({ index: logIndexValue });
/** The same to a keyholder, and where it is in the log. */
export const keyholderDirection = z.strictObject({
  kind: z.enum(["suspension", "resumption", "extension", "notice-release"]),
  document: signedDocumentValue,
  index: logIndexValue,
});
/** `counted`: the keyholder has seen it witnessed, and it holds; else why not, or that it waits for the log. */
export const keyholderDirectionAnswer = z.object({
  state: z.enum(["counted", "waiting", "refused"]),
  code: z.string().optional(),
  reason: z.string().optional(),
  rule: z.string().optional(),
  /** SignedDocument "refusal" of a direction that is refused: the record for the court. */
  record: signedDocumentValue.optional(),
});

/**
 * An order to preserve: its exact bytes as text, and the commitment's opening. Without a proof it is logged, with one it is
 * carried out (PRES-8).
 */
export const preservationRequest = z.strictObject({
  preservation: z.string().min(1).max(LIMITS.warrant),
  opening: hexBytes(32),
  /** C2SP tlog-proof of the entry. */
  proof: z.string().min(1).max(LIMITS.warrant).optional(),
});
export const preservationAnswer = z.discriminatedUnion("state", [
  z.object({ state: z.literal("logged"), index: logIndexValue }),
  /** Until this day, included, what the order names is not deleted. */
  z.object({ state: z.literal("held"), index: logIndexValue, until: dayNumberValue }),
]);

/** That an order to preserve ends early, by its issuer (PRES-12). */
export const preservationLiftRequest = z.strictObject({ lift: signedDocumentValue });
export const preservationLiftAnswer = z.object({ index: logIndexValue });

/** Asks for what only the notice key of the account opens (CONT-2). */
export const contestChallengeRequest = z.strictObject({ commitment: commitmentText, account: accountIdText });
/** A sealed box with info {@link CONTEST_INFO} to the account's notice key; inside is a nonce of 32 bytes. */
export const contestChallengeAnswer = z.object({ sealed: bytes(LIMITS.contestChallenge) });
export const CONTEST_INFO = "porchlight-v1/contest";
/** What the person says against the order (CONT-3). */
export const contestRequest = z.strictObject({
  commitment: commitmentText,
  account: accountIdText,
  nonce: hexBytes(32),
  ground: z.string().min(1).max(LIMITS.prose),
});
/** SignedDocument "contest", by the provider. */
export const contestAnswer = z.object({ contest: signedDocumentValue });
export const contestsAnswer = z.object({ contests: z.array(signedDocumentValue).max(10_000) });

/** Context (`info`) of the sealed boxes in which the provider answers, see {@link parseMaterial}. */
export const MATERIAL_INFO = "porchlight-v1/material";
/** Context of the sealed attestations of a day's other sides, see {@link parseOtherSides}. */
export const OTHER_SIDES_INFO = "porchlight-v1/other-sides";
/** Context of the sealed list of an order's conversations, see {@link parseOrderConversations}. */
export const ORDER_CONVERSATIONS_INFO = "porchlight-v1/order-conversations";

const labelFields = {
  conversation: conversationIdText,
  account: accountIdText,
  day: dayNumberValue,
};

/** What a requester asks material of: distinct labels of one order, ascending (DEL-53). */
export const materialRequest = z.strictObject({
  labels: z.array(z.strictObject(labelFields)).min(1).max(LIMITS.materialLabels),
  /** Go on with the first label, behind this seq: it was not complete in the answer before (DEL-73). */
  after: seqValue.optional(),
});

export const materialValue = z.strictObject({
  version: z.literal(2),
  /** The first of the labels asked for, at least one, in their order. */
  labels: z
    .array(
      z.strictObject({
        ...labelFields,
        /** The account's envelopes of that conversation and day, the outer layer still on, and the inner one beside it. */
        envelopes: z.array(
          z.strictObject({
            seq: seqValue,
            epoch: epochValue,
            at: unixSecondsValue,
            envelope: bytes(LIMITS.envelope),
            inner: bytes(1024),
          }),
        ),
        /** What that account's sessions handed in during those epochs. */
        messages: z.array(
          z.strictObject({
            seq: seqValue,
            epoch: epochValue,
            submitter: accountIdText,
            at: unixSecondsValue,
            wire: bytes(LIMITS.message),
          }),
        ),
        /** Whether nothing of the label follows behind the last message; of all but the last label, yes. */
        complete: z.boolean(),
      }),
    )
    .min(1)
    .max(LIMITS.materialLabels),
});
export type Material = z.output<typeof materialValue>;

export const orderConversationsValue = z.strictObject({
  version: z.literal(1),
  /** One for each account, conversation and day in the order's scope of which the provider holds an envelope. */
  labels: z.array(
    z.strictObject({ account: accountIdText, conversation: conversationIdText, day: dayNumberValue }),
  ),
});
export type OrderConversations = z.output<typeof orderConversationsValue>;

export const otherSidesValue = z.strictObject({
  version: z.literal(1),
  day: dayNumberValue,
  sides: z.array(otherSideValue),
});

/** The plaintext of a day's other sides (DEL-56). Throws WireError "answer-malformed". */
export function parseOtherSides(plaintext: Uint8Array): z.output<typeof otherSidesValue> {
  return parsePlaintext(otherSidesValue, plaintext);
}

/** The plaintext of a material answer (DEL-53). Throws WireError "answer-malformed". */
export function parseMaterial(plaintext: Uint8Array): Material {
  return parsePlaintext(materialValue, plaintext);
}

/** The plaintext of an order's list of conversations (DEL-54). Throws WireError "answer-malformed". */
export function parseOrderConversations(plaintext: Uint8Array): OrderConversations {
  return parsePlaintext(orderConversationsValue, plaintext);
}

function parsePlaintext<T>(schema: z.ZodType<T>, plaintext: Uint8Array): T {
  try {
    return schema.parse(parseJson(plaintext));
  } catch (cause) {
    throw new WireError("answer-malformed", "what the provider sealed is not of this protocol", { cause });
  }
}

export type MaterialRequest = z.output<typeof materialRequest>;
export type ContestChallengeRequest = z.output<typeof contestChallengeRequest>;
export type ContestRequest = z.output<typeof contestRequest>;
export type OrderRequest = z.output<typeof orderRequest>;
export type OrderAnswer = z.output<typeof orderAnswer>;
export type KeyholderOrder = z.output<typeof keyholderOrder>;
export type DirectionRequest = z.output<typeof directionRequest>;
export type PreservationRequest = z.output<typeof preservationRequest>;
export type PreservationAnswer = z.output<typeof preservationAnswer>;
export type KeyholderDirection = z.output<typeof keyholderDirection>;
export type KeyholderDirectionAnswer = z.output<typeof keyholderDirectionAnswer>;
export type FurtherRequest = z.output<typeof furtherRequest>;
export type OrderState = z.output<typeof orderState>;
export type KeyholderOrderAnswer = z.output<typeof keyholderOrderAnswer>;
