// The journal's form of an order event: JSON, sealed by the caller. Strict, since what it says decides about releases.
import { readSignedDocument } from "@porchlight/charter";
import {
  asString,
  base64,
  commitment,
  concat,
  conversationId,
  Fields,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  type Json,
  parseJson,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { ACCESS_LABEL_LENGTH, accessLabel, parseAccessLabel } from "@porchlight/envelope";
import {
  type Further,
  formatApproval,
  formatIntent,
  type LabelRequest,
  MAX_LABELS,
  otherSideMembers,
  parseApproval,
  parseIntent,
  readOtherSide,
  slotOf,
} from "@porchlight/gate";
import type { OrderEvent, OwnIntent, Refused } from "./order-book.ts";

const MAX_BUNDLE = 64 * 1024 * 1024;
const MAX_LABEL_TEXT = 20 * 1024 * 1024;

export function formatOrderEvent(event: OrderEvent): Uint8Array {
  return utf8(JSON.stringify({ version: 1, ...members(event) }));
}

function members(event: OrderEvent): object {
  switch (event.kind) {
    case "received": {
      const { warrant, others, opening, index, conversations } = event.received;
      return { ...event, received: { warrant, others, opening: hex(opening), index, conversations } };
    }
    case "further": {
      const { conversations, otherSides } = event.further;
      return { ...event, further: { conversations, otherSides: otherSides.map(otherSideMembers) } };
    }
    case "approved":
      return { ...event, approval: fromUtf8(formatApproval(event.approval)) };
    case "intended":
      return {
        ...event,
        intent: { document: fromUtf8(formatIntent(event.intent.document)), random: hex(event.intent.random) },
        labels: base64(concat(...event.labels.map(accessLabel))),
      };
    case "sealed":
      return { ...event, bundle: base64(event.bundle) };
    default:
      return event;
  }
}

/** Throws EncodingError. */
export function parseOrderEvent(bytes: Uint8Array): OrderEvent {
  const fields = new Fields(parseJson(bytes, "event"), "event");
  fields.literal("version", 1);
  const event = readEvent(fields);
  fields.end();
  return event;
}

function readEvent(fields: Fields): OrderEvent {
  const kind = fields.literal(
    "kind",
    "received",
    "turned-away",
    "further",
    "directed",
    "direction-refused",
    "admitted",
    "approved",
    "intended",
    "sealed",
    "released",
    "refused",
    "batch",
  );
  if (kind === "batch") return { kind, entry: fields.string("entry", 65_535) };
  const order = fields.string("order", 64);
  switch (kind) {
    case "received":
      return {
        kind,
        order,
        at: unixSeconds(fields.integer("at")),
        received: readReceived(fields.object("received")),
        commitment: commitment(fields.string("commitment")),
        requesterPoint: fields.string("requesterPoint"),
        reference: fields.string("reference"),
      };
    case "turned-away":
      return { kind, order, refused: readRefused(fields.object("refused")) };
    case "admitted":
      return { kind, order };
    case "further":
      return { kind, order, further: readFurther(fields.object("further")) };
    case "directed": {
      const directed = fields.object("directed");
      const read = readDirected(directed);
      directed.end();
      return { kind, order, directed: read };
    }
    case "direction-refused": {
      const found = fields.object("direction");
      const direction = {
        ...readDirected(found),
        index: found.integer("index"),
        refused: readRefused(found.object("refused")),
      };
      found.end();
      return { kind, order, direction };
    }
    case "approved":
      return { kind, order, approval: parseApproval(utf8(fields.string("approval"))) };
    case "intended":
      return {
        kind,
        order,
        release: fields.integer("release"),
        intent: readIntent(fields.object("intent")),
        labels: readLabels(fromBase64(fields.string("labels", MAX_LABEL_TEXT), undefined, "event.labels")),
      };
    case "sealed":
      return {
        kind,
        order,
        release: fields.integer("release"),
        bundle: fromBase64(fields.string("bundle", MAX_BUNDLE), undefined, "event.bundle"),
        slot: fields.string("slot", 64),
      };
    case "released":
      return {
        kind,
        order,
        release: fields.integer("release"),
        at: unixSeconds(fields.integer("at")),
      };
    case "refused": {
      const by = fields.json("by");
      return {
        kind,
        order,
        refused: readRefused(fields.object("refused")),
        by: by === null ? null : asString(by, "event.by"),
      };
    }
  }
}

function readReceived(fields: Fields): Extract<OrderEvent, { kind: "received" }>["received"] {
  const conversations = fields.json("conversations");
  const others = fields.json("others");
  const received = {
    warrant: fields.string("warrant", 2 ** 20),
    others: others === null ? null : asString(others, "event.others", 2 ** 20),
    opening: fromHex(fields.string("opening"), 32, "event.opening"),
    index: fields.integer("index"),
    conversations: conversations === null ? null : readConversations(fields),
  };
  fields.end();
  return received;
}

function readConversations(fields: Fields) {
  return fields.array(
    "conversations",
    (item: Json, where) => conversationId(asString(item, where)),
    MAX_LABELS,
  );
}

function readDirected(fields: Fields): Extract<OrderEvent, { kind: "directed" }>["directed"] {
  return {
    kind: fields.literal("kind", "suspension", "resumption", "extension", "notice-release"),
    document: fields.string("document", 2 ** 20),
  };
}

function readFurther(fields: Fields): Further {
  const further = {
    conversations: readConversations(fields),
    otherSides: fields.array("otherSides", readOtherSide, MAX_LABELS),
  };
  fields.end();
  return further;
}

function readLabels(bytes: Uint8Array): LabelRequest[] {
  const labels: LabelRequest[] = [];
  for (let at = 0; at < bytes.length; at += ACCESS_LABEL_LENGTH) {
    labels.push(parseAccessLabel(bytes.slice(at, at + ACCESS_LABEL_LENGTH)));
  }
  return labels;
}

function readIntent(fields: Fields): OwnIntent {
  const bytes = utf8(fields.string("document", 100_000));
  const random = fromHex(fields.string("random"), 32, "event.random");
  fields.end();
  return { document: parseIntent(bytes), random, slot: slotOf(random, bytes) };
}

function readRefused(fields: Fields): Refused {
  const refused = {
    rule: fields.string("rule"),
    code: fields.string("code"),
    reason: fields.string("reason"),
    at: unixSeconds(fields.integer("at")),
    record: readSignedDocument(fields.json("record"), "event.record"),
  };
  fields.end();
  return refused;
}
