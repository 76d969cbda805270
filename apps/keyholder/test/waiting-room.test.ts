import { commitment } from "@porchlight/encoding";
import { expect, test } from "vitest";
import type { Refused } from "../src/order-book.ts";
import { type Waiting, WaitingRoom } from "../src/waiting-room.ts";

const named = (n: number): string => n.toString(16).padStart(64, "0");

function waiting(n: number, warrant: string): Waiting {
  const received = { warrant, others: null, opening: new Uint8Array(32), index: 9, conversations: null };
  return {
    id: named(n),
    received,
    order: {} as Waiting["order"],
    commitment: commitment(named(n)),
    until: 0,
  };
}

test("KEY-23: four orders with one warrant wait, and 64 in all; who leaves makes room", () => {
  const room = new WaitingRoom();
  for (let n = 0; n < 4; n++) room.add(waiting(n, "one"));
  expect(() => room.add(waiting(4, "one"))).toThrow("too many orders wait");
  for (let n = 10; n < 70; n++) room.add(waiting(n, `warrant ${n}`));
  expect(() => room.add(waiting(70, "another"))).toThrow("too many orders wait");
  room.leave(named(0));
  room.add(waiting(4, "one"));
  expect(room.waiting).toHaveLength(64);
});

test("KEY-23: of what the log did not have the newest thousand refusals are told, and it may come again", () => {
  const room = new WaitingRoom();
  const refused = { code: "not-logged" } as Refused;
  for (let n = 0; n < 1001; n++) {
    room.add(waiting(n, "one"));
    room.refuse(named(n), refused);
  }
  expect([room.waiting.length, room.refusal(named(0)), room.refusal(named(1))]).toEqual([
    0,
    undefined,
    refused,
  ]);
  room.add(waiting(1, "one"));
  expect([room.refusal(named(1)), room.get(named(1))?.id]).toEqual([undefined, named(1)]);
});
