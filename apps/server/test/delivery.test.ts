import type { Charter } from "@porchlight/charter";
import { conversationId, hex } from "@porchlight/encoding";
import type { NewItem } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { continueConversation, prepareReinit } from "../../../packages/mls/src/index.ts";
import { onDay } from "../../../vectors/fixture/deployment.ts";
import { DAY, TestServer } from "./deployment.ts";
import { key, Person, roomOf } from "./people.ts";

let server: TestServer;
let charter: Charter;

beforeAll(async () => {
  server = await TestServer.start();
  charter = await server.charter();
});
afterAll(async () => {
  await server.stop();
});

async function refusal(run: Promise<unknown>): Promise<string> {
  return await run.then(
    () => "accepted",
    (error: unknown) => (error as { refusal?: string }).refusal ?? String(error),
  );
}

describe("one order", () => {
  test("DEL-21: whoever sends at the same time, all members read one order without gaps", async () => {
    const people = await roomOf(server, 4, null);
    const sent = await Promise.all(
      people.map(async (person, who) => {
        const seqs: number[] = [];
        for (let round = 0; round < 5; round++) {
          seqs.push(...(await person.send(`${who}.${round}.a`, `${who}.${round}.b`)));
        }
        return seqs;
      }),
    );
    const all = sent.flat().sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: 40 }, (_, i) => (all[0] ?? 0) + i));
    for (const seqs of sent) expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    const pages = [];
    for (const person of people) {
      const { items } = await person.client.items(person.conversation, (all[0] ?? 0) - 1);
      pages.push(items.map(({ seq, bytes }) => `${seq} ${hex(bytes)}`).join());
    }
    expect(new Set(pages).size).toBe(1);
    const read = await Promise.all(people.map((person) => person.read()));
    for (const texts of read) expect(texts.length).toBe(30);
  });

  test("DEL-22: a repeated item has the seq that it got first, alone, in another batch and at once", async () => {
    const [alice] = await roomOf(server, 1, null);
    if (alice === undefined) throw new Error("nobody");
    const [one, two] = [await alice.message("one"), await alice.message("two")];
    const first = await alice.client.submit(alice.conversation, [one]);
    expect(await alice.client.submit(alice.conversation, [one])).toEqual(first);
    const both = await alice.client.submit(alice.conversation, [two, one]);
    expect(both).toEqual([2, 1]);
    const three = await alice.message("three");
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => alice.client.submit(alice.conversation, [three])),
    );
    expect(answers).toEqual(Array.from({ length: 8 }, () => [3]));
    expect((await alice.client.items(alice.conversation, 0)).items.length).toBe(3);
    const other: NewItem = { ...(await alice.message("four")), key: three.key };
    expect(await refusal(alice.client.submit(alice.conversation, [other]))).toBe("idempotency-mismatch");
  });

  test("DEL-21: of a batch all is taken or nothing", async () => {
    const [alice] = await roomOf(server, 1, null);
    if (alice === undefined) throw new Error("nobody");
    const good = await alice.message("good");
    const bad: NewItem = { kind: "message", key: key(), epoch: alice.epoch, bytes: Uint8Array.of(1, 2, 3) };
    await expect(alice.client.submit(alice.conversation, [good, bad])).rejects.toMatchObject({
      refusal: "message-refused",
      item: 1,
    });
    expect((await alice.client.items(alice.conversation, 0)).items).toEqual([]);
    expect(await alice.client.submit(alice.conversation, [good])).toEqual([1]);
  });

  test("DEL-23: of two first commits one is taken; the other gets a conflict with the head, and is redone", async () => {
    const people = await roomOf(server, 5, null);
    const prepared = await Promise.all(people.map((person) => person.prepare({})));
    const results = await Promise.allSettled(
      people.map((person, i) => person.client.submit(person.conversation, [prepared[i]?.item as NewItem])),
    );
    const winners = results.flatMap((result, i) => (result.status === "fulfilled" ? [i] : []));
    expect(winners.length).toBe(1);
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      expect(result.reason).toMatchObject({ refusal: "conflict", head: { seq: 2, epoch: 2 } });
    }
    const winner = people[winners[0] as number] as Person;
    winner.state = prepared[winners[0] as number]?.made.pending ?? null;
    winner.seen = 2;
    const loser = people.find((person) => person !== winner) as Person;
    await loser.read();
    await loser.commit({});
    expect(loser.epoch).toBe(3);
    await winner.read();
    expect(winner.epoch).toBe(3);
  });

  test("DEL-24: a message of an epoch that is over is refused with the head", async () => {
    const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
    const late = await bob.message("late");
    await alice.commit({});
    await expect(bob.client.submit(bob.conversation, [late])).rejects.toMatchObject({
      refusal: "stale-epoch",
      head: { seq: 2, epoch: 2 },
    });
    const ahead: NewItem = { ...late, epoch: 9 };
    expect(await refusal(bob.client.submit(bob.conversation, [ahead]))).toBe("message-refused");
  });

  test("long poll: an item reaches who waits", async () => {
    const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
    const waiting = bob.client.items(bob.conversation, bob.seen, { wait: 60 });
    await alice.send("hello");
    expect((await waiting).items.length).toBe(1);
    const started = performance.now();
    expect((await bob.client.items(bob.conversation, 99, { wait: 1 })).items).toEqual([]);
    expect(performance.now() - started).toBeGreaterThan(900);
  });
});

describe("escrow", () => {
  test("DEL-25: under a charter nothing is taken before the device's envelope of the epoch", async () => {
    const [alice, bob] = (await roomOf(server, 2, charter)) as [Person, Person];
    // Made as an honest client cannot: the envelope is made, and kept back.
    const envelope = alice.envelope();
    const message = await alice.message("hello");
    expect(await refusal(alice.client.submit(alice.conversation, [message]))).toBe("envelope-required");
    await alice.client.submit(alice.conversation, [envelope, message]);
    expect(await bob.read()).toEqual(["hello"]);
    expect(await refusal(alice.client.submit(alice.conversation, [{ ...envelope, key: key() }]))).toBe(
      "envelope-refused",
    );
    const changed = { ...bob.envelope() };
    changed.bytes = changed.bytes.slice();
    changed.bytes[4 + 2 + 21 + 32] = (changed.bytes[4 + 2 + 21 + 32] ?? 0) ^ 1;
    expect(await refusal(bob.client.submit(bob.conversation, [changed]))).toBe("envelope-refused");
    await bob.commit({});
    await alice.read();
    const next = await (async () => {
      const again = alice.envelope();
      return { again, message: await alice.message("again") };
    })();
    expect(await refusal(alice.client.submit(alice.conversation, [next.message]))).toBe("envelope-required");
    await alice.client.submit(alice.conversation, [next.again, next.message]);
  });

  test("DEL-26: an envelope of another device, and one in a conversation without charter, are refused", async () => {
    const [alice, bob] = (await roomOf(server, 2, charter)) as [Person, Person];
    const foreign = bob.envelope();
    expect(await refusal(alice.client.submit(alice.conversation, [foreign]))).toBe("wrong-sender");
    const [carol] = (await roomOf(server, 1, null)) as [Person];
    const stray: NewItem = { ...foreign, epoch: 0 };
    expect(await refusal(carol.client.submit(carol.conversation, [stray]))).toBe("envelope-refused");
  });

  test("DEL-32: a ReInit ends the group, and the one that it announced goes on under the new charter", async () => {
    const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
    const reinit = await prepareReinit(alice.active, {
      charter: charter.id,
      day: DAY,
      random: (length) => new Uint8Array(crypto.getRandomValues(new Uint8Array(length))),
    });
    const item: NewItem = {
      kind: "commit",
      key: key(),
      epoch: alice.epoch,
      bytes: reinit.commit,
      welcome: null,
    };
    await alice.client.submit(alice.conversation, [item]);
    expect(await refusal(bob.client.submit(bob.conversation, [await bob.message("late")]))).toBe(
      "stale-epoch",
    );
    const { item: late } = await bob.prepare({});
    expect(await refusal(bob.client.submit(bob.conversation, [late]))).toBe("conflict");
    await bob.publish();
    const made = await continueConversation(reinit.pending, {
      device: alice.device,
      keyPackages: [bob.keyPackage?.public as Uint8Array],
      day: DAY,
      now: server.now,
    });
    const first: NewItem = {
      kind: "commit",
      key: key(),
      epoch: 0,
      bytes: made.commit,
      welcome: { accounts: [bob.account], bytes: made.welcome as Uint8Array, tree: made.ratchetTree },
    };
    await alice.client.submit(alice.conversation, [first]);
    const now = await bob.client.conversation(alice.conversation);
    expect(now).toMatchObject({ charter: charter.id, epoch: 1, conversation: alice.conversation });
    expect(hex(now.groupId)).not.toBe(now.conversation);
    expect((await bob.client.welcomes())[0]).toMatchObject({ charter: charter.id, epoch: 1 });
  });
});

describe("membership", () => {
  test("DEL-30: who is added may read from there on, who is removed up to there and sends nothing more", async () => {
    const [alice, bob, carol] = (await roomOf(server, 3, null)) as [Person, Person, Person];
    const dave = await Person.join(server, null);
    await dave.publish();
    await alice.send("before dave");
    expect(await refusal(dave.client.items(alice.conversation, 0))).toBe("forbidden");
    const joined = await alice.commit({ adds: [dave] });
    await dave.enter();
    expect((await dave.client.items(alice.conversation, 0)).items).toEqual([]);
    await alice.send("to dave");
    expect(await dave.read()).toEqual(["to dave"]);
    await bob.read();
    const stray = await bob.message("stray");
    const removed = await alice.commit({ removes: [bob] });
    await alice.send("without bob");
    expect(await refusal(bob.client.submit(alice.conversation, [stray]))).toBe("forbidden");
    const { items, head } = await bob.client.items(alice.conversation, 0);
    expect([items.at(-1)?.seq, head]).toEqual([removed, removed]);
    expect(await bob.client.conversations()).toEqual([]);
    expect(joined).toBeLessThan(removed);
    expect(await carol.read()).toEqual(["before dave", "to dave", "without bob"]);
    // Back again: what was said in between stays closed.
    await bob.publish();
    const back = await alice.commit({ adds: [bob] });
    const seqs = (await bob.client.items(alice.conversation, removed)).items.map(({ seq }) => seq);
    expect(seqs).toEqual([]);
    await alice.send("welcome back");
    const after = (await bob.client.items(alice.conversation, 0)).items.map(({ seq }) => seq);
    expect(after.includes(removed + 1)).toBe(false);
    expect(after.at(-1)).toBe(back + 1);
  });

  test("DEL-29: a commit without the Welcome for exactly whom it adds is refused", async () => {
    const [alice] = (await roomOf(server, 1, null)) as [Person];
    const [bob, eve] = [await Person.join(server, null), await Person.join(server, null)];
    await bob.publish();
    const { item } = await alice.prepare({ adds: [bob] });
    if (item.kind !== "commit" || item.welcome === null) throw new Error("no welcome");
    const { welcome } = item;
    for (const wrong of [
      null,
      { ...welcome, accounts: [bob.account, eve.account] },
      { ...welcome, accounts: [eve.account] },
      { ...welcome, bytes: Uint8Array.of(1) },
    ]) {
      const attempt = alice.client.submit(alice.conversation, [{ ...item, welcome: wrong }]);
      expect(await refusal(attempt)).toBe("commit-refused");
    }
    await alice.client.submit(alice.conversation, [item]);
    expect((await bob.client.welcomes()).length).toBe(1);
    expect(await eve.client.welcomes()).toEqual([]);
  });

  test("DEL-29: the Welcome waits for each added device, and for no other of the account", async () => {
    const [alice] = (await roomOf(server, 1, null)) as [Person];
    const seed = new Uint8Array(32).fill(29);
    const [phone, laptop, later] = [
      await Person.join(server, null, server.client(), seed),
      await Person.join(server, null, server.client(), seed),
      await Person.join(server, null, server.client(), seed),
    ];
    for (const device of [phone, laptop]) await device.publish();
    await alice.commit({ adds: [phone, laptop] });
    expect(await later.client.welcomes()).toEqual([]);
    await phone.enter();
    expect(await phone.client.welcomes()).toEqual([]);
    await laptop.enter();
    await phone.send("from the phone");
    // The phone stands as the laptop's account: it is read all the same.
    expect((await laptop.client.items(laptop.conversation, laptop.seen)).items).toHaveLength(1);
    expect(await alice.read()).toEqual(["from the phone"]);
  });

  test("DEL-28: a commit by another device than the one that is logged in is refused", async () => {
    const [alice, bob] = (await roomOf(server, 2, null)) as [Person, Person];
    const { item } = await bob.prepare({});
    expect(await refusal(alice.client.submit(alice.conversation, [item]))).toBe("wrong-sender");
    const stranger = await Person.join(server, null);
    expect(await refusal(stranger.client.submit(alice.conversation, [item]))).toBe("forbidden");
    expect(await refusal(stranger.client.submit(conversationId("00".repeat(32)), [item]))).toBe("forbidden");
    expect(await refusal(stranger.client.items(alice.conversation, 0))).toBe("forbidden");
    expect(await refusal(stranger.client.conversation(alice.conversation))).toBe("forbidden");
  });

  test("DEL-31: a conversation's id is taken once", async () => {
    const [alice] = (await roomOf(server, 1, null)) as [Person];
    const asked = { conversation: alice.conversation, charter: null, day: DAY };
    expect((await alice.client.createConversation(asked)).head).toBe(0);
    const eve = await Person.join(server, null);
    expect(await refusal(eve.client.createConversation(asked))).toBe("exists");
    const unknown = {
      ...asked,
      conversation: conversationId("11".repeat(32)),
      charter: "22".repeat(32) as never,
    };
    expect(await refusal(eve.client.createConversation(unknown))).toBe("unknown-charter");
  });

  test("DEL-13: each key package is handed out once, however many ask at once", async () => {
    const [alice, bob] = [await Person.join(server, null), await Person.join(server, null)];
    for (let i = 0; i < 6; i++) await bob.publish();
    const claims = await Promise.all(
      Array.from({ length: 8 }, () =>
        alice.client.claimKeyPackages(bob.account).then(
          ([one]) => hex(one?.keyPackage ?? new Uint8Array()),
          (error: unknown) => (error as { refusal: string }).refusal,
        ),
      ),
    );
    const taken = claims.filter((claim) => claim !== "no-key-package");
    expect([taken.length, new Set(taken).size]).toEqual([6, 6]);
  });
});

test("DEL-27: what carries another day than the server's is refused within the ten minutes' rule", async () => {
  // The last test of this file: the clock does not go back.
  const [alice] = (await roomOf(server, 1, null)) as [Person];
  const yesterday = await alice.message("written at noon");
  await server.tick(onDay(DAY) + 86_400 + 599);
  await alice.client.submit(alice.conversation, [yesterday]);
  const tooLate = { ...yesterday, key: key() };
  await server.tick(onDay(DAY) + 86_400 + 600);
  expect(await refusal(alice.client.submit(alice.conversation, [tooLate]))).toBe("wrong-day");
  await alice.commit({});
  await alice.send("today");
  const { day } = await alice.client.conversation(alice.conversation);
  expect(day).toBe(DAY + 1);
  // Months later: the session is over, and is opened again by itself.
  await server.tick(onDay(DAY) + 90 * 86_400);
  expect((await alice.client.conversations()).length).toBe(1);
});
