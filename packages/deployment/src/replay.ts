import { randomBytes } from "node:crypto";
import type { Charter } from "@porchlight/charter";
import {
  type AccountId,
  type ConversationId,
  type DayNumber,
  dayStart,
  EncodingError,
  formatDay,
  hex,
  type Period,
  parseJson,
  periodOf,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import type { EscrowKeys } from "@porchlight/envelope";
import {
  type ActiveConversation,
  acceptEnvelope,
  attachTerms,
  createConversation,
  decryptMessage,
  epochOf,
  membersOf,
  prepareCommit,
} from "@porchlight/mls";
import { nodeMlsSuite } from "@porchlight/mls/node";
import { ServerClient, type StoredItem } from "@porchlight/wire";
import type { ChatDay, ChatLine } from "./chat.ts";
import { checkEnvelopes } from "./envelope-check.ts";
import { DeploymentError } from "./error.ts";
import type { Progress } from "./progress.ts";
import { keyMaterial, Speaker, termsOf } from "./speaker.ts";

/** What a replay needs of the deployment that it runs in. */
export type ReplayStage = {
  readonly url: string;
  readonly charter: Charter;
  /** Moves every party's clock; forward only. */
  readonly tick: (at: UnixSeconds) => Promise<void>;
  /** The verified keys of a period; runs its ceremony where there was none. */
  readonly keysOf: (period: Period) => Promise<EscrowKeys>;
};

export type Replayed = {
  readonly conversation: ConversationId;
  /** Account of each person, by the name that the chat uses. */
  readonly accounts: ReadonlyMap<string, AccountId>;
  readonly members: number;
  readonly messages: number;
  readonly envelopes: number;
  readonly envelopeBytes: number;
  /** Messages that the reader decrypted, verified and found equal to what was written. */
  readonly read: number;
  /** Envelopes that the sampled members recomputed, and how many members those were. */
  readonly sampled: { readonly members: number; readonly envelopes: number };
};

const SAMPLED_MEMBERS = 10;
const SUBMIT_LIMIT = 200;
/** Parties hear of the time at least this often while a chat is replayed. */
const TICK_SECONDS = 600;

/**
 * Replays a chat as one encrypted conversation, on its real days. Every day the reader commits once: it removes who is
 * silent that day, adds who speaks and renews its path. Each speaker holds its own state; the reader decrypts and
 * verifies everything; ten members recompute all envelopes of `sampleDay`.
 */
export async function replayChat(
  stage: ReplayStage,
  days: readonly ChatDay[],
  options: { readonly seed: string | null; readonly sampleDay: DayNumber; readonly progress: Progress },
): Promise<Replayed> {
  const { charter } = stage;
  const { seed, progress } = options;
  const suite = await nodeMlsSuite();
  const person = (name: string): Speaker =>
    new Speaker({
      name,
      suite,
      client: new ServerClient({ url: stage.url }),
      random: keyMaterial(seed, charter.id, name),
    });
  const audience = charter.log.origin;
  const terms = termsOf(charter);
  const speakers = new Map<string, Speaker>();
  const totals = { messages: 0, envelopes: 0, envelopeBytes: 0, read: 0 };
  let checking = Promise.resolve({ members: 0, envelopes: 0 });

  const [firstDay] = days;
  if (firstDay === undefined) throw new DeploymentError("chat-empty", "there is nothing to replay");
  let now = firstTime(firstDay);
  await stage.tick(now);
  const reader = person("the reader of this replay");
  await reader.register(audience);
  const created = await createConversation({
    device: reader.device,
    charter: charter.id,
    day: firstDay.day,
    now,
    random: (length) => new Uint8Array(randomBytes(length)),
  });
  reader.conversation = attachTerms(created, terms);
  const conversation = created.id;
  await reader.client.createConversation({ conversation, charter: charter.id, day: firstDay.day });
  let after = 0;

  progress.start(
    "messages",
    days.reduce((sum, { lines }) => sum + lines.length, 0),
  );
  for (const { day, lines } of days) {
    now = laterOf(now, firstTime({ day, lines }));
    await stage.tick(now);
    const keys = await stage.keysOf(periodOf(day));
    const today = new Map(
      [...new Set(lines.map(({ from }) => from))].map((name) => [name, speakers.get(name)]),
    );
    for (const [name, known] of today) {
      const speaker = known ?? person(name);
      if (known === undefined) await speaker.register(audience);
      speakers.set(name, speaker);
      today.set(name, speaker);
    }
    const present = [...today.values()].filter((speaker): speaker is Speaker => speaker !== undefined);
    const silent = [...speakers.values()].filter((speaker) => !today.has(speaker.name));
    after = await changeMembers(reader, present, { day, now, terms });
    // Whoever was removed keeps nothing of the conversation.
    for (const speaker of silent) speaker.conversation = null;
    const read: string[] = [];
    const dayItems: StoredItem[] = [];
    const catchUp = async (): Promise<void> => {
      for (;;) {
        const page = await reader.client.items(conversation, after);
        for (const item of page.items) {
          reader.conversation = await take(reader.active, item, keys, now, read);
          if (item.kind === "envelope") dayItems.push(item);
        }
        after = page.items.at(-1)?.seq ?? after;
        if (after >= page.head || page.items.length === 0) return;
      }
    };
    for (const speaker of present) totals.envelopeBytes += await speaker.announce(keys);
    totals.envelopes += present.length;
    await catchUp();
    if (day === options.sampleDay) {
      const chosen = sample(present, SAMPLED_MEMBERS, keyMaterial(seed, charter.id, "sample"));
      checking = checkEnvelopes(
        chosen.map(({ active }) => active),
        dayItems,
        keys,
      );
      // Whoever waits for it at the end sees a failure; until then it must not end the process.
      checking.catch(() => {});
    }
    for (const turn of turnsOf(lines)) {
      const [first] = turn;
      if (first === undefined) continue;
      if (first.time >= now + TICK_SECONDS) {
        now = first.time;
        await stage.tick(now);
        await catchUp();
      }
      await (speakers.get(first.from) as Speaker).say(turn, now);
      totals.messages += turn.length;
      progress.step(turn.length);
    }
    await catchUp();
    totals.read += read.length;
    const written = lines.map(({ from, at, text, kind }) =>
      JSON.stringify([speakers.get(from)?.account, at, text, kind ?? null]),
    );
    if (read.length !== written.length || written.some((line, i) => read[i] !== line)) {
      throw new DeploymentError(
        "state-mismatch",
        `the reader did not read what was written on ${formatDay(day)}`,
      );
    }
  }
  progress.end();
  return {
    conversation,
    accounts: new Map([...speakers].map(([name, { account }]) => [name, account])),
    members: speakers.size,
    sampled: await checking,
    ...totals,
  };
}

/** The day's one commit, applied by all who are there; returns the seq that it got. */
async function changeMembers(
  reader: Speaker,
  present: readonly Speaker[],
  at: { readonly day: DayNumber; readonly now: UnixSeconds; readonly terms: ReturnType<typeof termsOf> },
): Promise<number> {
  const { day, now, terms } = at;
  const staying = present.filter((speaker) => speaker.conversation !== null);
  const joining = present.filter((speaker) => speaker.conversation === null);
  const stays = new Set([reader, ...staying].map(({ account }) => account));
  const removes = [...new Set(membersOf(reader.active).map(({ account }) => account))].filter(
    (id) => !stays.has(id),
  );
  const adds: Uint8Array[] = [];
  for (const speaker of joining) {
    await speaker.offer(now);
    const [claimed] = await reader.client.claimKeyPackages(speaker.account);
    if (claimed === undefined) throw new DeploymentError("state-mismatch", "a published key package is gone");
    adds.push(claimed.keyPackage);
  }
  const prepared = await prepareCommit(reader.active, { adds, removes, day, update: true });
  const [seq] = await reader.client.submit(reader.active.id, [
    {
      kind: "commit",
      key: hex(randomBytes(16)),
      epoch: epochOf(reader.active),
      bytes: prepared.commit,
      welcome:
        prepared.welcome === undefined
          ? null
          : {
              accounts: joining.map(({ account }) => account),
              bytes: prepared.welcome,
              tree: prepared.ratchetTree,
            },
    },
  ]);
  if (seq === undefined) throw new DeploymentError("state-mismatch", "the server gave a commit no place");
  reader.conversation = prepared.pending;
  prepared.spent.erase();
  const page = await reader.client.items(reader.active.id, seq - 1, { limit: 1 });
  const [commit] = page.items;
  if (commit?.kind !== "commit" || commit.seq !== seq) {
    throw new DeploymentError("state-mismatch", "the server did not keep the order that it acknowledged");
  }
  for (const speaker of staying) await speaker.follow(commit, now);
  for (const speaker of joining) await speaker.join(reader.active.id, terms, now);
  return seq;
}

/** One item of the server, with every check that a member's client makes; what was read goes to `read`. */
async function take(
  conversation: ActiveConversation,
  item: StoredItem,
  keys: EscrowKeys,
  now: UnixSeconds,
  read: string[],
): Promise<ActiveConversation> {
  if (item.kind === "envelope")
    return acceptEnvelope(conversation, item.bytes, keys, { submitter: item.submitter });
  if (item.kind === "commit") return conversation;
  const opened = await decryptMessage(conversation, item.bytes, {
    submitter: item.submitter,
    now,
    arrival: "live",
  });
  if (opened.kind === "refused") {
    throw new DeploymentError("state-mismatch", `the reader refused a message: ${opened.code}`);
  }
  opened.spent.erase();
  read.push(JSON.stringify([opened.sender, ...plain(opened.content)]));
  return opened.conversation;
}

function plain(content: Uint8Array): [at: unknown, text: unknown, kind: unknown] {
  const value = parseJson(content) as {
    readonly at?: unknown;
    readonly text?: unknown;
    readonly kind?: unknown;
  };
  if (value === null || typeof value !== "object") throw new EncodingError("wrong-type", "content");
  return [value.at, value.text, value.kind ?? null];
}

/** The instant at which a day of the chat begins for the deployment: a little before its first line. */
function firstTime({ day, lines }: ChatDay): UnixSeconds {
  return unixSeconds(Math.max(dayStart(day), (lines[0]?.time ?? dayStart(day)) - 60));
}

function laterOf(a: UnixSeconds, b: UnixSeconds): UnixSeconds {
  return a > b ? a : b;
}

/** Consecutive lines of one person, which its device hands in together. */
function turnsOf(lines: readonly ChatLine[]): ChatLine[][] {
  const turns: ChatLine[][] = [];
  for (const line of lines) {
    const last = turns.at(-1);
    if (last !== undefined && last[0]?.from === line.from && last.length < SUBMIT_LIMIT) last.push(line);
    else turns.push([line]);
  }
  return turns;
}

function sample<T>(items: readonly T[], count: number, random: (length: number) => Uint8Array): T[] {
  const left = [...items];
  const chosen: T[] = [];
  while (chosen.length < count && left.length > 0) {
    const at = new DataView(random(4).buffer).getUint32(0) % left.length;
    chosen.push(...left.splice(at, 1));
  }
  return chosen;
}
