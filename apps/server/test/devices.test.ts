import type { Charter } from "@porchlight/charter";
import { base64, fromUtf8, hex, unixSeconds, utf8 } from "@porchlight/encoding";
import { WireError } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Account,
  type ConversationEvent,
  Member,
  memoryStorage,
  receiveHistory,
  sendHistory,
  startPairing,
} from "../../../packages/client/src/index.ts";
import { makeAccountRequest } from "../../../packages/envelope/src/index.ts";
import { TestServer } from "./deployment.ts";
import { AUDIENCE, type Home, home, newcomer, publishKeys, random, say, textsIn } from "./homes.ts";

let server: TestServer;
let charter: Charter;

beforeAll(async () => {
  server = await TestServer.start({}, { backupQuota: 8 * 1024 * 1024 });
  charter = await server.charter();
  await publishKeys(server, charter);
});
afterAll(async () => {
  await server.stop();
});

async function refusal(run: Promise<unknown>): Promise<string> {
  return await run.then(
    () => "accepted",
    (error: unknown) => {
      if (error instanceof WireError) return error.refusal ?? error.code;
      return (error as { code?: string }).code ?? String(error);
    },
  );
}

/** A pairing to its end: the new device's account, and what the first device was told. */
async function paired(first: Account, options: { readonly charters?: boolean } = {}) {
  const place = await home(server, options);
  const guest = await startPairing(place, { audience: AUDIENCE, deviceName: "tablet" });
  const [host, digits] = await Promise.all([first.pair(guest.code), guest.digits()]);
  expect(host.digits).toBe(digits);
  const [entered, confirmed] = await Promise.all([guest.finish(), host.confirm()]);
  expect(confirmed.history).toEqual(entered.history);
  return { ...entered, home: place, host, attendance: confirmed.attendance };
}

async function* recordsIn(backups: AsyncIterable<AsyncIterable<Uint8Array>>): AsyncGenerator<Uint8Array> {
  for await (const records of backups) yield* records;
}

function newDevices(events: readonly ConversationEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === "members" ? event.newDevices.map(({ deviceKey }) => deviceKey) : [],
  );
}

describe("a second device", () => {
  test("ACC-30 to ACC-36, ACC-43: it is let in by the first, reads on, has the history, and none of that is in a conversation", async () => {
    const alice = await newcomer(server, { charters: true, deviceName: "phone" });
    const bob = await newcomer(server, { charters: true });
    const seat = await alice.account.member.createConversation({ charter: charter.id });
    await seat.changeMembers({ adds: [bob.account.id] });
    await bob.account.member.sync();
    const old = "the old words that one day's key must not open";
    await say(seat, old, server.now);
    await bob.account.member.sync();
    const before = (await alice.home.server.items(seat.id, 0)).head;
    const requestsBefore = alice.home.sent.length;

    const tablet = await paired(alice.account, { charters: true });
    expect(tablet.host.deviceName).toBe("tablet");
    expect(tablet.attendance).toEqual({
      done: [{ conversation: seat.id, account: alice.account.id }],
      refused: [],
      left: 0,
    });
    const records = [utf8(old), random(3 * 1024 * 1024), utf8("a draft")];
    const sending = sendHistory(alice.home.server.account, tablet.history, records);
    const received: Uint8Array[] = [];
    for await (const record of receiveHistory(tablet.home.server.account, tablet.history))
      received.push(record);
    await sending;
    expect(received.map(hex)).toEqual(records.map(hex));
    // Sent again, as after a crash, it is the same; then nobody fetches it any more.
    await sendHistory(alice.home.server.account, tablet.history, records);
    await sendHistory(alice.home.server.account, tablet.history, records);
    const again: Uint8Array[] = [];
    for await (const record of receiveHistory(tablet.home.server.account, tablet.history)) again.push(record);
    expect(again).toHaveLength(records.length);
    expect(await tablet.home.server.account.own()).toMatchObject({ stored: 0 });

    // Everything that the first device put into the conversation for it is one commit.
    const added = (await alice.home.server.items(seat.id, before)).items;
    expect(added.map(({ kind }) => kind)).toEqual(["commit"]);
    // And nothing that left either device, into a conversation or elsewhere, has the old words or the identity key.
    const seed = (await alice.home.storage.load("identity")) as Uint8Array;
    for (const { path, body } of [...alice.home.sent.slice(requestsBefore), ...tablet.home.sent]) {
      for (const secret of [utf8(old), seed]) {
        expect(Buffer.from(body).includes(Buffer.from(secret)), path).toBe(false);
        expect(Buffer.from(body).includes(base64(secret)), path).toBe(false);
      }
    }
    // The secret part of a code is in no address.
    expect(tablet.home.sent.some(({ path }) => /pair.*[0-9A-Z]{4}-/.test(path))).toBe(false);

    await tablet.account.member.sync();
    expect(newDevices(await bob.account.member.sync())).toEqual([
      hex(tablet.account.member.device.deviceKey),
    ]);
    const bobsSeat = bob.account.member.seat(seat.id);
    await say(bobsSeat, "hello to both of you", server.now);
    const [onTablet, onPhone] = [await tablet.account.member.sync(), await alice.account.member.sync()];
    expect(textsIn(onTablet)).toEqual(["hello to both of you"]);
    expect(textsIn(onPhone)).toEqual(["hello to both of you"]);
    // What was said before it came, it has from the first device only.
    expect(textsIn(tablet.account.member.seat(seat.id).events)).not.toContain(old);
    await say(tablet.account.member.seat(seat.id), "from the tablet", server.now);
    expect(textsIn(await bob.account.member.sync())).toEqual(["from the tablet"]);

    // ACC-34: the person's notices are read on both, also after a restart.
    const reopened = await Member.open(tablet.home);
    expect(reopened.noticeKey).toEqual(alice.account.member.noticeKey);
    expect(tablet.account.member.noticeKey).toEqual(alice.account.member.noticeKey);

    // ACC-35: it cannot let in others itself.
    expect(tablet.account.holdsIdentity).toBe(false);
    expect(await refusal(tablet.account.pair("0000-0000-0000"))).toBe("identity-not-here");
    const names = (await alice.account.devices()).map(({ name, current }) => [name, current]);
    expect(names.sort()).toEqual([
      ["phone", true],
      ["tablet", false],
    ]);
  });

  test("ACC-33: somebody in between changes the digits, and cannot choose them", async () => {
    const { account } = await newcomer(server);
    const guestHome = await home(server);
    const guest = await startPairing(guestHome, { audience: AUDIENCE, deviceName: "real" });
    // The server itself is in between: it shows the first device an offer of its own, and answers the new one itself.
    const evilHome = await home(server);
    const evil = await startPairing(evilHome, { audience: AUDIENCE, deviceName: "real" });
    const between = await newcomer(server);
    const [host, evilDigits, evilHost, digits] = await Promise.all([
      account.pair(evil.code),
      evil.digits(),
      between.account.pair(guest.code),
      guest.digits(),
    ]);
    expect(host.digits).toBe(evilDigits);
    expect(evilHost.digits).toBe(digits);
    expect(host.digits).not.toBe(digits);
    // The person sees it and says no: nobody is let in.
    await host.refuse();
    expect(await refusal(evil.finish())).toBe("pairing-refused");
    expect(await evilHome.storage.list()).toEqual([]);
    expect((await account.devices()).length).toBe(1);
  });

  test("ACC-30: a pairing is one account's, once, for ten minutes; a code that is none is told before anything is sent", async () => {
    const [one, other] = [await newcomer(server), await newcomer(server)];
    const guest = await startPairing(await home(server), { audience: AUDIENCE, deviceName: "x" });
    const [host] = await Promise.all([one.account.pair(guest.qr), guest.digits()]);
    expect(await refusal(other.account.pair(guest.code))).toBe("pairing-over");
    expect(await refusal(one.account.pair("not a code"))).toBe("code-malformed");
    const waiting = await startPairing(await home(server), { audience: AUDIENCE, deviceName: "y" });
    await server.tick(server.now + 601);
    expect(await refusal(one.account.pair(waiting.code))).toBe("pairing-over");
    expect(await refusal(host.confirm())).toBe("pairing-over");
  });
});

describe("losing devices", () => {
  test("ACC-6, ACC-36: a lost device is out at once, and out of every conversation; any device can do it", async () => {
    const alice = await newcomer(server, { deviceName: "phone" });
    const bob = await newcomer(server);
    const tablet = await paired(alice.account);
    const seat = await alice.account.member.createConversation({ charter: null });
    await seat.changeMembers({ adds: [bob.account.id, alice.account.id] });
    await bob.account.member.sync();
    await tablet.account.member.sync();
    const phoneKey = alice.account.member.device.deviceKey;

    // The tablet takes the phone out, which has the identity key.
    const attendance = await tablet.account.removeDevice(phoneKey);
    expect(attendance.left).toBe(0);
    expect(await refusal(alice.home.server.conversations())).toBe("device-revoked");
    expect(await refusal(alice.account.member.login(AUDIENCE))).toBe("device-revoked");
    const bobs = await bob.account.member.sync();
    expect(bobs.find((event) => event.kind === "members")).toMatchObject({
      removed: [{ deviceKey: hex(phoneKey) }],
      by: alice.account.id,
    });
    // The commit had an UpdatePath: what the phone holds reads nothing from now on.
    await say(bob.account.member.seat(seat.id), "without the phone", server.now);
    expect(textsIn(await tablet.account.member.sync())).toEqual(["without the phone"]);
    const { items } = await bob.home.server.items(seat.id, 0);
    const lost = alice.account.member.seat(seat.id);
    const events = await lost.apply(items);
    expect(textsIn(events)).toEqual([]);
    expect(lost.kind).toBe("removed");
    // Nobody adds it with a key package that it left.
    expect(await refusal(bob.home.server.claimKeyPackages(alice.account.id, [phoneKey]))).toBe(
      "no-key-package",
    );
    const devices = await tablet.account.devices();
    expect(devices.find(({ deviceKey }) => hex(deviceKey) === hex(phoneKey))?.revoked).not.toBeNull();
  });

  test("ACC-5: sessions are listed by day and can be ended alone; the device logs in again", async () => {
    const { account, home: place } = await newcomer(server);
    const before = (await account.devices())[0]?.sessions ?? [];
    expect(before).toHaveLength(1);
    expect(before[0]?.current).toBe(true);
    expect((before[0]?.lastUsed ?? 1) % 86_400).toBe(0);
    await account.endSession(before[0]?.id ?? "");
    // The client notices and opens another one by itself.
    const after = (await account.devices())[0]?.sessions ?? [];
    expect(after).toHaveLength(1);
    expect(after[0]?.id).not.toBe(before[0]?.id);
    expect(place.sent.filter(({ path }) => path === "/v1/sessions")).toHaveLength(1);
    // Another account's session is not ended by its name.
    const other = await newcomer(server);
    await other.account.endSession(after[0]?.id ?? "");
    expect((await account.devices())[0]?.sessions[0]?.id).toBe(after[0]?.id);
  });

  test("ACC-50 to ACC-63: all devices lost: the code restores account and backup, the conversation heals, everybody is told", async () => {
    const alice = await newcomer(server, { charters: true });
    const bob = await newcomer(server, { charters: true });
    const seat = await alice.account.member.createConversation({ charter: charter.id });
    await seat.changeMembers({ adds: [bob.account.id] });
    await bob.account.member.sync();
    await say(seat, "before the loss", server.now);
    await bob.account.member.sync();
    const code = await alice.account.enableRecovery();
    expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
    await alice.account.backup?.append([utf8("first record"), random(2_500_000)]);
    await alice.account.backup?.append([utf8("second record")]);
    const lostKey = alice.account.member.device.deviceKey;
    for (const { body } of alice.home.sent) {
      expect(Buffer.from(body).includes("second record")).toBe(false);
    }

    const place = await home(server, { charters: true });
    expect(
      await refusal(
        Account.restore(place, code.replace(/^./, code.startsWith("0") ? "1" : "0"), { audience: AUDIENCE }),
      ),
    ).toBe("code-malformed");
    const restored = await Account.restore(place, code.toLowerCase().replaceAll("-", " "), {
      audience: AUDIENCE,
      deviceName: "new phone",
    });
    expect(restored.account.id).toBe(alice.account.id);
    const records: string[] = [];
    for await (const record of recordsIn(restored.backups))
      records.push(record.length < 100 ? fromUtf8(record) : "large");
    expect(records).toEqual(["first record", "large", "second record"]);
    expect(restored.lost.map(({ deviceKey }) => hex(deviceKey))).toEqual([hex(lostKey)]);
    expect(await restored.account.heal()).toEqual([seat.id]);
    expect(await refusal(alice.account.member.login(AUDIENCE))).toBe("device-revoked");

    // Bob comes online: one commit removes the lost device and adds the restored one.
    const attendance = await bob.account.attend();
    expect(attendance.done).toEqual([{ conversation: seat.id, account: alice.account.id }]);
    const bobs = bob.account.member.seat(seat.id);
    expect(bobs.members.map(({ deviceKey }) => hex(deviceKey)).sort()).toEqual(
      [bob.account, restored.account].map(({ member }) => hex(member.device.deviceKey)).sort(),
    );
    expect(newDevices(bobs.events)).toEqual([hex(restored.account.member.device.deviceKey)]);
    await restored.account.member.sync();
    await say(bobs, "welcome back", server.now);
    expect(textsIn(await restored.account.member.sync())).toEqual(["welcome back"]);
    await say(restored.account.member.seat(seat.id), "glad to be", server.now);
    expect(textsIn(await bob.account.member.sync())).toEqual(["glad to be"]);
    // The request is done: nobody is shown it again.
    expect((await bob.account.attend()).done).toEqual([]);
    // It can be backed up from here, and restored again with the same code.
    await restored.account.backup?.append([utf8("third record")]);
    const again = await Account.restore(await home(server), code, { audience: AUDIENCE });
    const texts: string[] = [];
    for await (const record of recordsIn(again.backups))
      texts.push(record.length < 100 ? fromUtf8(record) : "large");
    expect(texts.sort()).toEqual(["first record", "large", "second record", "third record"]);
  });

  test("ACC-60: a return that a lost connection cut short is asked for by the next start", async () => {
    const alice = await newcomer(server);
    const bob = await newcomer(server);
    const seats = [];
    for (let i = 0; i < 2; i++) {
      const seat = await alice.account.member.createConversation({ charter: null });
      await seat.changeMembers({ adds: [bob.account.id] });
      seats.push(seat.id);
    }
    await bob.account.member.sync();
    const code = await alice.account.enableRecovery();
    const place = await home(server);
    const { account } = await Account.restore(place, code, { audience: AUDIENCE });
    expect(account.isHealing).toBe(true);
    const { postRequest, revokeDevice } = place.server.account;
    const cut = async (): Promise<never> => {
      throw new WireError("unreachable", "no connection");
    };
    place.server.account.revokeDevice = cut;
    expect(await refusal(account.heal())).toBe("unreachable");
    place.server.account.revokeDevice = revokeDevice;
    let left = 1;
    place.server.account.postRequest = async (request) =>
      left-- > 0 ? await postRequest.call(place.server.account, request) : await cut();
    expect(await refusal(account.heal())).toBe("unreachable");
    place.server.account.postRequest = postRequest;
    // The program ends; a new start does what waits.
    const reopened = await Account.open(place, { audience: AUDIENCE });
    expect(reopened.isHealing).toBe(true);
    await reopened.attend();
    expect(reopened.isHealing).toBe(false);
    expect(await refusal(alice.account.member.login(AUDIENCE))).toBe("device-revoked");
    const { done } = await bob.account.attend();
    expect(done.map(({ conversation }) => conversation).sort()).toEqual(seats.sort());
    await reopened.member.sync();
    expect(reopened.member.seats.map(({ id }) => id).sort()).toEqual(seats);
  });

  test("ACC-53, ACC-54: a new code ends the old one and its backup; what is over the quota is refused", async () => {
    const { account } = await newcomer(server);
    const first = await account.enableRecovery();
    await account.backup?.append([utf8("under the first code")]);
    const second = await account.enableRecovery();
    expect(await refusal(Account.restore(await home(server), first, { audience: AUDIENCE }))).toBe(
      "recovery-refused",
    );
    const { backups } = await Account.restore(await home(server), second, { audience: AUDIENCE });
    for await (const record of recordsIn(backups)) expect(record).toBeNull();
    const big = Array.from({ length: 9 }, () => random(1024 * 1024));
    expect(await refusal(account.backup?.append(big) ?? Promise.resolve())).toBe("quota");
  });

  test("ACC-53: an answer that is lost leaves nobody without a code: asked again it is the same one", async () => {
    const { account, home: place } = await newcomer(server);
    const first = await account.enableRecovery();
    await account.backup?.append([utf8("under the first code")]);
    const set = place.server.account.setRecovery.bind(place.server.account);
    place.server.account.setRecovery = async (record) => {
      await set(record);
      throw new WireError("unreachable", "no connection");
    };
    expect(await refusal(account.enableRecovery())).toBe("unreachable");
    // The code of before opens nothing any more; the program ends, and the person asks again.
    expect(await refusal(Account.restore(await home(server), first, { audience: AUDIENCE }))).toBe(
      "recovery-refused",
    );
    place.server.account.setRecovery = set;
    const reopened = await Account.open(place, { audience: AUDIENCE });
    expect(reopened.isRecoveryUnfinished).toBe(true);
    const second = await reopened.enableRecovery();
    expect(reopened.isRecoveryUnfinished).toBe(false);
    // What was before is deleted after the code is there, and never what comes after it.
    expect(await place.server.account.backups()).toHaveLength(1);
    await reopened.backup?.append([utf8("under the second code")]);
    await reopened.dropOutdated();
    const { backups } = await Account.restore(await home(server), second, { audience: AUDIENCE });
    const texts: string[] = [];
    for await (const record of recordsIn(backups)) texts.push(fromUtf8(record));
    expect(texts).toEqual(["under the second code"]);
    expect(await place.server.account.backups()).toHaveLength(1);
  });

  test("ACC-54: a record of several chunks that a lost connection cut in two is whole, and so is all after it", async () => {
    const { account, home: place } = await newcomer(server);
    const code = await account.enableRecovery();
    const put = place.server.account.putBackup.bind(place.server.account);
    place.server.account.putBackup = async (generation, number, chunk) => {
      if (number === 1) throw new WireError("unreachable", "no connection");
      await put(generation, number, chunk);
    };
    const large = random(2_500_000);
    expect(await refusal(account.backup?.append([utf8("one"), large]) ?? Promise.resolve())).toBe(
      "unreachable",
    );
    place.server.account.putBackup = put;
    const reopened = await Account.open(place, { audience: AUDIENCE });
    await reopened.backup?.append([utf8("two")]);
    const { backups } = await Account.restore(await home(server), code, { audience: AUDIENCE });
    const found: string[] = [];
    for await (const record of recordsIn(backups)) {
      found.push(record.length < 100 ? fromUtf8(record) : String(hex(record) === hex(large)));
    }
    expect(found).toEqual(["one", "true", "two"]);
  });

  test("a crash in the middle of a backup leaves it whole: the same chunk is handed in again", async () => {
    const { account, home: place } = await newcomer(server);
    const code = await account.enableRecovery();
    await account.backup?.append([utf8("one")]);
    // The chunk is saved, the request is lost, the program ends.
    const put = place.server.account.putBackup.bind(place.server.account);
    let lose: "request" | "answer" | null = "request";
    place.server.account.putBackup = async (...chunk) => {
      if (lose === "request") throw new WireError("unreachable", "no connection");
      await put(...chunk);
      if (lose === "answer") throw new WireError("unreachable", "no connection");
    };
    expect(await refusal(account.backup?.append([utf8("two")]) ?? Promise.resolve())).toBe("unreachable");
    lose = "answer";
    const reopened = await Account.open(place, { audience: AUDIENCE });
    expect(await refusal(reopened.backup?.append([utf8("three")]) ?? Promise.resolve())).toBe("unreachable");
    lose = null;
    const third = await Account.open(place, { audience: AUDIENCE });
    await third.backup?.append([utf8("three")]);
    const { backups } = await Account.restore(await home(server), code, { audience: AUDIENCE });
    const texts: string[] = [];
    for await (const record of recordsIn(backups)) texts.push(fromUtf8(record));
    expect(texts).toEqual(["one", "two", "three"]);
  });
});

describe("what members refuse", () => {
  test("ACC-60, ACC-61: a stolen device, another account and a replayed request get nobody added or removed", async () => {
    const alice = await newcomer(server);
    const tablet = await paired(alice.account);
    const bob = await newcomer(server);
    const seat = await alice.account.member.createConversation({ charter: null });
    await seat.changeMembers({ adds: [bob.account.id, alice.account.id] });
    await bob.account.member.sync();
    await tablet.account.member.sync();
    const { primitives } = tablet.home.suite;
    const { deviceKey, credential, deviceSeed } = tablet.account.member.device;
    // The thief of the tablet, with the only key that it has.
    const ask = (changes: object = {}): Uint8Array =>
      makeAccountRequest(
        {
          kind: "rejoin",
          deviceKey,
          credential,
          conversation: seat.id,
          at: server.now,
          lost: [alice.account.member.device.deviceKey],
          ...changes,
        },
        AUDIENCE,
        (message) => primitives.ed25519Sign(deviceSeed, message),
      );
    const post = (document: Uint8Array): Promise<string> =>
      refusal(tablet.home.server.account.postRequest({ conversation: seat.id, document }));
    expect(await post(ask({ deviceKey: random(32) }))).toBe("malformed");
    const carol = await newcomer(server);
    const hers = carol.account.member.device;
    expect(await post(ask({ deviceKey: hers.deviceKey, credential: hers.credential }))).toBe("forbidden");
    expect(
      await refusal(carol.home.server.account.postRequest({ conversation: seat.id, document: ask() })),
    ).toBe("forbidden");

    const taken = bob.home.server.account.takeRequests.bind(bob.home.server.account);
    // From here on the server is with the thief, and shows whatever it likes to Bob.
    const shown = async (...documents: readonly Uint8Array[]): Promise<number> => {
      bob.home.server.account.takeRequests = async () =>
        documents.map((document) => ({ conversation: seat.id, document }));
      return (await bob.account.attend()).done.length;
    };
    const bobs = bob.account.member.seat(seat.id);
    await alice.account.removeDevice(deviceKey);
    expect(await shown(ask(), ask({ lost: [] }), random(300))).toBe(0);
    expect(bobs.members).toHaveLength(2);

    // A true request once. Again, after its device was removed: nothing.
    const code = await alice.account.enableRecovery();
    const restored = await Account.restore(await home(server), code, { audience: AUDIENCE });
    await restored.account.heal();
    const [request] = await taken();
    const document = request?.document ?? new Uint8Array(0);
    const added = restored.account.member.device.deviceKey;
    expect(await shown(document)).toBe(1);
    expect(bobs.members.map((member) => hex(member.deviceKey))).toContain(hex(added));
    await bobs.changeMembers({ removeDevices: [added] });
    expect(await shown(document)).toBe(0);
    expect(bobs.members.map(({ account }) => account)).toEqual([bob.account.id]);
  });

  test("MLS-15: a server that hands out another's key package for a device gets nobody in: not in a pairing, not in a return", async () => {
    const [alice, bob, mallory] = [await newcomer(server), await newcomer(server), await newcomer(server)];
    const seat = await alice.account.member.createConversation({ charter: null });
    await seat.changeMembers({ adds: [bob.account.id] });
    await bob.account.member.sync();
    const bobs = bob.account.member.seat(seat.id);
    /** Asked for one device it answers with Mallory's key package, under the name that was asked for or its own. */
    const lie = (place: Home, named: "asked" | "own"): void => {
      place.server.claimKeyPackages = async (_, devices) => {
        const stolen = await mallory.home.server.claimKeyPackages(mallory.account.id);
        return stolen.map((one) => ({
          ...one,
          deviceKey: (named === "asked" && devices?.[0]) || one.deviceKey,
        }));
      };
    };
    const accounts = (): unknown[] => [...new Set(seat.members.map(({ account }) => account))].sort();
    const both = [alice.account.id, bob.account.id].sort();
    const told = [{ conversation: seat.id, account: alice.account.id }];

    for (const named of ["asked", "own"] as const) {
      lie(alice.home, named);
      const tablet = await paired(alice.account);
      expect(tablet.attendance).toEqual({ done: [], refused: told, left: 0 });
      expect(accounts()).toEqual(both);
    }

    // All devices are lost, and the account asks to be let in again.
    Reflect.deleteProperty(alice.home.server, "claimKeyPackages");
    const code = await alice.account.enableRecovery();
    const restored = await Account.restore(await home(server), code, { audience: AUDIENCE });
    await restored.account.heal();
    lie(bob.home, "asked");
    expect(await bob.account.attend()).toEqual({ done: [], refused: told, left: 0 });
    expect([...new Set(bobs.members.map(({ account }) => account))].sort()).toEqual(both);
    expect(await mallory.account.member.join()).toEqual([]);
  });

  test("ACC-62, ACC-90: who deletes the account is let go by the others, and the server keeps none of it", async () => {
    const alice = await newcomer(server);
    const bob = await newcomer(server);
    const seat = await alice.account.member.createConversation({ charter: null });
    await seat.changeMembers({ adds: [bob.account.id] });
    await bob.account.member.sync();
    await alice.account.enableRecovery();
    await alice.account.backup?.append([utf8("x")]);
    expect((await alice.account.ownData()).account.stored).toBeGreaterThan(0);
    expect(await refusal(bob.home.server.account.delete(alice.account.id))).toBe("forbidden");
    await alice.account.delete();
    expect(await refusal(alice.home.server.conversations())).toBe("credential-refused");
    expect(await refusal(bob.home.server.claimKeyPackages(alice.account.id))).toBe("no-key-package");
    expect((await bob.account.attend()).done).toEqual([{ conversation: seat.id, account: alice.account.id }]);
    expect(bob.account.member.seat(seat.id).members.map(({ account }) => account)).toEqual([bob.account.id]);
  });
});

test("a storage that has a device takes no second one, and an account goes on where a crash ended its beginning", async () => {
  const place = await home(server);
  const save = place.storage.save.bind(place.storage);
  const crashing = {
    ...place,
    storage: {
      ...memoryStorage(),
      ...place.storage,
      save: async (name: string, record: Uint8Array) => {
        await save(name, record);
        if (name === "identity") throw new Error("power cut");
      },
    },
  };
  await expect(Account.create(crashing, { audience: AUDIENCE })).rejects.toThrow("power cut");
  const account = await Account.create(place, { audience: AUDIENCE });
  expect((await Account.create(place, { audience: AUDIENCE })).id).toBe(account.id);
  expect(unixSeconds(server.now)).toBeGreaterThan(0);
});
