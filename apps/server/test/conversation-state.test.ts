import { charterId, type DayNumber, dayNumber, dayStart, hex, unixSeconds } from "@porchlight/encoding";
import type { NewItem } from "@porchlight/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { membersOf } from "../../../packages/mls/src/index.ts";
import { DAY, noon, person, Room, type Seat } from "../../../packages/mls/test/world.ts";
import { accept, accountsOf, type ConversationState, checkToday } from "../src/conversation-state.ts";
import { parseCommit, parseMessage } from "../src/mls-message.ts";
import { Refusal } from "../src/refusal.ts";

const noDates = (): undefined => undefined;

function firstState(seat: Seat): ConversationState {
  const { device, conversation } = seat;
  return {
    conversation: conversation.id,
    charter: null,
    groupId: Uint8Array.from(Buffer.from(conversation.id, "hex")),
    generation: 0,
    epoch: 0,
    day: DAY,
    head: 0,
    next: null,
    leaves: new Map([[0, { account: device.account, deviceKey: device.deviceKey }]]),
    envelopes: new Set(),
  };
}

function refused(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return "accepted";
}

/** The Welcome does not matter to what is tested here, as long as it is one and for the right accounts. */
function parcel(accounts: readonly string[]) {
  const empty = Uint8Array.of(0, 1, 0, 3, 0, 1, 0, 0);
  return accounts.length === 0 ? null : { accounts: [...accounts] as never, bytes: empty, tree: null };
}

describe("membership from commits", () => {
  test("DEL-30: after any adding and removing, leaves and members are those that MLS itself has", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.nat({ max: 2 })), { minLength: 1, maxLength: 6 }),
        async (steps) => {
          const room = await Room.of(1);
          let state = firstState(room.seat(0));
          for (const [who, adds, removes] of steps) {
            const by = room.seat(who % room.seats.length);
            const others = room.seats.filter((seat) => seat !== by);
            const gone = others.slice(0, removes).map(({ device }) => device.account);
            const devices = Array.from({ length: adds }, () => person());
            const commits: { bytes: Uint8Array; added: string[] }[] = [];
            if (gone.length > 0)
              commits.push({ bytes: (await room.commit(by, { removes: gone })).commit, added: [] });
            if (devices.length > 0) {
              const original = room.take.bind(room);
              room.take = async (seat, made) => {
                commits.push({ bytes: made.commit, added: devices.map(({ account }) => account) });
                await original(seat, made);
              };
              await room.add(by, devices);
              room.take = original;
            }
            for (const { bytes, added } of commits) {
              const item: NewItem = {
                kind: "commit",
                key: "12345678",
                epoch: state.epoch,
                bytes,
                welcome: parcel(added),
              };
              state = accept(state, by.device, item, noon(), noDates).state;
            }
            const members = membersOf(by.conversation);
            expect(new Map([...state.leaves].map(([leaf, { account }]) => [leaf, account]))).toEqual(
              new Map(members.map(({ leaf, account }) => [leaf, account])),
            );
            expect(state.epoch).toBe(Number(by.conversation.state.groupContext.epoch));
          }
        },
      ),
      { numRuns: 6 },
    );
  });

  test("DEL-20: a commit or message is read to its last byte: every prefix and every longer text is refused", async () => {
    const room = await Room.of(3);
    const made = await room.commit(room.seat(0), { removes: [room.seat(2).device.account] });
    const wire = await room.send(room.seat(0), "hello");
    expect(parseCommit(made.commit).proposals).toEqual([{ kind: "remove", leafIndex: 2 }]);
    expect(hex(parseMessage(wire).groupId)).toBe(room.seat(0).conversation.id);
    for (const [bytes, parse] of [
      [made.commit, parseCommit],
      [wire, parseMessage],
    ] as const) {
      for (let length = 0; length < bytes.length; length++) {
        expect(() => parse(bytes.slice(0, length))).toThrow();
      }
      expect(() => parse(Uint8Array.of(...bytes, 0))).toThrow("trailing-bytes");
    }
    expect(() => parseCommit(wire)).toThrow();
    expect(() => parseMessage(made.commit)).toThrow();
  });

  test("DEL-20: whatever bit is flipped, a commit is taken or refused by name, and never breaks the server", async () => {
    const room = await Room.of(1);
    const state = firstState(room.seat(0));
    const { device } = room.seat(0);
    const made = await room.commit(room.seat(0), {});
    for (let bit = 0; bit < 8 * Math.min(made.commit.length, 400); bit += 3) {
      const bytes = made.commit.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const item: NewItem = { kind: "commit", key: "12345678", epoch: 0, bytes, welcome: null };
      expect(refused(() => accept(state, device, item, noon(), noDates))).toMatch(
        /^(accepted|commit-refused|message-refused|wrong-day|wrong-group|wrong-sender|unknown-epoch|conflict)$/,
      );
    }
  });

  test("DEL-28: a committer can neither act for another leaf nor remove itself or who is not there", async () => {
    const room = await Room.of(2);
    const state: ConversationState = {
      ...firstState(room.seat(0)),
      epoch: 1,
      leaves: new Map(room.seats.map(({ device }, leaf) => [leaf, device])),
    };
    const made = await room.commit(room.seat(0), { removes: [room.seat(1).device.account] });
    const item: NewItem = { kind: "commit", key: "12345678", epoch: 1, bytes: made.commit, welcome: null };
    const [first] = [room.seat(0).device];
    expect(accountsOf(accept(state, first, item, noon(), noDates).state)).toEqual(new Set([first.account]));
    const without = { ...state, leaves: new Map([[0, first]]) };
    expect(refused(() => accept(without, first, item, noon(), noDates))).toBe("commit-refused");
    expect(refused(() => accept({ ...state, epoch: 2 }, first, item, noon(), noDates))).toBe("conflict");
    expect(refused(() => accept({ ...state, epoch: 0 }, first, item, noon(), noDates))).toBe("unknown-epoch");
    const other = { ...state, groupId: new Uint8Array(32) };
    expect(refused(() => accept(other, first, item, noon(), noDates))).toBe("wrong-group");
    const later = { ...state, day: dayNumber(DAY + 1) };
    expect(refused(() => accept(later, first, item, noon(), noDates))).toBe("wrong-day");
  });
});

test("DEL-27: a day is accepted from ten minutes before it begins until ten minutes after it ends", () => {
  const charter = charterId("ab".repeat(32));
  const at = (seconds: number, day: DayNumber): string =>
    refused(() => checkToday(day, charter, unixSeconds(dayStart(DAY) + seconds), noDates));
  expect(at(0, DAY)).toBe("accepted");
  expect(at(-600, DAY)).toBe("accepted");
  expect(at(-601, DAY)).toBe("wrong-day");
  expect(at(86_400 + 599, DAY)).toBe("accepted");
  expect(at(86_400 + 600, DAY)).toBe("wrong-day");
  const dates = () => ({ validFrom: dayNumber(DAY - 1), validUntil: dayNumber(DAY - 1) });
  expect(refused(() => checkToday(DAY, charter, noon(), dates))).toBe("outside-charter-dates");
  expect(refused(() => checkToday(DAY, null, noon(), dates))).toBe("accepted");
});
