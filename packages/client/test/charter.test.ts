import { verifyCharter } from "@porchlight/charter";
import { charterId, fromUtf8, Reader, unixSeconds, utf8, Writer } from "@porchlight/encoding";
import { WireError } from "@porchlight/wire";
import { describe, expect, test } from "vitest";
import {
  charterOf,
  signedCharter,
  signedSuccession,
  successionDocument,
} from "../../../vectors/fixture/deployment.ts";
import { memoryStorage, type Storage } from "../src/index.ts";
import { conversationView } from "../src/messenger/conversation-view.ts";
import { People } from "../src/messenger/people.ts";
import { Thread } from "../src/messenger/thread.ts";
import { charterDocument, courtCharter, DAY, gather, kinds, noon, says, Town, texts } from "./town.ts";

async function chartered(size: number) {
  const town = new Town();
  const charter = await courtCharter();
  await town.publish(charter, [DAY]);
  const charters = await town.book();
  const storages = Array.from({ length: size }, () => memoryStorage());
  const people = await Promise.all(storages.map((storage) => town.person({ charters, storage })));
  return { town, charter, charters, people, storages, seats: await gather(people, charter) };
}

describe("a chartered conversation", () => {
  test("MLS-40: posts one envelope a sender and epoch, before its first message", async () => {
    const { town, seats } = await chartered(3);
    const [a, b, c] = seats;
    if (a === undefined || b === undefined || c === undefined) throw new Error("seats");
    await a.send([says("one")]);
    await a.send([says("two"), says("three")]);
    await b.send([says("four")]);
    expect(texts(await c.sync())).toEqual(["one", "two", "three", "four"]);
    expect(town.thread(a.id).items.map(({ kind }) => kind)).toEqual([
      "commit",
      "envelope",
      "message",
      "message",
      "message",
      "envelope",
      "message",
    ]);
  });

  test("MLS-40: posts the same envelope again where the server refused the batch that it came with", async () => {
    const { town, seats } = await chartered(2);
    const [a, b] = seats;
    if (a === undefined || b === undefined) throw new Error("seats");
    town.beforeSubmit = async () => {
      town.beforeSubmit = null;
      throw new WireError("refused", "not today", { refusal: "message-refused" });
    };
    await expect(a.send([says("one")])).rejects.toMatchObject({ refusal: "message-refused" });
    expect(a.waiting).toBe(1);
    await a.flush();
    await a.send([says("two")]);
    expect(texts(await b.sync())).toEqual(["one", "two"]);
    expect(town.thread(a.id).items.map(({ kind }) => kind)).toEqual([
      "commit",
      "envelope",
      "message",
      "message",
    ]);
  });

  test("MLS-31: says so where the server's clock shows another day", async () => {
    const { town, seats } = await chartered(2);
    town.beforeSubmit = async () => {
      throw new WireError("refused", "another day", { refusal: "wrong-day" });
    };
    await expect(seats[0]?.send([says("one")])).rejects.toMatchObject({ code: "clock-wrong" });
  });

  test("MLS-41: an envelope that the server alters, or leaves out, stops that sender's messages by name", async () => {
    const { town, seats } = await chartered(3);
    const [a, b, c] = seats;
    if (a === undefined || b === undefined || c === undefined) throw new Error("seats");
    await a.send([says("escrowed")]);
    const thread = town.thread(a.id);
    const envelope = thread.items.find(({ kind }) => kind === "envelope");
    if (envelope === undefined) throw new Error("envelope");
    const bytes = envelope.bytes.slice();
    bytes[bytes.length - 70] = (bytes.at(-70) as number) ^ 1;
    const altered = thread.items.map((item) => (item === envelope ? { ...item, bytes } : item));
    expect(kinds(await b.apply(altered))).toEqual([
      "refused envelope: envelope-refused",
      "refused message: no-envelope",
    ]);
    const without = thread.items.filter((item) => item !== envelope);
    expect(kinds(await c.apply(without))).toEqual(["refused message: no-envelope"]);
  });

  test("MLS-22: is refused with a charter that the log does not have, on creating and on joining", async () => {
    const { town, charter, people } = await chartered(1);
    const [ada] = people;
    await expect(ada?.createConversation({ charter: charterId("00".repeat(32)) })).rejects.toMatchObject({
      code: "charter-unknown",
    });
    const without = await town.person({ charters: null });
    await expect(without.createConversation({ charter: charter.id })).rejects.toMatchObject({
      code: "charter-unknown",
    });
    const seat = ada?.seats[0];
    await seat?.changeMembers({ adds: [without.account] });
    expect(kinds(await without.join())).toEqual(["refused welcome: charter-unknown"]);
    // It waits for a client that can verify it.
    expect(town.welcomes).toHaveLength(1);
  });

  test("MLS-22: is refused with a charter that a keyholder did not sign, and one of another log", async () => {
    const town = new Town();
    const document = charterDocument("court");
    const signed = await signedCharter(document);
    town.entries.push({
      type: "charter",
      document: { ...signed, signatures: signed.signatures.slice(0, -1) },
    });
    const book = await town.book();
    const charter = await charterOf("court");
    await expect(book.charter(charter.id)).rejects.toMatchObject({ code: "charter-unknown" });
    await town.publish(charter);
    expect((await book.charter(charter.id)).terms).toEqual({
      charter: charter.id,
      validFrom: charter.validFrom,
      validUntil: charter.validUntil,
    });
  });

  test("MLS-22: sends nothing outside the charter's dates", async () => {
    const town = new Town();
    const charter = await charterOf("court", { validUntil: DAY });
    await town.publish(charter);
    const charters = await town.book();
    const seats = await gather([await town.person({ charters }), await town.person({ charters })], charter);
    town.now = noon(DAY + 1);
    await expect(seats[0]?.send([says("too late", town.now)])).rejects.toMatchObject({
      code: "charter-over",
    });
    const other = await town.person({ charters });
    await expect(other.createConversation({ charter: charter.id })).rejects.toMatchObject({
      code: "charter-over",
    });
  });

  test("needs the month's keys, and sends once the keyholders have published them", async () => {
    const { town, charter, seats } = await chartered(2);
    const [a, b] = seats;
    town.now = unixSeconds(noon(DAY + 9));
    await expect(a?.send([says("december", town.now)])).rejects.toMatchObject({ code: "keys-missing" });
    await town.publish(charter, [DAY + 9]);
    await a?.flush();
    expect(texts((await b?.sync()) ?? [])).toEqual(["december"]);
  });

  test("MLS-31: opens no day while the log is not fresh, or while the clock trails it", async () => {
    const { town, seats } = await chartered(2);
    const [a] = seats;
    town.freezeLog(town.now);
    town.now = noon(DAY + 1);
    await expect(a?.send([says("stale", town.now)])).rejects.toMatchObject({ code: "log-not-fresh" });
    town.freezeLog(noon(DAY + 3));
    await expect(a?.send([says("behind", town.now)])).rejects.toMatchObject({ code: "clock-wrong" });
    town.freezeLog(null);
    town.now = noon(DAY + 3);
    await a?.flush();
    expect(a?.waiting).toBe(0);
  });

  test("the book keeps what it verified over a restart, and reads on from there", async () => {
    const town = new Town();
    const charter = await courtCharter();
    await town.publish(charter, [DAY]);
    const storage = memoryStorage();
    const first = await town.book(storage);
    const keys = await first.keys(charter.id, DAY);
    const { entries } = town;
    const again = await town.book(storage);
    expect(await again.keys(charter.id, DAY)).toEqual(keys);
    expect((await again.charter(charter.id)).charter).toEqual(
      await verifyCharter(await signedCharter(charter)),
    );
    // A log that forgets them is caught, not believed.
    entries.splice(1);
    await expect(again.refresh()).rejects.toMatchObject({ code: "rollback" });
  });
});

describe("another charter", () => {
  test("MLS-60: is shown, rests until it is accepted, and then the conversation goes on under it", async () => {
    const { town, charters, seats, people, storages } = await chartered(3);
    const stored = storages[1] as Storage;
    const next = await charterOf("court", { retentionDays: 30 });
    await town.publish(next, [DAY]);
    const [a, b, c] = seats;
    const [, bea, cyd] = people;
    if (a === undefined || b === undefined || c === undefined) throw new Error("seats");
    await a.send([says("before")]);
    await a.proposeCharter(next.id);
    expect([a.charter, a.kind, a.members.length]).toEqual([next.id, "active", 3]);
    // Who proposed it is told too, once.
    const told = a.events.filter(({ kind }) => kind === "charter-proposed" || kind === "joined");
    expect(told).toMatchObject([
      { kind: "charter-proposed", by: people[0]?.account, charter: next.id },
      { kind: "joined", inviter: people[0]?.account, charter: next.id },
    ]);

    expect(kinds(await b.sync())).toEqual(["message", "charter-proposed"]);
    expect(b.proposed?.charter).toBe(next.id);
    expect(await b.sync()).toEqual([]);
    await b.handled(b.events.length);
    // Who proposes it is still known when the event was taken into the history, and the screen names them.
    const storage = memoryStorage();
    const [me, alone] = [bea?.account as never, await People.open(storage, bea?.account as never)];
    const { status } = conversationView({
      seat: b,
      thread: Thread.begin(b.id, b.charter, town.now, { storage, me, people: alone }),
      others: new Set(),
      people: alone,
      typing: [],
    });
    expect(status).toEqual({ kind: "charter-proposed", by: people[0]?.account, charter: next.id });
    // What a version saved that kept neither whose proposal it is nor the Welcome opens, and reads the proposal again.
    const name = `conversation-${b.id}`;
    const reader = new Reader((await stored.load(name)) as Uint8Array);
    const version = reader.uint(1);
    const facts = JSON.parse(fromUtf8(reader.opaque(4, 2 ** 31))) as {
      proposal: object;
      welcome?: string;
    };
    Reflect.deleteProperty(facts.proposal, "by");
    Reflect.deleteProperty(facts, "welcome");
    const older = memoryStorage();
    for (const one of await stored.list()) await older.save(one, (await stored.load(one)) as Uint8Array);
    const rest = [reader.opaque(4, 2 ** 31), reader.opaque(4, 2 ** 31)] as const;
    const bytes = new Writer().uint(version, 1).opaque(utf8(JSON.stringify(facts)), 4);
    await older.save(name, bytes.opaque(rest[0], 4).opaque(rest[1], 4).finish());
    const earlier = (await town.reopen(older, charters)).seat(b.id);
    await earlier.sync();
    expect(earlier.proposed?.by).toBe(people[0]?.account);
    await expect(b.send([says("not yet")])).rejects.toMatchObject({ code: "charter-change-pending" });
    expect(await bea?.join()).toEqual([]);
    await expect(b.acceptCharter(null)).rejects.toMatchObject({ code: "nothing-proposed" });
    expect(kinds(await b.acceptCharter(next.id))).toEqual(["charter-accepted"]);
    expect(kinds((await bea?.join()) ?? [])).toEqual(["joined"]);
    expect([b.charter, b.proposed]).toEqual([next.id, null]);
    await a.send([says("after")]);
    expect(texts(await b.sync())).toContain("after");

    // Who does not answer stays outside: nothing under the new charter is read or sent there.
    expect(kinds(await c.sync())).toEqual(["message", "charter-proposed"]);
    await expect(c.send([says("no")])).rejects.toMatchObject({ code: "charter-change-pending" });
    expect(await cyd?.join()).toEqual([]);
    expect(c.charter).not.toBe(next.id);
    expect(charters.checkpointTime).toBe(town.now);
  });
});

test("MLS-22: a Welcome whose charter the log does not show yet is told of once, and waits", async () => {
  const town = new Town();
  const charter = await courtCharter();
  await town.publish(charter, [DAY]);
  const ada = await town.person({ charters: await town.book() });
  const storage = memoryStorage();
  const bea = await town.person({ storage, charters: await new Town().book() });
  const seat = await ada.createConversation({ charter: charter.id });
  await seat.changeMembers({ adds: [bea.account] });
  expect(kinds(await bea.join())).toEqual(["refused welcome: charter-unknown"]);
  expect(await bea.join()).toEqual([]);
  const again = await town.reopen(storage, await new Town().book());
  expect(await again.join()).toEqual([]);
  // The log shows it: the Welcome is still there.
  const informed = await town.reopen(storage, await town.book());
  expect(kinds(await informed.join())).toEqual(["joined"]);
});

test("CHA-21, CHA-25: a keyholder that was replaced is told of by the log and everyone's signature, kept over a restart; a forged one is not", async () => {
  const { town, charter } = await chartered(1);
  const storage = memoryStorage();
  const book = await town.book(storage);
  await book.refresh();
  const keys = await book.keys(charter.id, DAY);
  const succession = successionDocument(charter);
  const document = await signedSuccession(charter, succession);
  const forged = { ...document, signatures: document.signatures.slice(1) };
  town.entries.push({ type: "succession", document: forged });
  await book.refresh();
  expect([book.replacements(charter.id), book.present(charter)]).toEqual([[], charter]);
  town.entries.push({ type: "succession", document }, { type: "succession", document });
  await book.refresh();
  const { name } = succession.keyholder;
  const { ground, at } = succession;
  const told = [{ lost: "Keyholder 2", successor: name, ground, at }];
  expect(book.replacements(charter.id)).toEqual(told);
  expect(book.present(charter).keyholders.map((one) => one.name)).toEqual([
    "Keyholder 1",
    name,
    ...[3, 4, 5].map((n) => `Keyholder ${n}`),
  ]);
  // What is sealed is sealed to the same key as before, under the same charter.
  expect((await book.charter(charter.id)).charter).toEqual(charter);
  expect(await book.keys(charter.id, DAY)).toEqual(keys);
  const again = await town.book(storage);
  expect(again.replacements(charter.id)).toEqual(told);
  expect(again.present(charter).keyholders[1]?.name).toBe(name);
});
