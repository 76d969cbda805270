// Envelopes (spec/envelope.md). The layers' seeds are derived here a second time, from the spec's words.
import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { commitment, concat, dayNumber, hex, utf8 } from "@porchlight/encoding";
import {
  accessLabel,
  formatAuthenticatedData,
  formatHeader,
  formatPlaintext,
  frankingField,
  noticeLabel,
  sealEnvelope,
} from "../../packages/envelope/src/index.ts";
import { device, escrow, groupContext, seed } from "../../packages/envelope/test/device.ts";

export function make(): unknown {
  const bea = device("bea");
  const { master, providerSecret, keys, labelKey } = escrow();
  const { header, secret } = bea;
  const { envelope, inner } = sealEnvelope({ header, secret, keys, sign: bea.sign });
  const headerBytes = formatHeader(header);
  const context = sha256(concat(headerBytes, keys.providerKey));
  const derive = (info: Uint8Array, length: number): string =>
    hex(hkdf(sha256, secret.subarray(0, 32), undefined, info, length));
  const outer = envelope.subarray(4 + headerBytes.length, -64);
  const notice = { commitment: commitment(hex(seed("commitment"))), day: dayNumber(20_900) };
  const franking = { frankingKey: seed("franking"), content: utf8("Is the printer still broken?") };
  const field = frankingField(franking.frankingKey, franking.content);
  const messages = [
    { generation: 0, text: "First." },
    { generation: 1, text: "" },
    { generation: 4, text: "Two generations were lost before this one: 2 and 3." },
    { generation: 5, text: "z".repeat(600) },
  ];
  // Byte offsets into the envelope.
  const at = {
    version: 4,
    suite: 5,
    labelDomain: 6,
    charter: 27,
    conversation: 59,
    account: 91,
    day: 126,
    leafIndex: 130,
    groupContext: 135 + 60,
    roster: 135 + header.groupContext.length,
    deviceKey: 167 + header.groupContext.length,
    credential: 240 + header.groupContext.length,
    encapsulation: 4 + headerBytes.length + 500,
    keyCommitment: 4 + headerBytes.length + 1120,
    ciphertext: 4 + headerBytes.length + 1152,
    tag: 4 + headerBytes.length + 1367,
    signature: envelope.length - 64,
  };
  return {
    description:
      "Envelopes (spec/envelope.md). All byte strings in hex; seeds are Ed25519 or X-Wing seeds of 32 bytes.",
    accessLabel: { ...header.label, bytes: hex(accessLabel(header.label)) },
    noticeLabel: { ...notice, bytes: hex(noticeLabel(notice)) },
    credential: {
      identitySeed: hex(bea.owner.identitySeed),
      identityKey: hex(bea.owner.identityKey),
      deviceKey: hex(header.deviceKey),
      account: bea.owner.id,
      bytes: hex(header.credential),
    },
    roster: { accounts: [bea.owner.id, ...bea.others, bea.owner.id], digest: hex(header.roster) },
    authenticatedData: [
      { day: 15_844, counter: 0, franking: null },
      { day: 4_294_967_295, counter: 4_294_967_295, franking: hex(field) },
    ].map((data) => ({
      ...data,
      bytes: hex(
        formatAuthenticatedData({
          day: dayNumber(data.day),
          counter: data.counter,
          franking: data.franking === null ? null : field,
        }),
      ),
    })),
    franking: {
      key: hex(franking.frankingKey),
      content: hex(franking.content),
      applicationData: hex(formatPlaintext(franking)),
      field: hex(field),
    },
    envelope: {
      deviceSeed: hex(bea.deviceSeed),
      masterSecret: master.secret.toString(16).padStart(64, "0"),
      mpk: hex(keys.mpk),
      providerSeed: hex(providerSecret),
      providerKey: hex(keys.providerKey),
      escrowSecret: hex(secret),
      leafIndex: header.leafIndex,
      groupContext: hex(header.groupContext),
      header: hex(headerBytes),
      sigma: derive(concat(utf8("porchlight-v1/sigma"), context), 32),
      outerSeed: derive(concat(utf8("porchlight-v1/outer"), context, sha256(inner)), 64),
      inner: hex(inner),
      outer: hex(outer),
      signature: hex(envelope.subarray(-64)),
      bytes: hex(envelope),
      labelKey: hex(labelKey(header)),
    },
    // One byte of the envelope XORed with 1, and the code with which a recipient refuses it.
    refusedByRecipients: Object.entries({
      version: "version-unsupported",
      suite: "suite-unsupported",
      labelDomain: "malformed",
      charter: "label-mismatch",
      conversation: "label-mismatch",
      account: "label-mismatch",
      day: "label-mismatch",
      leafIndex: "leaf-mismatch",
      groupContext: "group-context-mismatch",
      roster: "roster-mismatch",
      deviceKey: "device-mismatch",
      credential: "credential-mismatch",
      encapsulation: "outer-mismatch",
      keyCommitment: "outer-mismatch",
      ciphertext: "outer-mismatch",
      tag: "outer-mismatch",
      signature: "signature",
    }).map(([what, code]) => ({ what, offset: at[what as keyof typeof at], code })),
    messages: messages.map((message) => ({ ...message, wire: hex(bea.message(message)) })),
    refusedMessages: [
      ["generation-used", { generation: 0, text: "Again generation 0." }],
      ["generation-too-far", { generation: 5 + 1002, text: "1001 skipped." }],
      ["counter-used", { generation: 6, counter: 1, text: "" }],
      ["counter-mismatch", { generation: 6, counter: 7, text: "Not its place in the ratchet." }],
      [
        "franking-mismatch",
        { generation: 6, text: "Not what it commits to.", franking: seed("other field") },
      ],
      ["wrong-sender", { generation: 6, text: "Another leaf.", leafIndex: 2 }],
      ["wrong-epoch", { generation: 6, text: "Another epoch.", epoch: 8 }],
      ["wrong-group", { generation: 6, text: "Another group.", groupId: seed("elsewhere") }],
      ["wrong-day", { generation: 6, text: "Another day.", day: header.label.day + 1 }],
      ["message-signature", { generation: 6, text: "Forged.", signer: seed("insider") }],
      ["not-application", { generation: 6, text: "A proposal.", contentType: 2 }],
    ].map(([code, message]) => ({
      code,
      wire: hex(bea.message(message as Parameters<typeof bea.message>[0])),
    })),
    groupContexts: {
      accepted: { groupId: hex(seed("group")), epoch: 7, bytes: hex(groupContext(seed("group"), 7)) },
      refused: [
        {
          what: "cipher suite 2",
          bytes: hex(groupContext(seed("group"), 7)).replace(/^00010001/, "00010002"),
        },
        { what: "version 2", bytes: hex(groupContext(seed("group"), 7)).replace(/^0001/, "0002") },
        { what: "trailing byte", bytes: `${hex(groupContext(seed("group"), 7))}00` },
        {
          what: "group id's length in two bytes",
          bytes: hex(groupContext(seed("group"), 7)).replace(/^0001000120/, "000100014020"),
        },
      ],
    },
    ed25519: {
      note: "ENV-15: refused although a verifier with cofactor or lax decoding accepts it",
      refused: [
        {
          what: "public key of order 1, S = 0",
          key: hex(ed25519.Point.ZERO.toBytes()),
          message: "",
          signature: hex(concat(ed25519.Point.ZERO.toBytes(), new Uint8Array(32))),
        },
      ],
    },
  };
}
