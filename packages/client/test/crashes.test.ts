import { hex } from "@porchlight/encoding";
import { parseAuthenticatedData } from "@porchlight/envelope";
import { expect, test } from "vitest";
import { parsePrivateMessage } from "../../envelope/src/private-message.ts";
import {
  type DeliveryService,
  Member,
  type MemberContext,
  memoryStorage,
  type Storage,
} from "../src/index.ts";
import { Machine } from "./machine.ts";
import { says, Town, texts } from "./town.ts";

type World = {
  readonly town: Town;
  readonly bea: Member;
  readonly storage: Storage;
  /** All that was ever handed to the server, taken or not. */
  readonly handed: Uint8Array[];
};

const SEED = new Uint8Array(32).fill(9);
const CONTENTS = ["one", "two", "three"].map((text) => says(text));

/** What an application does at every start: whatever is not done yet, in the same order. */
async function live(context: MemberContext, { bea }: World): Promise<void> {
  const isNew = (await context.storage.load("device")) === null;
  const ada = isNew ? await Member.create(context, SEED) : await Member.open(context);
  await ada.login("log");
  if (ada.keyPackagesLeft === 0) await ada.publishKeyPackages(2);
  const seat = ada.seats[0] ?? (await ada.createConversation({ charter: null }));
  await seat.flush();
  await seat.changeMembers({ adds: [bea.account] });
  for (const content of CONTENTS) {
    await seat.flush();
    await seat.sync();
    const isDelivered = seat.events.some(
      (event) => event.kind === "delivered" && event.content.id === content.id,
    );
    if (!isDelivered) await seat.send([content]);
  }
  await seat.sync();
}

async function run(
  dieAt: number,
  moment: "before" | "after",
): Promise<{ world: World; steps: number; died: boolean }> {
  const town = new Town();
  const world: World = { town, bea: await town.person(), storage: memoryStorage(), handed: [] };
  const machine = new Machine(dieAt, moment);
  const context = async (of: Machine | null): Promise<MemberContext> => {
    const plain = await town.context(world.storage);
    const server: DeliveryService = {
      ...plain.server,
      submit: (conversation, items) => {
        world.handed.push(
          ...items.filter(({ kind }) => kind === "message").map(({ bytes }) => bytes.slice()),
        );
        return plain.server.submit(conversation, items);
      },
    };
    return of === null
      ? { ...plain, server }
      : { ...plain, server: of.wrap(server), storage: of.wrap(plain.storage) };
  };
  await live(await context(machine), world).catch((error: unknown) => {
    if (!machine.off) throw error;
  });
  const died = machine.off;
  // The next start, with nothing but what the storage holds.
  if (died) await live(await context(null), world);
  return { world, steps: machine.steps, died };
}

async function check({ bea, handed, town }: World, where: string): Promise<void> {
  await bea.sync();
  // A conversation whose creation was cut short may have been left alone; bea is in the one that counts.
  expect(bea.seats.length, where).toBe(1);
  const [seat] = bea.seats;
  expect(texts(seat?.events ?? []), where).toEqual(CONTENTS.map(({ text }) => text));
  expect(
    (seat?.events ?? []).filter(({ kind }) => kind === "refused"),
    where,
  ).toEqual([]);
  // No counter of an epoch ever stands over two ciphertexts: no key and nonce was used twice.
  const seen = new Map<string, string>();
  for (const wire of handed) {
    const message = parsePrivateMessage(wire);
    const { counter } = parseAuthenticatedData(message.authenticatedData);
    const key = `${hex(message.groupId)} ${message.epoch} ${counter}`;
    expect(seen.get(key) ?? hex(wire), where).toBe(hex(wire));
    seen.set(key, hex(wire));
  }
  expect(town.submissions, where).toBeGreaterThan(0);
}

test.each(["before", "after"] as const)(
  "MLS-6: a machine that dies %s any step of a device's life goes on at its next start: nothing lost, doubled or sealed twice",
  async (moment) => {
    const whole = await run(0, moment);
    expect(whole.died).toBe(false);
    await check(whole.world, "no crash");
    expect(whole.steps).toBeGreaterThan(20);
    for (let step = 1; step <= whole.steps; step++) {
      const { world, died } = await run(step, moment);
      expect(died, `step ${step}`).toBe(true);
      await check(world, `step ${step}`);
    }
  },
);
