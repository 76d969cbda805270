// One conversation of 10, 100 and 1,000: what one member does, and what travels.
import { dayNumber } from "@porchlight/encoding";
import {
  applyCommit,
  createKeyPackage,
  joinConversation,
  prepareCommit,
  serializeConversation,
} from "@porchlight/mls";
import { DAY, encrypt, noon, person, Room, receive, type Seat, sent } from "../../packages/mls/test/world.ts";
import { type Curve, leastCpu, type Series } from "./curve.ts";

const SIZES = [10, 30, 100, 300, 1000];

export async function run(): Promise<Curve> {
  const found = new Map<string, { unit: Series["unit"]; points: [number, number][] }>();
  const note = (what: string, unit: Series["unit"], x: number, y: number): void => {
    const series = found.get(what) ?? { unit, points: [] };
    found.set(what, series);
    series.points.push([x, y]);
  };
  // The first of everything pays for compiling.
  for (const size of [20, ...SIZES]) await measure(size, size === 20 ? () => {} : note);
  const series = [...found].map(([what, one]): Series => ({ what, ...one }));
  return { title: "Members of a conversation", x: "members", series };
}

async function measure(
  size: number,
  note: (what: string, unit: Series["unit"], x: number, y: number) => void,
): Promise<void> {
  const bytes = (what: string, value: Uint8Array | undefined): void =>
    note(what, "bytes", size, value?.length ?? 0);
  const room = await Room.of(1);
  const creator = room.seat(0);
  const devices = Array.from({ length: size - 1 }, () => person());
  const keyPackages = await Promise.all(devices.map((device) => createKeyPackage(device, noon())));
  const turns = size > 100 ? 2 : 5;

  const add = () =>
    prepareCommit(creator.conversation, { adds: keyPackages.map((one) => one.public), day: DAY });
  const adding = await add();
  note("add all of them in one commit", "CPU ms", size, await leastCpu(turns, add));
  bytes("Welcome for all of them", adding.welcome);
  bytes("ratchet tree for who joins", adding.ratchetTree);
  creator.conversation = adding.pending;

  const join = async (index: number): Promise<Seat> => {
    const [device, keyPackage] = [devices[index], keyPackages[index]];
    if (device === undefined || keyPackage === undefined || adding.welcome === undefined)
      throw new Error("nobody");
    const conversation = await joinConversation({
      device,
      keyPackage,
      welcome: adding.welcome,
      ratchetTree: adding.ratchetTree,
      submitter: creator.device.account,
      now: noon(),
    });
    return { device, conversation };
  };
  note("join", "CPU ms", size, await leastCpu(turns, () => join(0)));
  // As far apart in the tree as can be.
  const reader = await join(size - 2);
  const other = await join(Math.floor(size / 2) - 1);

  const day = dayNumber(DAY + 1);
  const open = () => prepareCommit(creator.conversation, { day });
  const opening = await open();
  note("commit that opens a day", "CPU ms", size, await leastCpu(turns, open));
  bytes("that commit, where one had committed before", opening.commit);
  const context = { submitter: creator.device.account, now: noon(day), arrival: "live" } as const;
  const apply = () => applyCommit(reader.conversation, opening.commit, context);
  note("apply it", "CPU ms", size, await leastCpu(turns, apply));
  for (const seat of [reader, other]) {
    const { conversation } = await applyCommit(seat.conversation, opening.commit, context);
    if (conversation.kind !== "active") throw new Error("removed");
    seat.conversation = conversation;
  }
  creator.conversation = opening.pending;

  const message = sent(await encrypt(creator.conversation, "x".repeat(600), noon(day)));
  note(
    "encrypt a message",
    "CPU ms",
    size,
    (await leastCpu(turns, async () => {
      for (let i = 0; i < 20; i++) await encrypt(creator.conversation, "x".repeat(600), noon(day));
    })) / 20,
  );
  const open20 = async () => {
    for (let i = 0; i < 20; i++)
      await receive(reader.conversation, message.wire, creator.device.account, noon(day));
  };
  note("decrypt and check it", "CPU ms", size, (await leastCpu(turns, open20)) / 20);
  bytes("a message of 600 bytes", message.wire);
  bytes("a member's saved state", serializeConversation(reader.conversation));
}
