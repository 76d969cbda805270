import { describe, expect, test } from "vitest";
import { read, receive, Room, text } from "./world.ts";

test("smoke", async () => {
  const room = await Room.of(5);
  const wire = await room.send(room.seat(0), "hello");
  for (const seat of room.seats.slice(1)) {
    const opened = await room.receive(seat, wire, room.seat(0));
    expect(text(opened)).toBe("hello");
    seat.conversation = read(opened).conversation;
  }
  await room.commit(room.seat(3));
  const w2 = await room.send(room.seat(4), "again");
  expect(text(await room.receive(room.seat(0), w2, room.seat(4)))).toBe("again");
});
