import {
  checkFranking,
  createOpener,
  EnvelopeError,
  openEnvelope,
  parseEnvelope,
  peelOuter,
} from "@porchlight/envelope";
import { expect, test } from "vitest";
import { escrowOf, headerOf } from "../src/index.ts";
import { escrowKeys } from "./keys.ts";
import { DAY, Room, suite, TERMS } from "./world.ts";

const escrow = escrowKeys();

test("MLS-43: a released label key opens the real messages of one sender and epoch, and nobody else's", async () => {
  const room = await Room.of(5, TERMS);
  const [by, other] = [room.seat(3), room.seat(1)];
  const envelope = room.escrow(by, escrow.keys);
  room.escrow(other, escrow.keys);
  const said = ["Meet me at the lighthouse.", "", "🗝 bring the key", "x".repeat(5000)];
  const wires: Uint8Array[] = [];
  for (const line of said) wires.push(await room.send(by, line));
  const others = await room.send(other, "not mine");

  const parsed = parseEnvelope(envelope);
  const secret = openEnvelope({
    envelope,
    inner: peelOuter(parsed, escrow.providerSecret),
    labelKey: escrow.labelKey(parsed.header),
    keys: escrow.keys,
    suite: suite.primitives,
  });
  expect(secret).toEqual(escrowOf(room.seat(0).conversation, 3));
  expect(parsed.header).toEqual(headerOf(room.seat(0).conversation, 3));
  const opener = createOpener({ secret, header: parsed.header, suite: suite.primitives });
  for (const [generation, wire] of wires.entries()) {
    const opened = opener.open(wire);
    expect([opened.generation, opened.authenticatedData.counter, opened.authenticatedData.day]).toEqual([
      generation,
      generation,
      DAY,
    ]);
    const { content } = checkFranking(opened.authenticatedData, opened.content, suite.primitives);
    expect(new TextDecoder().decode(content)).toBe(said[generation]);
  }
  expect(() => opener.open(others)).toThrow(EnvelopeError);
  // Nor what the same sender says in the next epoch.
  await room.commit(room.seat(0));
  room.escrow(by, escrow.keys);
  const next = await room.send(by, "later");
  expect(() => opener.open(next)).toThrow("wrong-epoch");
});
