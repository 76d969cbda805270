// What a conversation adds to MLS (spec/mls.md) and is the same for the same input. Groups themselves are random.
import { ed25519 } from "@noble/curves/ed25519.js";
import { charterId, concat, conversationId, dayNumber, hex, utf8, Writer } from "@porchlight/encoding";
import { accountOf, formatAuthenticatedData, makeCredential, nobleSuite } from "@porchlight/envelope";
import {
  CHARTER_EXTENSION,
  DAY_EXTENSION,
  formatCharterExtension,
  formatDayExtension,
  groupExtensions,
} from "../../packages/mls/src/extension.ts";

const seed = (name: string): Uint8Array => nobleSuite.hash(utf8(`porchlight test seed: ${name}`));

/** Extension of RFC 9420, from its own words: type ‖ opaque data<V>, all of these shorter than 2^14. */
function extension(type: number, data: Uint8Array): Uint8Array {
  const length = data.length < 64 ? [data.length] : [0x40 | (data.length >> 8), data.length & 0xff];
  return concat(new Writer().uint(type, 2).finish(), Uint8Array.from(length), data);
}

export function make(): unknown {
  const conversation = conversationId(hex(seed("conversation")));
  const charter = charterId(hex(seed("charter")));
  const day = dayNumber(20_779);
  const with32 = formatCharterExtension({ charter, conversation, day });
  const without = formatCharterExtension({ charter: null, conversation, day });
  const [required] = groupExtensions({ charter, conversation, day });
  if (required === undefined) throw new Error("no required_capabilities");
  const identitySeed = seed("identity");
  const identityKey = ed25519.getPublicKey(identitySeed);
  const deviceKey = ed25519.getPublicKey(seed("device"));
  const credential = makeCredential({
    identityKey,
    deviceKey,
    sign: (message) => ed25519.sign(message, identitySeed),
  });
  const other = (bytes: Uint8Array, at: number, value: number): string => {
    const changed = bytes.slice();
    changed[at] = value;
    return hex(changed);
  };
  return {
    description: "Conversations (spec/mls.md). All byte strings in hex; seeds are Ed25519 seeds of 32 bytes.",
    charterExtension: {
      type: CHARTER_EXTENSION,
      accepted: [
        { charter, conversation, day, bytes: hex(with32) },
        { charter: null, conversation, day, bytes: hex(without) },
      ],
      refused: [
        { why: "version 2", bytes: other(with32, 0, 2) },
        { why: "neither absent nor present", bytes: other(with32, 1, 2) },
        { why: "said to be absent, and there", bytes: other(with32, 1, 0) },
        { why: "said to be present, and not there", bytes: other(without, 1, 1) },
        { why: "a byte too few", bytes: hex(with32.slice(0, -1)) },
        { why: "a byte too many", bytes: `${hex(with32)}00` },
        { why: "empty", bytes: "" },
      ],
    },
    requiredCapabilities: {
      extensionTypes: [CHARTER_EXTENSION],
      proposalTypes: [],
      credentialTypes: [1],
      bytes: hex(required.extensionData),
    },
    /** The contents of `Extension extensions<V>`, without the vector's own length. */
    groupContextExtensions: hex(
      concat(extension(3, required.extensionData), extension(CHARTER_EXTENSION, with32)),
    ),
    dayExtension: {
      type: DAY_EXTENSION,
      accepted: [{ day, bytes: hex(formatDayExtension(day)) }],
      refused: [
        { why: "version 2", bytes: other(formatDayExtension(day), 0, 2) },
        { why: "a byte too many", bytes: `${hex(formatDayExtension(day))}00` },
        { why: "a byte too few", bytes: hex(formatDayExtension(day).slice(0, -1)) },
      ],
    },
    commitAuthenticatedData: {
      day,
      bytes: hex(formatAuthenticatedData({ day, counter: 0, franking: null })),
    },
    credential: {
      identitySeed: hex(identitySeed),
      identityKey: hex(identityKey),
      account: accountOf(identityKey),
      deviceSeed: hex(seed("device")),
      deviceKey: hex(deviceKey),
      bytes: hex(credential),
    },
  };
}
