// A conversation in which people come, go, sleep and return, with a model of who may read what: for tests. All choices
// come from one seed; the keys do not, so a replay takes the same steps with other keys.
import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type AccountId, hex, unixSeconds } from "@porchlight/encoding";
import {
  type ActiveConversation,
  createDevice,
  createKeyPackage,
  decryptMessage,
  epochOf,
  type OwnKeyPackage,
  serializeConversation,
} from "@porchlight/mls";
import type { NewItem } from "@porchlight/wire";
import {
  openedGroupSecrets,
  openedPathSecrets,
  stolen,
  updatedByPublicData,
} from "../../mls/test/eavesdropper.ts";
import { type ConversationEvent, Member, type MemberContext, type Seat, type Storage } from "../src/index.ts";
import { choices } from "./choices.ts";
import type { ChurnOptions, ChurnReport, ChurnWorld } from "./churn-world.ts";
import { OldSecrets, recordsOf } from "./old-secrets.ts";

type Device = {
  readonly name: string;
  readonly deviceKey: string;
  readonly person: Person;
  readonly storage: Storage;
  /** `null` while it is switched off; what it knows is in its storage. */
  member: Member | null;
  /** Whether the group had its leaf after the last step. */
  in: boolean;
  readonly due: Set<string>;
  readonly may: Set<string>;
  readonly read: Set<string>;
};
type Person = {
  readonly name: string;
  readonly account: AccountId;
  readonly seed: Uint8Array;
  readonly devices: Device[];
};
type Thief = { readonly name: string; readonly saved: Uint8Array };

const PEOPLE = 9;
const DAY = 86_400;
/** Of one person. */
const MAX_DEVICES = 3;
const KEY_PACKAGES = 3;
const MAX_THIEVES = 4;
const EVERYBODY_EVERY = 100;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

export async function runChurn(world: ChurnWorld, options: ChurnOptions): Promise<ChurnReport> {
  const churn = new Churn(world, options);
  try {
    return await churn.run();
  } catch (cause) {
    throw new Error(
      `churn with seed ${options.seed} failed at step ${churn.at} (${churn.doing}): ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

class Churn {
  at = 0;
  doing = "start";
  readonly #world: ChurnWorld;
  readonly #options: ChurnOptions;
  readonly #random: () => number;
  readonly #people: Person[] = [];
  readonly #counts: Record<string, number> = {};
  readonly #thieves: Thief[] = [];
  /** What was handed in and taken during the step. */
  #taken: NewItem[] = [];
  #outsider: OwnKeyPackage | null = null;
  #old: OldSecrets | null = null;
  #conversation: Seat["id"] | null = null;
  #texts = 0;
  #attacks = 0;
  #controls = 0;
  #searched = 0;
  #record: [number, number] = [0, 0];
  #heap: [number, number] = [0, 0];

  constructor(world: ChurnWorld, options: ChurnOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = choices(options.seed);
  }

  async run(): Promise<ChurnReport> {
    const { steps } = this.#options;
    await this.#begin();
    for (this.at = 1; this.at <= steps; this.at++) {
      this.#taken = [];
      await this.#step();
      if (this.at % EVERYBODY_EVERY === 0 || this.at === steps) await this.#everybody();
      if (this.at === Math.floor(steps / 4)) await this.#measure(0);
    }
    await this.#measure(1);
    const first = this.#devices((device) => device.in && device.member !== null)[0];
    return {
      steps: this.#counts,
      epochs: first === undefined ? 0 : epochOf(this.#active(first)),
      sent: this.#texts,
      read: this.#devices().reduce((sum, { read }) => sum + read.size, 0),
      attacks: this.#attacks,
      controls: this.#controls,
      searched: this.#searched,
      record: this.#record,
      heap: this.#heap,
    };
  }

  #devices(where: (device: Device) => boolean = () => true): Device[] {
    return this.#people.flatMap(({ devices }) => devices).filter(where);
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.#random() * from.length)];
    if (picked === undefined) throw new Error("nobody to pick");
    return picked;
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  #seat(device: Device): Seat {
    if (device.member === null || this.#conversation === null) throw new Error(`${device.name} is off`);
    return device.member.seat(this.#conversation);
  }

  #active(device: Device): ActiveConversation {
    const { conversation } = this.#seat(device);
    if (conversation.kind !== "active") throw new Error(`${device.name} is ${conversation.kind}`);
    return conversation;
  }

  async #begin(): Promise<void> {
    for (let i = 0; i < PEOPLE; i++) {
      const seed = new Uint8Array(randomBytes(32));
      const { suite, random } = await this.#world.context(await this.#world.storage("outsider"));
      const { account } = createDevice({ suite, identitySeed: seed, random });
      const person: Person = { name: `p${i}`, account, seed, devices: [] };
      this.#people.push(person);
      for (let of = 0; of < (i % 2) + 1; of++) await this.#newDevice(person);
    }
    const context = await this.#context(await this.#world.storage("outsider"));
    const device = createDevice({ ...context, identitySeed: context.random(32) });
    this.#outsider = await createKeyPackage(device, this.#world.now());
    const [first] = this.#devices();
    if (first?.member == null) throw new Error("nobody");
    const seat = await first.member.createConversation({ charter: this.#options.charter ?? null });
    this.#conversation = seat.id;
    await this.#change(first, this.#people.slice(1, 4), []);
  }

  /** The server, with what it took noted down. */
  async #context(storage: Storage): Promise<MemberContext> {
    const context = await this.#world.context(storage);
    const { server } = context;
    const submit: typeof server.submit = async (conversation, items) => {
      const seqs = await server.submit(conversation, items);
      this.#taken.push(...items);
      return seqs;
    };
    return {
      ...context,
      server: new Proxy(server, {
        get: (target, name) => {
          if (name === "submit") return submit;
          const value = Reflect.get(target, name) as unknown;
          return typeof value === "function" ? (value.bind(target) as unknown) : value;
        },
      }),
    };
  }

  async #newDevice(person: Person): Promise<void> {
    const name = `${person.name}-${person.devices.length}`;
    const storage = await this.#world.storage(name);
    const member = await Member.create(await this.#context(storage), person.seed);
    await member.login(this.#world.audience);
    await member.publishKeyPackages(KEY_PACKAGES);
    const deviceKey = hex(member.device.deviceKey);
    const texts = { due: new Set<string>(), may: new Set<string>(), read: new Set<string>() };
    person.devices.push({ name, deviceKey, person, storage, member, in: false, ...texts });
  }

  async #step(): Promise<void> {
    const online = this.#devices((device) => device.in && device.member !== null);
    if (online.length < 2) return await this.#switchOn();
    const by = this.#pick(online);
    const dice = this.#random();
    if (dice < 0.42) await this.#speak(by);
    else if (dice < 0.52) await this.#add(by);
    else if (dice < 0.59) await this.#remove(by);
    else if (dice < 0.67) await this.#nextDay(by);
    else if (dice < 0.72) await this.#race(by, this.#pick(online.filter((device) => device !== by)));
    else if (dice < 0.84) await this.#switchOff(by);
    else if (dice < 0.96) await this.#switchOn();
    else if (dice < 0.98) await this.#buy(by.person);
    else await this.#restart(by);
  }

  #does(what: string): void {
    this.doing = what;
    this.#count(what);
  }

  /** `by` says something, and everybody whose leaf is in the group has to read it. */
  async #speak(by: Device): Promise<void> {
    this.#does("message");
    const text = `text ${++this.#texts}`;
    await this.#seat(by).send([{ id: text, at: this.#world.now(), text }]);
    const readers = this.#membersSeenBy(by);
    for (const reader of readers) if (reader !== by) reader.due.add(text);
    await this.#tryToRead(by);
    await this.#readAll();
  }

  async #add(by: Device): Promise<void> {
    const outside = this.#people.filter(({ devices }) => devices.some((device) => !device.in));
    const room = (this.#options.maxDevices ?? 14) - this.#devices((device) => device.in).length;
    if (outside.length === 0 || room < MAX_DEVICES) return await this.#remove(by);
    const whom = this.#pick(outside);
    this.#does(whom.devices.some((device) => device.in) ? "add a device" : "add");
    await this.#change(by, [whom], []);
  }

  async #remove(by: Device): Promise<void> {
    const others = this.#people.filter(
      (person) => person !== by.person && person.devices.some((device) => device.in),
    );
    if (others.length < 2) return await this.#speak(by);
    this.#does("remove");
    await this.#change(by, [], [this.#pick(others)]);
  }

  /** `by` changes who is in; those who go are robbed before, and their keys tried on the commit that removes them. */
  async #change(by: Device, adds: readonly Person[], removes: readonly Person[]): Promise<void> {
    const accounts = (people: readonly Person[]): AccountId[] => people.map(({ account }) => account);
    await this.#seat(by).sync();
    const before = this.#active(by);
    const robbed = removes.flatMap(({ devices }) => devices.filter((device) => device.in));
    for (const device of robbed) await this.#rob(device);
    await this.#seat(by).changeMembers({ adds: accounts(adds), removes: accounts(removes) });
    const commit = this.#taken.findLast((item) => item.kind === "commit");
    if (commit?.kind === "commit") await this.#tryToOpen(commit, before, this.#active(by), robbed.length, by);
    this.#noteMembers(by);
    await this.#readAll();
  }

  /** The clock moves to another day, now and then far enough for leaves to be old (MLS-34); `by` opens it. */
  async #nextDay(by: Device): Promise<void> {
    this.#does("day");
    const days = this.#random() < 0.15 ? 8 : 1;
    await this.#world.setNow(unixSeconds(this.#world.now() + days * DAY));
    await this.#speak(by);
  }

  /** Two at once: one commit wins, the other is made again (MLS-36). */
  async #race(first: Device, second: Device): Promise<void> {
    this.#does("race");
    if (this.#random() < 0.5) await this.#world.setNow(unixSeconds(this.#world.now() + DAY));
    const texts = [`text ${++this.#texts}`, `text ${++this.#texts}`] as const;
    const before = this.#membersSeenBy(first);
    const outside = this.#people.filter(({ devices }) => !devices.some((device) => device.in));
    const adds =
      outside.length > 0 && this.#devices((device) => device.in).length < (this.#options.maxDevices ?? 14) - 3
        ? [this.#pick(outside).account]
        : [];
    const say = (device: Device, text: string): Promise<void> =>
      this.#seat(device).send([{ id: text, at: this.#world.now(), text }]);
    await Promise.all([
      this.#seat(first)
        .changeMembers({ adds })
        .then(() => say(first, texts[0])),
      say(second, texts[1]),
    ]);
    await this.#seat(first).sync();
    const after = this.#membersSeenBy(first);
    for (const reader of after) {
      // Who was added meanwhile reads what came after that.
      if (!before.includes(reader)) for (const text of texts) reader.may.add(text);
    }
    for (const reader of before) {
      if (reader !== first) reader.due.add(texts[0]);
      if (reader !== second) reader.due.add(texts[1]);
    }
    this.#noteMembers(first);
    await this.#readAll();
  }

  async #switchOff(device: Device): Promise<void> {
    this.#does("off");
    device.member = null;
  }

  /** A further device, which somebody has to add. */
  async #buy(person: Person): Promise<void> {
    if (person.devices.length === MAX_DEVICES) return;
    this.#does("new device");
    await this.#newDevice(person);
  }

  /** One that was off comes back: what it knows is what its storage holds. */
  async #switchOn(): Promise<void> {
    const off = this.#devices(({ member }) => member === null);
    if (off.length === 0) return;
    this.#does("on");
    await this.#open(this.#pick(off));
    await this.#readAll();
  }

  async #restart(device: Device): Promise<void> {
    this.#does("restart");
    await this.#open(device);
    await this.#readAll();
  }

  async #open(device: Device): Promise<void> {
    device.member = await Member.open(await this.#context(device.storage));
    await device.member.login(this.#world.audience);
  }

  /** Everybody who is on reads; what they were to read is read, and nothing else. */
  async #readAll(): Promise<void> {
    for (const device of this.#devices(({ member }) => member !== null)) {
      const member = device.member as Member;
      await member.sync();
      for (const seat of member.seats) {
        for (const event of seat.events) this.#check(device, event);
        await seat.handled(seat.events.length);
      }
      for (const text of device.due) throw new Error(`${device.name} lost "${text}"`);
      await member.replenishKeyPackages(KEY_PACKAGES);
    }
    await this.#watchDisks();
  }

  #check(device: Device, event: ConversationEvent): void {
    if (event.kind === "refused") throw new Error(`${device.name} refused ${event.item}: ${event.code}`);
    if (event.kind !== "message") return;
    const { text } = event.content;
    if (device.read.has(text)) throw new Error(`${device.name} read "${text}" twice`);
    if (!device.due.delete(text) && !device.may.delete(text))
      throw new Error(`${device.name} read "${text}", which was not for it`);
    device.read.add(text);
  }

  /** Everybody comes back: all who are in have one tree and one epoch, those who are not know it. */
  async #everybody(): Promise<void> {
    this.doing = "everybody";
    for (const device of this.#devices(({ member }) => member === null)) await this.#open(device);
    await this.#readAll();
    const inside = this.#devices((device) => device.in);
    const views = new Set(
      inside.map((device) => {
        const { groupContext } = this.#active(device).state;
        return `${groupContext.epoch} ${hex(groupContext.treeHash)} ${hex(groupContext.confirmedTranscriptHash)}`;
      }),
    );
    if (views.size !== 1) throw new Error("members disagree about the group");
    for (const device of this.#devices((one) => !one.in)) {
      const kind = device.member?.seats[0]?.kind;
      if (kind === "active") throw new Error(`${device.name} was removed and does not know it`);
    }
  }

  #membersSeenBy(device: Device): Device[] {
    const keys = new Set(this.#seat(device).members.map(({ deviceKey }) => hex(deviceKey)));
    return this.#devices(({ deviceKey }) => keys.has(deviceKey));
  }

  #noteMembers(by: Device): void {
    const inside = new Set(this.#membersSeenBy(by));
    for (const device of this.#devices()) device.in = inside.has(device);
  }

  /** Its keys as they are before it is removed: of the running program, or of its storage. */
  async #rob(device: Device): Promise<void> {
    if (device.member === null) await this.#open(device);
    await device.member?.sync();
    for (const event of this.#seat(device).events) this.#check(device, event);
    await this.#seat(device).handled(this.#seat(device).events.length);
    this.#thieves.push({ name: device.name, saved: serializeConversation(this.#active(device)) });
    if (this.#thieves.length > MAX_THIEVES) this.#thieves.shift();
  }

  /** The keys of those removed last, and of somebody who never was in, against a commit and its Welcome. */
  async #tryToOpen(
    commit: Extract<NewItem, { kind: "commit" }>,
    before: ActiveConversation,
    after: ActiveConversation,
    removed: number,
    by: Device,
  ): Promise<void> {
    const { suite } = after;
    if (removed > 0) {
      for (const thief of this.#thieves.slice(-removed)) {
        const keys = Object.values(stolen(suite, thief.saved).state.privatePath.privateKeys);
        const opened = await openedPathSecrets(suite, keys, commit.bytes, before.state, after.state);
        if (opened > 0) throw new Error(`${thief.name} opens the commit that removes it`);
        this.#attacks += keys.length;
      }
      const other = this.#devices((device) => device.in && device.member !== null && device !== by).find(
        (device) =>
          epochOf(this.#active(device)) === epochOf(before) && this.#membersSeenBy(by).includes(device),
      );
      if (other !== undefined) {
        const keys = Object.values(this.#active(other).state.privatePath.privateKeys);
        const opened = await openedPathSecrets(suite, keys, commit.bytes, before.state, after.state);
        if (opened === 0) throw new Error("the attack on commits does not even work with a member's keys");
        this.#controls += opened;
      }
    }
    if (commit.welcome !== null && this.#outsider !== null) {
      const opened = await openedGroupSecrets(suite, this.#outsider, commit.welcome.bytes);
      if (opened > 0) throw new Error("a Welcome opens for somebody whom it is not for");
      this.#attacks++;
    }
  }

  /** The keys of those removed last against what was just said. */
  async #tryToRead(by: Device): Promise<void> {
    const wire = this.#taken.findLast((item) => item.kind === "message")?.bytes;
    if (wire === undefined) throw new Error("nothing was sent");
    const now = this.#active(by);
    const context = { submitter: now.account, now: this.#world.now(), arrival: "stored" as const };
    const outcome = async (keys: ActiveConversation): Promise<string> => {
      const opened = await decryptMessage(keys, wire, context);
      return opened.kind === "refused" ? opened.code : opened.kind;
    };
    for (const { name, saved } of this.#thieves) {
      const thief = stolen(now.suite, saved);
      for (const keys of [thief, updatedByPublicData(thief, now)]) {
        const came = await outcome(keys);
        if (came !== "later-epoch" && came !== "undecryptable") throw new Error(`${name}, removed: ${came}`);
        this.#attacks++;
      }
    }
    const other = this.#devices((device) => device !== by && device.in && device.member !== null).find(
      (device) => epochOf(this.#active(device)) === epochOf(now),
    );
    if (other === undefined) return;
    const came = await outcome(this.#active(other));
    if (came !== "message" && came !== "no-envelope") throw new Error(`with a member's keys: ${came}`);
    this.#controls++;
  }

  async #watchDisks(): Promise<void> {
    const watched = this.#devices(({ name }) => name === this.#old?.name)[0];
    if (this.#old === null || this.#old.isFull) {
      const candidates = this.#devices((device) => device.in && device.member !== null);
      if (candidates.length === 0) return;
      const { name, storage } = this.#pick(candidates);
      this.#old = new OldSecrets(name, storage);
    } else if (watched !== undefined && watched.member !== null) {
      this.#searched += await this.#old.search(this.#seat(watched).conversation);
    }
  }

  async #measure(when: 0 | 1): Promise<void> {
    let largest = 0;
    for (const device of this.#devices()) {
      const records = await recordsOf(device.storage);
      largest = Math.max(largest, ...records.map(({ length }) => length));
    }
    this.#record[when] = largest;
    collectGarbage();
    this.#heap[when] = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  }
}
