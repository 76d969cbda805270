// Conversations through the whole API beside the library alone with its stock provider, and what commits weigh.
import { dayNumber } from "@porchlight/encoding";
import { createKeyPackage, encryptMessage, joinConversation, prepareCommit } from "@porchlight/mls";
import {
  acceptAll,
  createApplicationMessage,
  createCommit,
  createGroup,
  decodeMlsMessage,
  defaultCapabilities,
  defaultCryptoProvider,
  defaultLifetime,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  processMessage,
} from "../packages/mls/test/stock.ts";
import { noon, person, Room, random, read, receive, sent } from "../packages/mls/test/world.ts";
import type { Row } from "./run.ts";

export const name = "mls: messages of 600 bytes through the full API, commits";

const MESSAGES = 3000;
const STOCK_MESSAGES = 600;
const MEMBERS = 100;
const CONTENT = new Uint8Array(600).fill(0x78);

/** A second of the given number of calls, after a tenth of them to warm up. */
async function perSecond(count: number, run: (index: number) => Promise<void>): Promise<number> {
  const warm = Math.ceil(count / 10);
  for (let i = 0; i < warm; i++) await run(i);
  const start = performance.now();
  for (let i = warm; i < count; i++) await run(i);
  return ((count - warm) * 1000) / (performance.now() - start);
}

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

/** Two members of a group made with ts-mls alone: its own provider, its own API. */
async function stock(): Promise<{ encrypt: number; decrypt: number; overhead: number }> {
  const suite = await getCiphersuiteImpl(
    getCiphersuiteFromName("MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"),
    defaultCryptoProvider,
  );
  const keys = (identity: Uint8Array) =>
    generateKeyPackage(
      { credentialType: "basic", identity },
      defaultCapabilities(),
      defaultLifetime,
      [],
      suite,
    );
  const [ada, bea] = [await keys(random(97)), await keys(random(97))];
  const group = await createGroup(random(32), ada.publicPackage, ada.privatePackage, [], suite);
  const added = await createCommit(
    { state: group, cipherSuite: suite },
    { extraProposals: [{ proposalType: "add", add: { keyPackage: bea.publicPackage } }] },
  );
  if (added.welcome === undefined) throw new Error("no welcome");
  let reader = await joinGroup(
    added.welcome,
    bea.publicPackage,
    bea.privatePackage,
    emptyPskIndex,
    suite,
    added.newState.ratchetTree,
  );
  let writer = added.newState;
  const wires: Uint8Array[] = [];
  const encrypt = await perSecond(STOCK_MESSAGES, async () => {
    const made = await createApplicationMessage(writer, CONTENT, suite, new Uint8Array(41));
    writer = made.newState;
    wires.push(
      encodeMlsMessage({
        version: "mls10",
        wireformat: "mls_private_message",
        privateMessage: made.privateMessage,
      }),
    );
  });
  const decrypt = await perSecond(STOCK_MESSAGES, async (index) => {
    const message = decodeMlsMessage(wires[index] as Uint8Array, 0)?.[0];
    if (message?.wireformat !== "mls_private_message") throw new Error("wire format");
    reader = (await processMessage(message, reader, emptyPskIndex, acceptAll, suite)).newState;
  });
  return { encrypt, decrypt, overhead: (wires[0] as Uint8Array).length - CONTENT.length };
}

export async function run(): Promise<Row[]> {
  const plain = await stock();
  const room = await Room.of(2);
  const [writer, reader] = [room.seat(0), room.seat(1)];
  const wires: Uint8Array[] = [];
  const encrypt = await perSecond(MESSAGES, async () => {
    const made = sent(
      await encryptMessage(writer.conversation, {
        content: CONTENT,
        frankingKey: random(32),
        now: noon(),
      }),
    );
    writer.conversation = made.conversation;
    made.spent.erase();
    wires.push(made.wire);
  });
  const decrypt = await perSecond(MESSAGES, async (index) => {
    const opened = read(
      await receive(reader.conversation, wires[index] as Uint8Array, writer.device.account),
    );
    reader.conversation = opened.conversation;
    opened.spent.erase();
  });

  const group = await Room.of(1);
  const by = group.seat(0);
  const devices = Array.from({ length: MEMBERS - 1 }, () => person());
  const keyPackages = await Promise.all(devices.map((device) => createKeyPackage(device, noon())));
  const adding = await prepareCommit(by.conversation, {
    adds: keyPackages.map((one) => one.public),
    day: group.day,
  });
  by.conversation = adding.pending;
  const join = await seconds(async () => {
    for (const [index, device] of devices.entries()) {
      const keyPackage = keyPackages[index];
      if (keyPackage === undefined || adding.welcome === undefined) throw new Error("no welcome");
      const conversation = await joinConversation({
        device,
        keyPackage,
        welcome: adding.welcome,
        ratchetTree: adding.ratchetTree,
        submitter: by.device.account,
        now: noon(),
      });
      group.seats.push({ device, conversation });
    }
  });
  const opening = await prepareCommit(by.conversation, { day: dayNumber(group.day + 1) });
  const apply = await seconds(() => group.take(by, opening));
  const one = await createKeyPackage(person(), noon());
  const adds = await prepareCommit(by.conversation, { adds: [one.public], day: group.day });

  return [
    {
      what: "encrypt",
      value: encrypt,
      unit: "messages/s",
      ratio: `${(encrypt / plain.encrypt).toFixed(1)} × ts-mls with its stock provider`,
    },
    {
      what: "decrypt and check",
      value: decrypt,
      unit: "messages/s",
      ratio: `${(decrypt / plain.decrypt).toFixed(1)} × ts-mls with its stock provider`,
    },
    { what: "ts-mls alone, encrypt", value: plain.encrypt, unit: "messages/s" },
    { what: "ts-mls alone, decrypt", value: plain.decrypt, unit: "messages/s" },
    {
      what: "wire beyond the content",
      value: (wires[0] as Uint8Array).length - CONTENT.length,
      unit: "bytes",
      ratio: `ts-mls with the same authenticated data: ${plain.overhead}; the difference is the franking key`,
    },
    { what: `join a group of ${MEMBERS}`, value: (join / devices.length) * 1000, unit: "ms" },
    {
      what: `apply a day's first commit, group of ${MEMBERS}`,
      value: (apply / devices.length) * 1000,
      unit: "ms",
    },
    {
      what: `a day's first commit, group of ${MEMBERS} where one committed`,
      value: opening.commit.length,
      unit: "bytes",
    },
    { what: "a commit that adds one within the day", value: adds.commit.length, unit: "bytes" },
    { what: `Welcome for ${MEMBERS - 1}`, value: adding.welcome?.length ?? 0, unit: "bytes" },
    { what: `ratchet tree of ${MEMBERS}`, value: adding.ratchetTree.length, unit: "bytes" },
  ];
}
