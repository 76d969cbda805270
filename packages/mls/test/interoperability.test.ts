import { formatAuthenticatedData, nobleSuite } from "@porchlight/envelope";
import { describe, expect, test } from "vitest";
import {
  applyCommit,
  CIPHER_SUITE,
  createConversation,
  createKeyPackage,
  decryptMessage,
  joinConversation,
  type MlsSuite,
  mlsSuite,
  prepareCommit,
} from "../src/index.ts";
import { parseMessage, parseRatchetTree } from "../src/wire-format.ts";
import {
  acceptAll,
  createApplicationMessage,
  createCommit,
  decodeMlsMessage,
  defaultCryptoProvider,
  emptyPskIndex,
  encodeMlsMessage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  processMessage,
} from "./stock.ts";
import {
  active,
  DAY,
  encrypt,
  noon,
  person,
  Room,
  random,
  read,
  receive,
  sent,
  suite,
  text,
} from "./world.ts";

const stock = await getCiphersuiteImpl(getCiphersuiteFromName(CIPHER_SUITE), defaultCryptoProvider);
const pure = await mlsSuite(nobleSuite);

describe("the library with its stock provider", () => {
  test("MLS-2: joins our group, reads our messages, and follows our commits", async () => {
    const room = await Room.of(2);
    const guest = person();
    const own = await createKeyPackage(guest, noon());
    const made = await prepareCommit(room.seat(0).conversation, {
      adds: [own.public],
      day: DAY,
      update: true,
    });
    await room.take(room.seat(0), made);
    let state = await joinGroup(
      parseMessage(made.welcome as Uint8Array, "mls_welcome").welcome,
      parseMessage(own.public, "mls_key_package").keyPackage,
      {
        initPrivateKey: own.initPrivateKey,
        hpkePrivateKey: own.leafPrivateKey,
        signaturePrivateKey: guest.deviceSeed,
      },
      emptyPskIndex,
      stock,
      parseRatchetTree(made.ratchetTree),
    );
    const process = async (bytes: Uint8Array) => {
      const decoded = decodeMlsMessage(bytes, 0)?.[0];
      if (decoded?.wireformat !== "mls_private_message" && decoded?.wireformat !== "mls_public_message") {
        throw new Error("wire format");
      }
      const result = await processMessage(decoded, state, emptyPskIndex, acceptAll, stock);
      state = result.newState;
      return result;
    };
    const wire = await room.send(room.seat(1), "hello, library");
    const got = await process(wire);
    if (got.kind !== "applicationMessage") throw new Error(got.kind);
    expect(new TextDecoder().decode(got.message.subarray(32))).toBe("hello, library");
    // Commits with and without a path, by another member and by the inviter.
    const second = await createKeyPackage(person(), noon());
    for (const by of [room.seat(1), room.seat(0)]) {
      const next = await prepareCommit(by.conversation, { day: DAY });
      await room.take(by, next);
      await process(next.commit);
    }
    const adding = await prepareCommit(room.seat(1).conversation, { adds: [second.public], day: DAY });
    await room.take(room.seat(1), adding);
    await process(adding.commit);
    expect(state.keySchedule.epochAuthenticator).toEqual(
      room.seat(0).conversation.state.keySchedule.epochAuthenticator,
    );

    // And ours reads and follows what the library makes.
    const day = formatAuthenticatedData({ day: DAY, counter: 0, franking: null });
    const theirs = await createApplicationMessage(state, new Uint8Array(40), stock, day);
    const bytes = encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_private_message",
      privateMessage: theirs.privateMessage,
    });
    expect(read(await receive(room.seat(0).conversation, bytes, guest.account)).content).toHaveLength(8);
    const commit = await createCommit(
      { state: theirs.newState, cipherSuite: stock },
      { wireAsPublicMessage: true, authenticatedData: day },
    );
    const applied = await applyCommit(room.seat(0).conversation, encodeMlsMessage(commit.commit), {
      submitter: guest.account,
      now: noon(),
      arrival: "live",
    });
    expect(active(applied.conversation).state.keySchedule.epochAuthenticator).toEqual(
      commit.newState.keySchedule.epochAuthenticator,
    );
  });
});

describe("the providers", () => {
  test("MLS-2: node:crypto and the pure one make one group", async () => {
    const device = person(random(32), pure);
    const created = await createConversation({ device, charter: null, day: DAY, now: noon(), random });
    const guest = person();
    const own = await createKeyPackage(guest, noon());
    const made = await prepareCommit(created, { adds: [own.public], day: DAY });
    const joined = await joinConversation({
      device: guest,
      keyPackage: own,
      welcome: made.welcome as Uint8Array,
      ratchetTree: made.ratchetTree,
      submitter: device.account,
      now: noon(),
    });
    const wire = sent(await encrypt(made.pending, "pure to node")).wire;
    expect(text(await receive(joined, wire, device.account))).toBe("pure to node");
    const back = sent(await encrypt(joined, "node to pure")).wire;
    expect(
      text(
        await decryptMessage(made.pending, back, { submitter: guest.account, now: noon(), arrival: "live" }),
      ),
    ).toBe("node to pure");
  });

  test("MLS-2: every operation gives the stock provider's answer", async () => {
    const providers: MlsSuite[] = [suite, pure];
    const [key, data, nonce] = [random(16), random(500), random(12)];
    const pair = await stock.signature.keygen();
    const seed = pair.signKey.subarray(-32);
    const signature = await stock.signature.sign(pair.signKey, data);
    for (const { mls } of providers) {
      expect(await mls.hash.digest(data)).toEqual(await stock.hash.digest(data));
      expect(await mls.hash.mac(key, data)).toEqual(await stock.hash.mac(key, data));
      expect(await mls.hash.verifyMac(key, await stock.hash.mac(key, data), data)).toBe(true);
      expect(await mls.hash.verifyMac(key, new Uint8Array(31), data)).toBe(false);
      expect(await mls.kdf.extract(seed, data)).toEqual(await stock.kdf.extract(seed, data));
      for (const length of [12, 16, 32, 64]) {
        expect(await mls.kdf.expand(seed, data, length)).toEqual(await stock.kdf.expand(seed, data, length));
      }
      const sealed = await stock.hpke.encryptAead(key, nonce, data, data);
      expect(await mls.hpke.encryptAead(key, nonce, data, data)).toEqual(sealed);
      expect(await mls.hpke.decryptAead(key, nonce, data, sealed)).toEqual(data);
      await expect(mls.hpke.decryptAead(key, nonce, key, sealed)).rejects.toThrow();
      expect(await mls.signature.sign(seed, data)).toEqual(signature);
      expect(await mls.signature.verify(pair.publicKey, data, signature)).toBe(true);
      // Asked twice: what once verified is remembered, and only exactly that.
      expect(await mls.signature.verify(pair.publicKey, data, signature)).toBe(true);
      expect(await mls.signature.verify(pair.publicKey, key, signature)).toBe(false);
      expect(await mls.signature.verify(random(32), data, signature)).toBe(false);
      expect(await mls.signature.verify(pair.publicKey, data, signature.subarray(1))).toBe(false);
    }
  });
});
