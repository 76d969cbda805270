import { charterId, fromHex } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyCommit,
  createConversation,
  deserializeConversation,
  prepareCommit,
  prepareReinit,
  serializeConversation,
} from "../src/index.ts";
import { escrowKeys } from "./keys.ts";
import {
  active,
  codeOf,
  DAY,
  encrypt,
  noon,
  Room,
  random,
  receive,
  sent,
  suite,
  TERMS,
  text,
} from "./world.ts";

describe("a saved conversation", () => {
  test("MLS-70: goes on where it was: it sends, reads, commits and keeps its envelopes", async () => {
    const room = await Room.of(3, TERMS);
    const [by, reader] = [room.seat(0), room.seat(1)];
    room.escrow(by, escrowKeys().keys);
    const first = await room.send(by, "before");
    for (const seat of room.seats) {
      seat.conversation = active(deserializeConversation(suite, serializeConversation(seat.conversation)));
    }
    expect(text(await room.receive(reader, first, by))).toBe("before");
    const second = await room.send(by, "after");
    expect(text(await room.receive(reader, second, by))).toBe("after");
    expect([by.conversation.terms, by.conversation.day, by.conversation.envelopes.size]).toEqual([
      TERMS,
      DAY,
      1,
    ]);
    await room.commit(room.seat(2));
    expect((await encrypt(by.conversation, "x")).kind).toBe("envelope-first");
  });

  test("MLS-70: a suspended and a removed one come back as what they were, the removed one without keys", async () => {
    const room = await Room.of(3, TERMS);
    const made = await prepareReinit(room.seat(0).conversation, {
      charter: charterId("d5".repeat(32)),
      day: DAY,
      random,
    });
    const back = deserializeConversation(suite, serializeConversation(made.pending));
    expect([back.kind, back.id, back.charter]).toEqual(["suspended", made.pending.id, TERMS.charter]);
    expect(back.kind === "suspended" && back.next).toEqual(made.pending.next);
    const removing = await prepareCommit(room.seat(0).conversation, {
      removes: [room.seat(2).device.account],
      day: DAY,
    });
    const { conversation } = await applyCommit(room.seat(2).conversation, removing.commit, {
      submitter: room.seat(0).device.account,
      now: noon(),
      arrival: "live",
    });
    const bytes = serializeConversation(conversation);
    expect(bytes).toHaveLength(1 + 1 + 32 + 32 + 4 + 33);
    expect(deserializeConversation(suite, bytes)).toEqual(conversation);
  });

  test("MLS-5: holds no key of an epoch that is over", async () => {
    const room = await Room.of(3);
    const before = room.seat(1).conversation.state;
    const old = [before.keySchedule.senderDataSecret, before.keySchedule.exporterSecret].map((one) =>
      one.slice(),
    );
    const sizes: number[] = [];
    for (let i = 0; i < 6; i++) {
      await room.commit(room.seat(i % 2));
      sizes.push(serializeConversation(room.seat(1).conversation).length);
    }
    expect(room.seat(1).conversation.state.historicalReceiverData.size).toBe(0);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(600);
    const saved = Buffer.from(serializeConversation(room.seat(1).conversation));
    for (const secret of old) expect(saved.includes(Buffer.from(secret))).toBe(false);
  });

  test("MLS-4: keeps no key of a generation that was skipped", async () => {
    const room = await Room.of(2);
    const by = room.seat(0);
    const skipped = [await room.send(by, "0"), await room.send(by, "1")];
    const opened = await room.receive(room.seat(1), await room.send(by, "2"), by);
    if (opened.kind !== "message") throw new Error(opened.code);
    expect(opened.conversation.state.secretTree[0]?.application.unusedGenerations).toEqual({});
    for (const wire of skipped) {
      expect(await receive(opened.conversation, wire, by.device.account)).toMatchObject({ kind: "refused" });
    }
  });

  test("MLS-70: trailing, missing and foreign bytes are refused", async () => {
    const conversation = await createConversation({
      device: (await Room.of(1)).seat(0).device,
      charter: null,
      day: DAY,
      now: noon(),
      random,
    });
    const bytes = serializeConversation(conversation);
    const load = (input: Uint8Array) => codeOf(() => deserializeConversation(suite, input));
    expect(await load(bytes)).toBe("accepted");
    expect(await load(new Uint8Array([...bytes, 0]))).toBe("state-corrupt");
    expect(await load(fromHex("02"))).toBe("state-corrupt");
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), async (length) => {
        expect(await load(bytes.slice(0, length))).toBe("state-corrupt");
      }),
      { numRuns: 60 },
    );
    const loaded = active(deserializeConversation(suite, bytes));
    expect(sent(await encrypt(loaded, "x")).kind).toBe("encrypted");
  });
});
