import { dayNumber } from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKeyPackage, epochOf, joinConversation, membersOf, prepareCommit } from "../src/index.ts";
import { validateRatchetTree } from "./stock.ts";
import { DAY, noon, person, Room, suite, text } from "./world.ts";

describe("a group in which people come and go", () => {
  test("MLS-24: everybody who is added can join, whoever committed before", async () => {
    let joins = 0;
    let refusedByLibrary = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ by: fc.nat(99), kind: fc.nat(9), whom: fc.nat(99), update: fc.boolean() }), {
          minLength: 16,
          maxLength: 24,
        }),
        async (steps) => {
          const room = await Room.of(4);
          for (const step of steps) {
            const by = room.seat(step.by % room.seats.length);
            if (step.kind < 5 && room.seats.length < 10) {
              const device = person();
              const own = await createKeyPackage(device, noon());
              const made = await prepareCommit(by.conversation, {
                adds: [own.public],
                day: DAY,
                update: step.update,
              });
              await room.take(by, made);
              const joined = await joinConversation({
                device,
                keyPackage: own,
                welcome: made.welcome as Uint8Array,
                ratchetTree: made.ratchetTree,
                submitter: by.device.account,
                now: noon(),
              });
              room.seats.push({ device, conversation: joined });
              joins++;
              const { ratchetTree, groupContext, clientConfig } = joined.state;
              const verdict = await validateRatchetTree(
                ratchetTree,
                groupContext,
                clientConfig.lifetimeConfig,
                clientConfig.authService,
                groupContext.treeHash,
                suite.mls,
              );
              if (verdict !== undefined) refusedByLibrary++;
            } else if (step.kind < 8 && room.seats.length > 3) {
              const whom = room.seat(step.whom % room.seats.length);
              if (whom !== by) await room.commit(by, { removes: [whom.device.account] });
            } else await room.commit(by);
          }
          const [speaker, ...readers] = room.seats;
          if (speaker === undefined) throw new Error("nobody");
          const wire = await room.send(speaker, "still one group");
          for (const reader of readers)
            expect(text(await room.receive(reader, wire, speaker))).toBe("still one group");
        },
      ),
      { numRuns: 2, seed: 20_779 },
    );
    // The reason for a check of our own: the library's turns such groups away.
    expect(joins).toBeGreaterThan(12);
    expect(refusedByLibrary).toBeGreaterThan(0);
  });

  test("MLS-32: 120 members are added in one commit, a day is opened in one, and those online read each other", async () => {
    const room = await Room.of(1);
    const [creator] = room.seats;
    if (creator === undefined) throw new Error("nobody");
    const devices = Array.from({ length: 119 }, () => person());
    const keyPackages = await Promise.all(devices.map((device) => createKeyPackage(device, noon())));
    const adding = await prepareCommit(creator.conversation, {
      adds: keyPackages.map((one) => one.public),
      day: DAY,
    });
    await room.take(creator, adding);
    // Every eighth comes online; the others have leaves and will catch up some day.
    for (let index = 6; index < devices.length; index += 8) {
      const device = devices[index];
      const keyPackage = keyPackages[index];
      if (device === undefined || keyPackage === undefined || adding.welcome === undefined)
        throw new Error("device");
      const conversation = await joinConversation({
        device,
        keyPackage,
        welcome: adding.welcome,
        ratchetTree: adding.ratchetTree,
        submitter: creator.device.account,
        now: noon(),
      });
      room.seats.push({ device, conversation });
    }
    const newcomers = await Promise.all(
      [person(), person()].map((device) => createKeyPackage(device, noon())),
    );
    const by = room.seat(9);
    const opening = await prepareCommit(by.conversation, {
      adds: newcomers.map((one) => one.public),
      removes: [room.seat(15).device.account, room.seat(4).device.account],
      day: dayNumber(DAY + 1),
    });
    await room.take(by, opening);
    expect(room.seats).toHaveLength(14);
    expect(membersOf(creator.conversation)).toHaveLength(120);
    const wire = await room.send(room.seat(5), "good morning, all");
    for (const seat of room.seats) {
      if (seat === room.seat(5)) continue;
      expect(text(await room.receive(seat, wire, room.seat(5)))).toBe("good morning, all");
      expect(epochOf(seat.conversation)).toBe(2);
    }
  });
});
