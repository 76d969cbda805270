import {
  type CharterId,
  type ConversationId,
  charterIdOf,
  conversationIdOf,
  type DayNumber,
  dayNumber,
  EncodingError,
  equalBytes,
  idBytes,
  Reader,
  Writer,
} from "@porchlight/encoding";
import { encodeRequiredCapabilities } from "ts-mls";
import type { Extension } from "ts-mls/extension.js";
import { MlsError } from "./error.ts";

/** GroupContext extension (MLS-20), private use. */
export const CHARTER_EXTENSION = 0xf0c1;
/** GroupInfo extension (MLS-33), private use. */
export const DAY_EXTENSION = 0xf0c2;

const VERSION = 1;

/** What a conversation's GroupContext says for ever: changing any of it is a ReInit. */
export type CharterExtension = {
  /** `null`: no charter, nothing is escrowed. */
  readonly charter: CharterId | null;
  readonly conversation: ConversationId;
  /** Day of epoch 0. */
  readonly day: DayNumber;
};

/** MLS-20. */
export function formatCharterExtension(value: CharterExtension): Uint8Array {
  const writer = new Writer().uint(VERSION, 1);
  if (value.charter === null) writer.uint(0, 1);
  else writer.uint(1, 1).fixed(idBytes(value.charter), 32);
  return writer.fixed(idBytes(value.conversation), 32).uint(value.day, 4, "day").finish();
}

/** Strict inverse of {@link formatCharterExtension}. */
export function parseCharterExtension(bytes: Uint8Array): CharterExtension {
  return parsing("charter extension", () => {
    const reader = new Reader(bytes);
    if (reader.uint(1, "version") !== VERSION) throw new MlsError("unsupported", "charter extension version");
    const present = reader.uint(1, "charter");
    if (present > 1) throw new EncodingError("not-canonical", "charter");
    const charter = present === 1 ? charterIdOf(reader.fixed(32, "charter")) : null;
    const conversation = conversationIdOf(reader.fixed(32, "conversation"));
    const day = dayNumber(reader.uint(4, "day"));
    reader.end("charter extension");
    return { charter, conversation, day };
  });
}

/** MLS-33: version ‖ day, in the GroupInfo that the committer signs for those who join. */
export function formatDayExtension(day: DayNumber): Uint8Array {
  return new Writer().uint(VERSION, 1).uint(day, 4, "day").finish();
}

/** Strict inverse of {@link formatDayExtension}. */
export function parseDayExtension(bytes: Uint8Array): DayNumber {
  return parsing("day extension", () => {
    const reader = new Reader(bytes);
    if (reader.uint(1, "version") !== VERSION) throw new MlsError("unsupported", "day extension version");
    const day = dayNumber(reader.uint(4, "day"));
    reader.end("day extension");
    return day;
  });
}

// An RFC 9420 client that does not know the charter extension must not be able to join and send unescrowed messages.
const REQUIRED = encodeRequiredCapabilities({
  extensionTypes: [CHARTER_EXTENSION],
  proposalTypes: [],
  credentialTypes: ["basic"],
});

/** The extensions of every GroupContext (MLS-21), in this order. */
export function groupExtensions(charter: CharterExtension): Extension[] {
  return [
    { extensionType: "required_capabilities", extensionData: REQUIRED },
    { extensionType: CHARTER_EXTENSION, extensionData: formatCharterExtension(charter) },
  ];
}

/**
 * MLS-21: exactly the two, byte for byte. Any other could hand out power that no member sees: `external_senders` lets
 * a server propose members.
 */
export function parseGroupExtensions(extensions: readonly Extension[]): CharterExtension {
  const [required, charter, ...others] = extensions;
  if (
    required?.extensionType !== "required_capabilities" ||
    !equalBytes(required.extensionData, REQUIRED) ||
    charter?.extensionType !== CHARTER_EXTENSION ||
    others.length > 0
  ) {
    throw new MlsError("extensions-refused", "GroupContext");
  }
  return parseCharterExtension(charter.extensionData);
}

function parsing<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof EncodingError) throw new MlsError("malformed", what, { cause });
    throw cause;
  }
}
