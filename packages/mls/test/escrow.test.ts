import { charterId, dayNumber } from "@porchlight/encoding";
import { EnvelopeError, sealEnvelope } from "@porchlight/envelope";
import { describe, expect, test } from "vitest";
import {
  acceptEnvelope,
  attachTerms,
  escrowOf,
  hasEnvelope,
  headerOf,
  MlsError,
  makeEnvelope,
  membersOf,
} from "../src/index.ts";
import { escrowKeys } from "./keys.ts";
import {
  codeOf,
  DAY,
  encrypt,
  noon,
  person,
  Room,
  receive,
  type Seat,
  sent,
  suite,
  TERMS,
  text,
} from "./world.ts";

const { keys } = escrowKeys();

/** An envelope by somebody who seals whatever header, secret or keys it likes, with its own true signature. */
function crooked(by: Seat, change: Partial<Parameters<typeof sealEnvelope>[0]>): Uint8Array {
  return sealEnvelope({
    header: headerOf(by.conversation),
    secret: escrowOf(by.conversation),
    keys,
    sign: (message) => suite.primitives.ed25519Sign(by.device.deviceSeed, message),
    suite: suite.primitives,
    ...change,
  }).envelope;
}

function causeOf(seat: Seat, envelope: Uint8Array, by: Seat): string {
  try {
    acceptEnvelope(seat.conversation, envelope, keys, { submitter: by.device.account });
  } catch (error) {
    if (error instanceof MlsError)
      return error.cause instanceof EnvelopeError ? error.cause.code : error.code;
    throw error;
  }
  return "accepted";
}

describe("an envelope", () => {
  test("MLS-40: comes before the first message of an epoch, and again in the next epoch", async () => {
    const room = await Room.of(3, TERMS);
    const by = room.seat(1);
    expect((await encrypt(by.conversation, "too early")).kind).toBe("envelope-first");
    room.escrow(by, keys);
    const wire = await room.send(by, "escrowed");
    expect(text(await room.receive(room.seat(0), wire, by))).toBe("escrowed");
    await room.commit(room.seat(0));
    expect(hasEnvelope(by.conversation)).toBe(false);
    expect((await encrypt(by.conversation, "new epoch")).kind).toBe("envelope-first");
  });

  test("MLS-42: a message of a sender without one is refused, and read once it has come", async () => {
    const room = await Room.of(3, TERMS);
    const [by, reader] = [room.seat(1), room.seat(0)];
    // A client that does not show its envelope to anybody.
    const hidden = makeEnvelope(by.conversation, keys);
    by.conversation = hidden.conversation;
    const wire = await room.send(by, "unescrowed");
    expect(await room.receive(reader, wire, by)).toEqual({ kind: "refused", code: "no-envelope" });
    reader.conversation = acceptEnvelope(reader.conversation, hidden.envelope, keys, {
      submitter: by.device.account,
    });
    expect(text(await room.receive(reader, wire, by))).toBe("unescrowed");
    // Another's envelope is none of this sender's.
    room.seat(2).conversation = makeEnvelope(room.seat(2).conversation, keys).conversation;
    expect(await room.receive(room.seat(2), wire, by)).toEqual({ kind: "refused", code: "no-envelope" });
  });

  test("MLS-41: every wrongly escrowed one is refused by the name of what is wrong", async () => {
    const room = await Room.of(3, TERMS);
    const [by, reader] = [room.seat(1), room.seat(0)];
    const header = headerOf(by.conversation);
    const { label } = header;
    const other = escrowKeys(4711n);
    const cases: [string, Uint8Array][] = [
      ["outer-mismatch", crooked(by, { keys: other.keys })],
      ["outer-mismatch", crooked(by, { keys: { ...keys, mpk: other.keys.mpk } })],
      ["outer-mismatch", crooked(by, { secret: escrowOf(by.conversation, 2) })],
      [
        "label-mismatch",
        crooked(by, { header: { ...header, label: { ...label, day: dayNumber(DAY + 1) } } }),
      ],
      [
        "label-mismatch",
        crooked(by, { header: { ...header, label: { ...label, charter: charterId("00".repeat(32)) } } }),
      ],
      ["roster-mismatch", crooked(by, { header: { ...header, roster: new Uint8Array(32) } })],
      ["signature", crooked(by, { sign: () => new Uint8Array(64) })],
    ];
    for (const [code, envelope] of cases) expect(causeOf(reader, envelope, by)).toBe(code);
    const good = crooked(by, {});
    expect(causeOf(reader, good.slice(0, -1), by)).toBe("malformed");
    expect(causeOf(reader, new Uint8Array([...good, 0]), by)).toBe("malformed");
    expect(causeOf(reader, good, room.seat(2))).toBe("submitter-mismatch");
    expect(causeOf(reader, good, by)).toBe("accepted");
  });

  test("MLS-41: every member recomputes the same bytes; a second, different one is refused", async () => {
    const room = await Room.of(4, TERMS);
    const by = room.seat(3);
    const first = makeEnvelope(by.conversation, keys);
    expect(makeEnvelope(by.conversation, keys).envelope).toEqual(first.envelope);
    const reader = room.seat(0);
    reader.conversation = acceptEnvelope(reader.conversation, first.envelope, keys, {
      submitter: by.device.account,
    });
    expect(causeOf(reader, first.envelope, by)).toBe("accepted");
    const second = crooked(by, { sign: () => new Uint8Array(64).fill(1) });
    expect(causeOf(reader, second, by)).toBe("envelope-conflict");
    expect(first.envelope.length).toBeLessThan(2200);
  });

  test("MLS-40: the escrowed bytes can be read until the first message, and by every member alike", async () => {
    const room = await Room.of(3, TERMS);
    const by = room.seat(2);
    for (const seat of room.seats) expect(escrowOf(seat.conversation, 2)).toEqual(escrowOf(by.conversation));
    expect(escrowOf(by.conversation)).not.toEqual(escrowOf(by.conversation, 1));
    room.escrow(by, keys);
    const wire = await room.send(by, "one");
    expect(await codeOf(() => escrowOf(by.conversation))).toBe("escrow-spent");
    const opened = await room.receive(room.seat(0), wire, by);
    if (opened.kind === "message")
      expect(await codeOf(() => escrowOf(opened.conversation, 2))).toBe("escrow-spent");
    expect(await codeOf(() => escrowOf(by.conversation, 9))).toBe("not-a-member");
  });

  test("MLS-40: without a charter there is none, and nothing is needed", async () => {
    const room = await Room.of(2);
    expect(await codeOf(() => makeEnvelope(room.seat(0).conversation, keys))).toBe("no-charter");
    expect((await encrypt(room.seat(0).conversation, "plain MLS")).kind).toBe("encrypted");
  });

  test("MLS-41: two devices of an account have one label and an envelope each", async () => {
    const room = await Room.of(1, TERMS);
    const identitySeed = new Uint8Array(32).fill(3);
    const [phone, laptop] = await room.add(room.seat(0), [person(identitySeed), person(identitySeed)], TERMS);
    if (phone === undefined || laptop === undefined) throw new Error("seats");
    expect(headerOf(phone.conversation).label).toEqual(headerOf(laptop.conversation).label);
    room.escrow(phone, keys);
    expect((await encrypt(laptop.conversation, "no")).kind).toBe("envelope-first");
    room.escrow(laptop, keys);
    expect(text(await room.receive(room.seat(0), await room.send(laptop, "hi"), laptop))).toBe("hi");
    expect(membersOf(phone.conversation)).toHaveLength(3);
  });
});

describe("a charter", () => {
  test("MLS-22: nothing is sent before its terms are known, nor outside its dates", async () => {
    const room = await Room.of(2, null, dayNumber(TERMS.validUntil));
    expect((await encrypt(room.seat(0).conversation, "no charter")).kind).toBe("encrypted");
    const chartered = await Room.of(2, TERMS, TERMS.validUntil);
    const unknown = { ...chartered.seat(0).conversation, terms: null };
    expect((await encrypt(unknown, "x")).kind).toBe("charter-unknown");
    expect(await codeOf(() => attachTerms(unknown, { ...TERMS, charter: charterId("11".repeat(32)) }))).toBe(
      "charter-unknown",
    );
    chartered.escrow(chartered.seat(0), keys);
    const { conversation } = chartered.seat(0);
    expect((await encrypt(conversation, "last day")).kind).toBe("encrypted");
    const dayAfter = noon(dayNumber(TERMS.validUntil + 1));
    expect((await encrypt(conversation, "x", dayAfter)).kind).toBe("charter-over");
    const early = await Room.of(1, TERMS, dayNumber(TERMS.validFrom - 1));
    expect((await encrypt(early.seat(0).conversation, "x")).kind).toBe("charter-over");
  });

  test("MLS-42: a member that sends without an envelope is refused even where it says there is no charter", async () => {
    const room = await Room.of(2, TERMS);
    const by = room.seat(0);
    const wire = sent(await encrypt({ ...by.conversation, charter: null }, "as if nothing were agreed")).wire;
    expect(await receive(room.seat(1).conversation, wire, by.device.account)).toEqual({
      kind: "refused",
      code: "no-envelope",
    });
  });
});
