// What devices, and only devices, read (spec/accounts.md): codes, pairing, sealed streams, recovery records; and the
// requests that accounts sign for members.

import { noticeSeedOf } from "../../packages/charter/src/index.ts";
import { invitationHash, invitationLink } from "../../packages/client/src/invitation.ts";
import { formatContactCode } from "../../packages/client/src/messenger/safety-number.ts";
import {
  commitmentTo,
  digitsOf,
  formatAnswer,
  formatOffer,
  pairingCode,
  pairingId,
  pairingQr,
  sealGrant,
  transcriptOf,
} from "../../packages/client/src/pairing-message.ts";
import { PRF_INPUT } from "../../packages/client/src/passkey.ts";
import { formatRecoveryCode, recoverySeed, sealRecovery } from "../../packages/client/src/recovery-code.ts";
import { after, STREAM_START, sealChunk } from "../../packages/client/src/sealed-stream.ts";
import {
  accountIdOf,
  type ConversationId,
  hex,
  unixSeconds,
  utf8,
} from "../../packages/encoding/src/index.ts";
import { makeAccountRequest, makeCredential } from "../../packages/envelope/src/index.ts";
import { nodeSuite } from "../../packages/envelope/src/node-suite.ts";
import { deviceKeyOf } from "../../packages/mls/src/index.ts";
import { xwingKeygen } from "../../packages/quorum/src/index.ts";

import { cardOf } from "../fixture/notice.ts";

const bytes = (length: number, from: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (7 * i + from) % 256);
const CONTACT = formatContactCode(accountIdOf(bytes(32, 5)), "Ada");
const AUDIENCE = "log.test.porchlight.example";

export async function make(): Promise<unknown> {
  return {
    description: "Accounts and devices (spec/accounts.md). Bytes are hexadecimal.",
    prfInput: hex(PRF_INPUT),
    invitation: {
      secret: hex(bytes(32, 1)),
      hash: hex(invitationHash(bytes(32, 1))),
      link: invitationLink("https://chat.example.org", bytes(32, 1)),
      contact: CONTACT,
      linkWithContact: invitationLink("https://chat.example.org", bytes(32, 1), CONTACT),
    },
    pairing: await pairing(),
    recovery: await recovery(),
    stream: await stream(),
    requests: requests(),
  };
}

async function pairing(): Promise<unknown> {
  const random = bytes(8, 3).map((byte, i) => (i === 0 ? byte & 15 : byte));
  const code = pairingCode(random);
  const sealing = xwingKeygen(bytes(32, 4));
  const deviceSeed = bytes(32, 5);
  const nonce = bytes(32, 6);
  const fields = {
    deviceKey: deviceKeyOf(deviceSeed),
    sealingKey: sealing.publicKey,
    commitment: commitmentTo(nonce),
    name: "Küche",
  };
  const offer = formatOffer(fields);
  const host = deviceKeyOf(bytes(32, 7));
  const answer = formatAnswer({ deviceKey: host, credential: credentialOf(host), nonce: bytes(32, 8) });
  const transcript = transcriptOf(offer, answer, nonce);
  const grant = {
    credential: credentialOf(fields.deviceKey),
    historyKey: bytes(32, 9),
    conversations: 3,
    backupKey: bytes(32, 10),
    noticeKey: { seed: noticeSeedOf(IDENTITY), card: cardOf(IDENTITY) },
  };
  return {
    random: hex(random),
    code,
    qr: pairingQr(code),
    id: hex(pairingId(code)),
    deviceSeed: hex(deviceSeed),
    sealingSeed: hex(sealing.secretKey),
    nonce: hex(nonce),
    offer: hex(offer),
    answer: hex(answer),
    transcript: hex(transcript),
    digits: digitsOf(transcript),
    grantSeed: hex(bytes(64, 11)),
    historyKey: hex(grant.historyKey),
    backupKey: hex(grant.backupKey),
    credential: hex(grant.credential),
    noticeSeed: hex(grant.noticeKey.seed),
    noticeCard: hex(grant.noticeKey.card),
    grant: hex(sealGrant(fields, transcript, grant, bytes(64, 11))),
  };
}

const IDENTITY = bytes(32, 12);

function credentialOf(deviceKey: Uint8Array): Uint8Array {
  return makeCredential({
    identityKey: deviceKeyOf(IDENTITY),
    deviceKey,
    sign: (message) => nodeSuite.ed25519Sign(IDENTITY, message),
  });
}

async function recovery(): Promise<unknown> {
  const secrets = [bytes(16, 13), new Uint8Array(16), new Uint8Array(16).fill(255)];
  const content = { identitySeed: IDENTITY, backupKey: bytes(32, 14) };
  const salt = bytes(32, 15);
  return await Promise.all(
    secrets.map(async (secret) => ({
      secret: hex(secret),
      code: formatRecoveryCode(secret),
      recoverySeed: hex(recoverySeed(secret)),
      salt: hex(salt),
      identitySeed: hex(content.identitySeed),
      backupKey: hex(content.backupKey),
      record: hex(await sealRecovery(secret, content, salt)),
    })),
  );
}

async function stream(): Promise<unknown> {
  const key = { key: bytes(32, 16), purpose: utf8("history") };
  const chunks = [];
  let place = STREAM_START;
  for (const [content, last] of [
    [utf8("first"), false],
    [new Uint8Array(0), false],
    [utf8("last"), true],
  ] as const) {
    const salt = bytes(32, 17 + place.number);
    const chunk = await sealChunk(key, place, content, { last, salt });
    chunks.push({ number: place.number, last, salt: hex(salt), content: hex(content), chunk: hex(chunk) });
    place = after(place, chunk);
  }
  return { key: hex(key.key), purpose: hex(key.purpose), chunks };
}

function requests(): unknown {
  const deviceSeed = bytes(32, 20);
  const deviceKey = deviceKeyOf(deviceSeed);
  const common = {
    deviceKey,
    credential: credentialOf(deviceKey),
    conversation: "ab".repeat(32) as ConversationId,
    at: unixSeconds(1_788_264_000),
  };
  const signed = (kind: "rejoin" | "leave", lost: readonly Uint8Array[], seed: Uint8Array) => ({
    kind,
    audience: AUDIENCE,
    deviceKey: hex(deviceKey),
    conversation: common.conversation,
    at: common.at,
    lost: lost.map((device) => hex(device)),
    document: hex(
      makeAccountRequest({ ...common, kind, lost }, AUDIENCE, (message) =>
        nodeSuite.ed25519Sign(seed, message),
      ),
    ),
  });
  return [
    signed("rejoin", [bytes(32, 21), bytes(32, 22)], IDENTITY),
    signed("rejoin", [], IDENTITY),
    signed("leave", [], deviceSeed),
  ];
}
