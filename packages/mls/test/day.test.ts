import { dayNumber, dayStart, unixSeconds } from "@porchlight/encoding";
import { formatAuthenticatedData } from "@porchlight/envelope";
import { describe, expect, test } from "vitest";
import { createCommit } from "../src/commit.ts";
import { DAY_EXTENSION, formatDayExtension } from "../src/extension.ts";
import {
  applyCommit,
  commitDue,
  createKeyPackage,
  deviceDay,
  epochOf,
  joinConversation,
  MlsError,
  type PreparedCommit,
  prepareCommit,
} from "../src/index.ts";
import { parseMessage } from "../src/wire-format.ts";
import { encodeRatchetTree } from "./stock.ts";
import { active, codeOf, DAY, encrypt, noon, person, Room, type Seat, sent, suite, text } from "./world.ts";

const TOMORROW = dayNumber(DAY + 1);

function pathOf(made: { readonly commit: Uint8Array }) {
  const { content } = parseMessage(made.commit, "mls_public_message").publicMessage;
  if (content.contentType !== "commit") throw new Error("commit");
  return content.commit.path;
}

async function stating(by: Seat, day: number, path = true) {
  return createCommit(suite, by.conversation.state, {
    proposals: [],
    path,
    authenticatedData: formatAuthenticatedData({ day: dayNumber(day), counter: 0, franking: null }),
    groupInfoExtensions: [],
  });
}

function apply(seat: Seat, commit: Uint8Array, by: Seat, now = noon(), arrival: "live" | "stored" = "live") {
  return applyCommit(seat.conversation, commit, { submitter: by.device.account, now, arrival });
}

describe("the day of an epoch", () => {
  test("MLS-30: is what its commit states, for members and for those who join", async () => {
    const room = await Room.of(2);
    const invited = person();
    const own = await createKeyPackage(invited, noon());
    const made = await prepareCommit(room.seat(0).conversation, { adds: [own.public], day: TOMORROW });
    const applied = await apply(room.seat(1), made.commit, room.seat(0), noon(TOMORROW));
    expect([made.pending.day, active(applied.conversation).day, applied.change.day]).toEqual([
      TOMORROW,
      TOMORROW,
      TOMORROW,
    ]);
    const joined = await joinConversation({
      device: invited,
      keyPackage: own,
      welcome: made.welcome as Uint8Array,
      ratchetTree: made.ratchetTree,
      submitter: room.seat(0).device.account,
      now: noon(TOMORROW),
    });
    expect(joined.day).toBe(TOMORROW);
  });

  test("MLS-32: the commit that opens it carries an UpdatePath, also where it only adds", async () => {
    const room = await Room.of(3);
    const own = await createKeyPackage(person(), noon());
    const { conversation } = room.seat(0);
    const opening = await prepareCommit(conversation, { adds: [own.public], day: TOMORROW });
    expect(pathOf(opening)).toBeDefined();
    expect(opening.pending.leafDay).toBe(TOMORROW);
    expect((await apply(room.seat(1), opening.commit, room.seat(0), noon(TOMORROW))).conversation.kind).toBe(
      "active",
    );
    const within = await prepareCommit(conversation, { adds: [own.public], day: DAY });
    expect(pathOf(within)).toBeUndefined();
    expect(within.pending.leafDay).toBe(DAY);
    expect(
      pathOf(await prepareCommit(conversation, { adds: [own.public], day: DAY, update: true })),
    ).toBeDefined();
  });

  test("MLS-32: a commit that opens a day without one is refused", async () => {
    const room = await Room.of(3);
    const own = await createKeyPackage(person(), noon());
    const made = await createCommit(suite, room.seat(0).conversation.state, {
      proposals: [
        { proposalType: "add", add: { keyPackage: parseMessage(own.public, "mls_key_package").keyPackage } },
      ],
      path: false,
      authenticatedData: formatAuthenticatedData({ day: TOMORROW, counter: 0, franking: null }),
      groupInfoExtensions: [],
    });
    expect(await codeOf(() => apply(room.seat(1), made.commit, room.seat(0), noon(TOMORROW)))).toBe(
      "path-missing",
    );
  });

  test("MLS-31: never goes back", async () => {
    const room = await Room.of(2);
    expect(await codeOf(() => prepareCommit(room.seat(0).conversation, { day: dayNumber(DAY - 1) }))).toBe(
      "day-backwards",
    );
    const made = await stating(room.seat(0), DAY - 1);
    expect(await codeOf(() => apply(room.seat(1), made.commit, room.seat(0)))).toBe("day-backwards");
  });

  test("MLS-35: a member that states tomorrow, or a server that delivers it yesterday, is refused", async () => {
    const room = await Room.of(2);
    const made = await stating(room.seat(0), TOMORROW);
    for (const arrival of ["live", "stored"] as const) {
      expect(await codeOf(() => apply(room.seat(1), made.commit, room.seat(0), noon(DAY), arrival))).toBe(
        "day-ahead",
      );
    }
    const midnight = dayStart(TOMORROW);
    const at = (now: number) =>
      codeOf(() => apply(room.seat(1), made.commit, room.seat(0), unixSeconds(now)));
    expect(await at(midnight - 600)).toBe("accepted");
    expect(await at(midnight - 601)).toBe("day-ahead");
  });

  test("MLS-35: a server that holds today's commit back until tomorrow is refused where the recipient is online", async () => {
    const room = await Room.of(2);
    const made = await stating(room.seat(0), DAY);
    expect(await codeOf(() => apply(room.seat(1), made.commit, room.seat(0), noon(TOMORROW), "live"))).toBe(
      "day-over",
    );
    expect(await codeOf(() => apply(room.seat(1), made.commit, room.seat(0), noon(TOMORROW), "stored"))).toBe(
      "accepted",
    );
  });

  test("MLS-30: a commit whose authenticated data is not a day is refused", async () => {
    const room = await Room.of(2);
    const day = { day: DAY, franking: null };
    for (const authenticatedData of [
      new Uint8Array(0),
      formatAuthenticatedData({ ...day, counter: 1 }),
      formatAuthenticatedData({ day: DAY, counter: 0, franking: new Uint8Array(32).fill(1) }),
    ]) {
      const made = await createCommit(suite, room.seat(0).conversation.state, {
        proposals: [],
        path: true,
        authenticatedData,
        groupInfoExtensions: [],
      });
      expect(await codeOf(() => apply(room.seat(1), made.commit, room.seat(0)))).toBe("malformed");
    }
  });

  test("MLS-33: a Welcome without its day, with another extension, or of a day to come is refused", async () => {
    const room = await Room.of(1);
    const invited = person();
    const own = await createKeyPackage(invited, noon());
    const day = { extensionType: DAY_EXTENSION, extensionData: formatDayExtension(DAY) };
    const join = async (groupInfoExtensions: (typeof day)[], now = noon()) => {
      const made = await createCommit(suite, room.seat(0).conversation.state, {
        proposals: [
          {
            proposalType: "add",
            add: { keyPackage: parseMessage(own.public, "mls_key_package").keyPackage },
          },
        ],
        path: false,
        authenticatedData: formatAuthenticatedData({ day: DAY, counter: 0, franking: null }),
        groupInfoExtensions,
      });
      return codeOf(() =>
        joinConversation({
          device: invited,
          keyPackage: own,
          welcome: made.welcome as Uint8Array,
          ratchetTree: encodeRatchetTree(made.state.ratchetTree),
          submitter: room.seat(0).device.account,
          now,
        }),
      );
    };
    expect(await join([day])).toBe("accepted");
    expect(await join([])).toBe("extensions-refused");
    expect(await join([day, { extensionType: 0xf123, extensionData: new Uint8Array(1) }])).toBe(
      "extensions-refused",
    );
    expect(await join([day], noon(dayNumber(DAY - 1)))).toBe("day-ahead");
    const early = { extensionType: DAY_EXTENSION, extensionData: formatDayExtension(dayNumber(DAY - 1)) };
    expect(await join([early])).toBe("day-backwards");
  });

  test("MLS-31: comes from a clock that does not trail the newest checkpoint", () => {
    expect(deviceDay(noon())).toBe(DAY);
    expect(deviceDay(noon(), noon())).toBe(DAY);
    expect(() => deviceDay(noon(), noon(TOMORROW))).toThrow(MlsError);
  });

  test("MLS-34: a device commits on a new day, and once its leaf is seven days old", async () => {
    const room = await Room.of(2);
    expect(commitDue(room.seat(1).conversation, DAY)).toBeNull();
    expect(commitDue(room.seat(1).conversation, TOMORROW)).toBe("new-day");
    for (let day = DAY + 1; day <= DAY + 7; day++) await room.commit(room.seat(0), { day: dayNumber(day) });
    // Six days of others' commits healed the other leaf, not this one.
    const today = dayNumber(DAY + 7);
    expect(commitDue(room.seat(0).conversation, today)).toBeNull();
    expect(commitDue(room.seat(1).conversation, today)).toBe("old-leaf");
    const made = await room.commit(room.seat(1));
    expect(pathOf(made)).toBeDefined();
    expect(commitDue(room.seat(1).conversation, today)).toBeNull();
  });
});

test("MLS-36: of two first commits of a day one is taken, and the loser drops its own and goes on", async () => {
  const room = await Room.of(3);
  const [winner, loser, reader] = [room.seat(0), room.seat(1), room.seat(2)];
  const own = await createKeyPackage(person(), noon());
  const first = await prepareCommit(winner.conversation, { day: TOMORROW });
  const second = await prepareCommit(loser.conversation, { adds: [own.public], day: TOMORROW });
  // The server takes the winner's; the loser's pending state is dropped, its conversation applies the winner's commit.
  await room.take(winner, first);
  expect(await codeOf(() => apply(reader, second.commit, loser, noon(TOMORROW)))).toBe("wrong-epoch");
  expect([epochOf(loser.conversation), loser.conversation.day]).toEqual([
    epochOf(winner.conversation),
    TOMORROW,
  ]);
  // What it wanted besides opening the day it does again, now within the day and without a path.
  const redone: PreparedCommit = await prepareCommit(loser.conversation, {
    adds: [own.public],
    day: TOMORROW,
  });
  expect(pathOf(redone)).toBeUndefined();
  await room.take(loser, redone);
  const wire = sent(await encrypt(winner.conversation, "good morning")).wire;
  expect(text(await room.receive(reader, wire, winner))).toBe("good morning");
});
