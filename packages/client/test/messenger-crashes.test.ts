import type { ConversationId } from "@porchlight/encoding";
import { expect, test } from "vitest";
import { POLICY } from "../../../vectors/fixture/deployment.ts";
import { type DeliveryService, type Member, memoryStorage, type Storage } from "../src/index.ts";
import { Messenger } from "../src/messenger/messenger.ts";
import type { EntryView } from "../src/messenger/page.ts";
import type { Platform } from "../src/messenger/platform.ts";
import { Machine } from "./machine.ts";
import { random, says, Town, texts } from "./town.ts";

const SECRET = { kind: "passphrase", passphrase: "words" } as const;
const TEXTS = ["one", "two", "three"];

type World = {
  readonly town: Town;
  readonly bea: Member;
  readonly records: Storage;
  readonly door: { record: Uint8Array | null };
  /** Texts whose sending was promised to the person. */
  readonly promised: string[];
};

/** Ada's device: its disk is the world's, and every access to disk and server is a step of the machine. */
async function platform(world: World, machine: Machine): Promise<Platform> {
  const { town, door } = world;
  const plain = await town.context(world.records);
  const service = machine.wrap<DeliveryService>(plain.server);
  // Nobody else's devices ask for anything here, and nothing waits for this one.
  const none = async () => [];
  const account = machine.wrap({
    takeRequests: none,
    waitingPairings: none,
    devices: none,
    invitations: none,
    passkeys: none,
  });
  const unused = () => Promise.reject(new Error("no attachments in this test"));
  return {
    lock: async () => () => {},
    door: machine.wrap({
      load: async () => door.record,
      save: async (record: Uint8Array) => {
        door.record = record;
      },
    }),
    storage: async () => machine.wrap(world.records),
    erase: () =>
      machine.step(async () => {
        door.record = null;
        for (const name of await world.records.list()) await world.records.remove(name);
      }),
    connect: () =>
      new Proxy(service, {
        get: (target, name) => {
          if (name === "connect" || name === "disconnect" || name === "hurry" || name === "tell")
            return () => {};
          if (name === "account") return account;
          return (Reflect.get(target, name) as unknown) ?? unused;
        },
      }) as ReturnType<Platform["connect"]>,
    log: () => town.log,
    clock: town.clock,
    random,
    suite: plain.suite,
    passphraseLogN: 1,
  };
}

/** Resolves when it holds, or the machine is off. */
function until(messenger: Messenger, holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = messenger.subscribe(look);
    function look(): void {
      if (messenger.state.kind !== "failed" && !holds()) return;
      stop();
      resolve();
    }
    look();
  });
}

/** What a person does who starts the program: goes on with whatever is not done. */
async function live(messenger: Messenger, world: World): Promise<EntryView[]> {
  const { bea, promised } = world;
  const ready = () => {
    if (messenger.state.kind !== "ready") throw new Error("the machine is off");
    return messenger.state;
  };
  if (messenger.state.kind === "signed-out") {
    await messenger.perform("signUp", { invitation: null, name: "Ada", secret: SECRET });
  } else if (messenger.state.kind === "locked") await messenger.perform("unlock", SECRET);
  await until(messenger, () => ready().connection.kind === "online");
  const begun = Object.keys(ready().conversations)[0] as ConversationId | undefined;
  const conversation =
    begun ??
    (await messenger.perform("createConversation", { charter: null, title: "", accounts: [bea.account] }))
      .conversation;
  // A crash may have come between the conversation and its first member.
  await messenger.perform("addMembers", { conversation, accounts: [bea.account] });
  const entries = async (): Promise<EntryView[]> => [
    ...(await messenger.perform("entries", { conversation, from: 0, to: 100 })),
  ];
  const there = new Set((await entries()).map(textOf));
  for (const text of TEXTS) {
    if (there.has(text)) continue;
    await messenger.perform("send", { conversation, text });
    promised.push(text);
  }
  await until(messenger, () => {
    const view = ready().conversations[conversation];
    return view?.queued === 0 && view.waitingFor.length === 0 && view.people === 2;
  });
  ready();
  return await entries();
}

function textOf(entry: EntryView): string {
  return entry.kind === "message" && entry.body.kind === "text" ? entry.body.text : "";
}

async function run(dieAt: number, moment: "before" | "after"): Promise<{ died: boolean; steps: number }> {
  const town = new Town();
  const world: World = {
    town,
    bea: await town.person(),
    records: memoryStorage(),
    door: { record: null },
    promised: [],
  };
  const machine = new Machine(dieAt, moment);
  const config = { url: "http://server", origin: "log", policy: POLICY };
  const messenger = await Messenger.start(await platform(world, machine), config);
  await live(messenger, world).catch((error: unknown) => {
    if (!machine.off) throw error;
  });
  await messenger.close().catch(() => {});
  const again = await Messenger.start(await platform(world, new Machine(0, "before")), config);
  const entries = (await live(again, world)).map(textOf).filter(Boolean);
  // Bea writes last: what she is shown, and that the device goes on.
  await world.bea.join();
  const [seat] = world.bea.seats;
  const read = texts((await seat?.sync()) ?? []).filter((text) => TEXTS.includes(text));
  await seat?.send([says("got them")]);
  again.hurry();
  await until(
    again,
    () => again.state.kind === "ready" && Object.values(again.state.conversations)[0]?.unread === 1,
  );
  await again.close();
  expect(again.state.kind, `died ${moment} step ${dieAt}`).toBe("ready");
  expect(read, `died ${moment} step ${dieAt}`).toEqual(TEXTS);
  expect(entries, `died ${moment} step ${dieAt}`).toEqual(TEXTS);
  for (const text of world.promised) expect(read).toContain(text);
  return { died: machine.off, steps: machine.steps };
}

const EVERY = process.env["PORCHLIGHT_SLOW"] === "1" ? 1 : 7;

test.each(["before", "after"] as const)(
  "MLS-6: a messenger that dies %s any step of its first day goes on at its next start: nothing promised is lost, nothing doubled",
  async (moment) => {
    const { steps } = await run(0, moment);
    expect(steps).toBeGreaterThan(50);
    // In the fast suite every seventh step, from another one for each moment.
    for (let step = moment === "before" ? 1 : 4; step <= steps; step += EVERY) await run(step, moment);
  },
);

test("a device that cannot be unlocked or read any more is begun anew, and no other is", async () => {
  const town = new Town();
  const door = { record: null as Uint8Array | null };
  const world: World = { town, bea: await town.person(), records: memoryStorage(), door, promised: [] };
  const config = { url: "http://server", origin: "log", policy: POLICY };
  const start = async () => await Messenger.start(await platform(world, new Machine(0, "before")), config);
  const first = await start();
  await first.perform("signUp", { invitation: null, name: "Ada", secret: SECRET });
  await expect(first.perform("startOver")).rejects.toMatchObject({ code: "not-now" });
  await first.close();
  const forgotten = await start();
  const wrong = { kind: "passphrase", passphrase: "other words" } as const;
  await expect(forgotten.perform("unlock", wrong)).rejects.toMatchObject({ code: "unlock-refused" });
  await forgotten.perform("startOver");
  expect([forgotten.state.kind, door.record, await world.records.list()]).toEqual(["signed-out", null, []]);
  await expect(forgotten.perform("startOver")).rejects.toMatchObject({ code: "not-now" });
  await forgotten.close();
  door.record = Uint8Array.of(1, 2, 3);
  const damaged = await start();
  expect(damaged.state).toEqual({ kind: "failed", code: "state-corrupt" });
  await damaged.perform("startOver");
  expect(damaged.state.kind).toBe("signed-out");
  await damaged.perform("signUp", { invitation: null, name: "Ada", secret: SECRET });
  expect(damaged.state.kind).toBe("ready");
  await damaged.close();
});
