import { dayNumber, dayStart, unixSeconds } from "@porchlight/encoding";
import { formatAuthenticatedData, formatPlaintext, frankingField } from "@porchlight/envelope";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ActiveConversation, encryptMessage, prepareCommit } from "../src/index.ts";
import { parseMessage } from "../src/wire-format.ts";
import {
  createApplicationMessage,
  encodeMlsMessage,
  protect,
  ratchetToGeneration,
  unprotectPrivateMessage,
} from "./stock.ts";
import { DAY, encrypt, noon, Room, random, read, receive, type Seat, sent, suite, text } from "./world.ts";

/** What a member can do to another's message: open it and encrypt the same signed content at a later generation. */
async function reencrypted(
  by: ActiveConversation,
  wire: Uint8Array,
  generation: number,
): Promise<Uint8Array> {
  const { privateMessage } = parseMessage(wire, "mls_private_message");
  const { state } = by;
  const opened = await unprotectPrivateMessage(
    state.keySchedule.senderDataSecret,
    privateMessage,
    state.secretTree,
    state.ratchetTree,
    state.groupContext,
    state.clientConfig.keyRetentionConfig,
    suite.mls,
  );
  const { content, auth } = opened.content;
  if (content.contentType !== "application" || content.sender.senderType !== "member")
    throw new Error("content");
  if (auth.contentType !== "application") throw new Error("auth");
  const { leafIndex } = content.sender;
  const advanced =
    generation === 0
      ? state.secretTree
      : (
          await ratchetToGeneration(
            state.secretTree,
            { leafIndex, generation: generation - 1, reuseGuard: new Uint8Array(4) as never },
            "application",
            state.clientConfig.keyRetentionConfig,
            suite.mls,
          )
        ).newTree;
  const made = await protect(
    state.keySchedule.senderDataSecret,
    content.authenticatedData,
    state.groupContext,
    advanced,
    { contentType: "application", applicationData: content.applicationData, auth },
    leafIndex,
    state.clientConfig.paddingConfig,
    suite.mls,
  );
  return encodeMlsMessage({
    version: "mls10",
    wireformat: "mls_private_message",
    privateMessage: made.privateMessage,
  });
}

/** A message by somebody who signs whatever it likes. */
async function forged(
  by: Seat,
  authenticatedData: Uint8Array,
  applicationData = formatPlaintext({ frankingKey: new Uint8Array(32), content: new Uint8Array(1) }),
): Promise<Uint8Array> {
  const made = await createApplicationMessage(
    by.conversation.state,
    applicationData,
    suite.mls,
    authenticatedData,
  );
  return encodeMlsMessage({
    version: "mls10",
    wireformat: "mls_private_message",
    privateMessage: made.privateMessage,
  });
}

describe("a message", () => {
  test("MLS-50: is read by every member, with sender, day and counter", async () => {
    const room = await Room.of(4);
    const by = room.seat(2);
    for (const [counter, said] of ["one", "two", "three"].entries()) {
      const wire = await room.send(by, said);
      for (const seat of room.seats) {
        if (seat === by) continue;
        const opened = read(await room.receive(seat, wire, by));
        expect([text(opened), opened.counter, opened.day]).toEqual([said, counter, DAY]);
        expect([opened.sender, opened.leaf]).toEqual([by.device.account, 2]);
        expect(frankingField(opened.frankingKey, opened.content)).toHaveLength(32);
        seat.conversation = opened.conversation;
      }
    }
  });

  test("MLS-51: a member's re-encryption of another's signed message is refused, and the genuine one accepted", async () => {
    const room = await Room.of(4);
    const [sender, insider, victim] = [room.seat(1), room.seat(2), room.seat(3)];
    const first = await room.send(sender, "I agree.");
    const replay = await reencrypted(insider.conversation, first, 1);
    const genuine = await room.send(sender, "To nothing.");

    const opened = read(await room.receive(victim, first, sender));
    victim.conversation = opened.conversation;
    // Stamped as the insider's own, or (with the server's help) as the sender's: refused, and the state is as before.
    expect(await room.receive(victim, replay, insider)).toEqual({
      kind: "refused",
      code: "submitter-mismatch",
    });
    expect(await room.receive(victim, replay, sender)).toEqual({ kind: "refused", code: "replayed" });
    expect(text(await room.receive(victim, genuine, sender))).toBe("To nothing.");
    // To the sender itself it would come from its own leaf, at the generation that it sends next.
    const third = await reencrypted(insider.conversation, first, 2);
    expect(await room.receive(sender, third, sender)).toEqual({ kind: "refused", code: "own" });
  });

  test("MLS-51: it is refused at any generation, also where the victim has not seen the original", async () => {
    const room = await Room.of(3);
    const [sender, insider, victim] = [room.seat(1), room.seat(2), room.seat(0)];
    const first = await room.send(sender, "zero");
    for (const generation of [1, 2, 40]) {
      const replay = await reencrypted(insider.conversation, first, generation);
      expect(await room.receive(victim, replay, sender)).toEqual({ kind: "refused", code: "replayed" });
    }
    expect(text(await room.receive(victim, first, sender))).toBe("zero");
  });

  test("MLS-4: a message delivered twice is refused the second time", async () => {
    const room = await Room.of(2);
    const wire = await room.send(room.seat(0), "once");
    const opened = read(await room.receive(room.seat(1), wire, room.seat(0)));
    expect(await receive(opened.conversation, wire, room.seat(0).device.account)).toEqual({
      kind: "refused",
      code: "undecryptable",
    });
  });

  test("MLS-53: a message that is missing does not stop those after it", async () => {
    const room = await Room.of(2);
    await room.send(room.seat(0), "lost before it was sent");
    const wire = await room.send(room.seat(0), "next");
    expect(text(await room.receive(room.seat(1), wire, room.seat(0)))).toBe("next");
  });

  test("MLS-52: another submitter than the sender is refused and changes nothing", async () => {
    const room = await Room.of(3);
    const wire = await room.send(room.seat(0), "mine");
    expect(await room.receive(room.seat(1), wire, room.seat(2))).toEqual({
      kind: "refused",
      code: "submitter-mismatch",
    });
    expect(text(await room.receive(room.seat(1), wire, room.seat(0)))).toBe("mine");
  });

  test("MLS-53: the own message, another epoch's and another group's are refused", async () => {
    const room = await Room.of(2);
    const other = await Room.of(2);
    const wire = await room.send(room.seat(0), "mine");
    expect(await room.receive(room.seat(0), wire, room.seat(0))).toMatchObject({ kind: "refused" });
    expect(await room.receive(other.seat(0), wire, room.seat(0))).toEqual({
      kind: "refused",
      code: "wrong-group",
    });
    await room.commit(room.seat(1));
    expect(await room.receive(room.seat(1), wire, room.seat(0))).toEqual({
      kind: "refused",
      code: "old-epoch",
    });
  });

  test("MLS-31: a day that its sender shifts is refused", async () => {
    const room = await Room.of(2);
    const franking = null;
    for (const day of [DAY - 1, DAY + 1]) {
      const wire = await forged(
        room.seat(0),
        formatAuthenticatedData({ day: dayNumber(day), counter: 0, franking }),
      );
      expect(await room.receive(room.seat(1), wire, room.seat(0))).toEqual({
        kind: "refused",
        code: "wrong-day",
      });
    }
    const honest = await forged(room.seat(0), formatAuthenticatedData({ day: DAY, counter: 0, franking }));
    expect((await room.receive(room.seat(1), honest, room.seat(0))).kind).toBe("message");
  });

  test("MLS-35: a day that the server shifts is refused where the recipient is online", async () => {
    const room = await Room.of(2);
    const wire = await room.send(room.seat(0), "tonight");
    const midnight = dayStart(dayNumber(DAY + 1));
    const at = (offset: number, arrival: "live" | "stored") =>
      receive(
        room.seat(1).conversation,
        wire,
        room.seat(0).device.account,
        unixSeconds(midnight + offset),
        arrival,
      );
    expect((await at(599, "live")).kind).toBe("message");
    expect(await at(601, "live")).toEqual({ kind: "refused", code: "day-not-current" });
    expect((await at(86_400, "stored")).kind).toBe("message");
    // Ahead of its day it is refused in either case.
    expect((await at(-86_400 - 599, "live")).kind).toBe("message");
    expect(await at(-86_400 - 601, "live")).toEqual({ kind: "refused", code: "day-not-current" });
    expect(await at(-86_400 - 601, "stored")).toEqual({ kind: "refused", code: "day-not-current" });
  });

  test("MLS-50: authenticated data in another form, or no room for a franking key, is refused", async () => {
    const room = await Room.of(2);
    const good = formatAuthenticatedData({ day: DAY, counter: 0, franking: null });
    for (const [aad, data] of [
      [new Uint8Array(0), undefined],
      [new Uint8Array([...good, 0]), undefined],
      [good, new Uint8Array(31)],
    ] as const) {
      const wire = await forged(room.seat(0), aad, data);
      expect(await room.receive(room.seat(1), wire, room.seat(0))).toEqual({
        kind: "refused",
        code: "malformed",
      });
    }
  });

  test("MLS-53: a franking field that does not prove the content is refused", async () => {
    const room = await Room.of(2);
    const wire = await forged(
      room.seat(0),
      formatAuthenticatedData({ day: DAY, counter: 0, franking: new Uint8Array(32).fill(7) }),
    );
    expect(await room.receive(room.seat(1), wire, room.seat(0))).toEqual({
      kind: "refused",
      code: "franking-mismatch",
    });
  });

  test("MLS-1: every flipped bit and every trailing byte is refused", async () => {
    const room = await Room.of(2);
    const wire = await room.send(room.seat(0), "fragile");
    const refuse = async (bytes: Uint8Array) =>
      expect((await room.receive(room.seat(1), bytes, room.seat(0))).kind).toBe("refused");
    await fc.assert(
      fc.asyncProperty(fc.nat(wire.length * 8 - 1), async (bit) => {
        const bytes = wire.slice();
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
        await refuse(bytes);
      }),
      { numRuns: 150 },
    );
    await refuse(new Uint8Array([...wire, 0]));
    await refuse(wire.slice(0, -1));
    await refuse(new Uint8Array(0));
    expect(text(await room.receive(room.seat(1), wire, room.seat(0)))).toBe("fragile");
  });

  test("MLS-50: content of any bytes comes back, the empty one included", async () => {
    const room = await Room.of(2);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (content) => {
        const made = sent(
          await encryptMessage(room.seat(0).conversation, {
            content,
            frankingKey: random(32),
            now: noon(),
          }),
        );
        room.seat(0).conversation = made.conversation;
        const opened = read(await room.receive(room.seat(1), made.wire, room.seat(0)));
        room.seat(1).conversation = opened.conversation;
        expect(opened.content).toEqual(content);
      }),
      { numRuns: 30 },
    );
  });
});

describe("sending", () => {
  test("MLS-31: on another day than the epoch's a commit comes first", async () => {
    const room = await Room.of(2);
    const { conversation } = room.seat(0);
    const midnight = dayStart(dayNumber(DAY + 1));
    const at = async (now: number) => (await encrypt(conversation, "hello", unixSeconds(now))).kind;
    expect(await at(midnight - 1)).toBe("encrypted");
    expect(await at(midnight)).toBe("commit-first");
    expect(await at(dayStart(DAY) - 1)).toBe("clock-behind");
    const next = await prepareCommit(conversation, { day: dayNumber(DAY + 1) });
    expect((await encrypt(next.pending, "hello", unixSeconds(midnight))).kind).toBe("encrypted");
  });

  test("MLS-6: the state from before a message encrypts that message's generation only until it is erased", async () => {
    const room = await Room.of(2);
    const before = room.seat(0).conversation;
    const made = sent(await encrypt(before, "first"));
    made.spent.erase();
    // Once saved and erased, the old state holds zeroes where its key was: nobody can read what it makes.
    const again = sent(await encrypt(before, "repeated nonce"));
    expect(await room.receive(room.seat(1), again.wire, room.seat(0))).toMatchObject({ kind: "refused" });
    expect(text(await room.receive(room.seat(1), made.wire, room.seat(0)))).toBe("first");
  });
});
