import { CharterError, erasedAfter } from "@porchlight/charter";
import {
  base64,
  type DayNumber,
  EncodingError,
  Fields,
  formatDay,
  type Json,
  type JsonObject,
  type Period,
  parseJson,
  parsePeriod,
  utf8,
} from "@porchlight/encoding";
import { formatWarrant, otherAccounts, personsOf } from "@porchlight/gate";
import { loadCurve } from "@porchlight/quorum/mcl";
import { AdminRefusal, type AdminRequest, type Clock } from "@porchlight/runtime";
import type { CharterReview } from "./charters.ts";
import { KeyholderError } from "./error.ts";
import type { Keyholder } from "./keyholder.ts";
import type { LogMemory } from "./log-memory.ts";
import { type KeptOrder, stageOf } from "./order-book.ts";
import type { Examined, OrderDesk } from "./order-desk.ts";
import type { Paused } from "./pause.ts";

/** Commands of the admin socket (KEY-31). Whoever can open the socket is the operator. */
export async function handleAdmin(keyholder: Keyholder, clock: Clock, request: AdminRequest): Promise<Json> {
  const fields = new Fields(request, "request");
  const command = fields.string("command");
  const optional = (name: string): string | undefined =>
    fields.optional(name) === undefined ? undefined : fields.string(name);
  const perform = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (perform === undefined) {
    throw new AdminRefusal(
      "command-unknown",
      `there is no command ${command.slice(0, 40)}; there are ${Object.keys(commands).join(", ")}`,
    );
  }
  try {
    const act = perform({ keyholder, clock, fields, optional });
    fields.end();
    return await act();
  } catch (error) {
    // An operator's mistake is answered, not logged as a fault.
    const expected =
      error instanceof KeyholderError || error instanceof EncodingError || error instanceof CharterError;
    if (expected) throw new AdminRefusal(error.code, error.message);
    throw error;
  }
}

type Input = {
  readonly keyholder: Keyholder;
  readonly clock: Clock;
  readonly fields: Fields;
  readonly optional: (name: string) => string | undefined;
};

type Command = (input: Input) => () => Promise<Json> | Json;

/** Each reads its members first and acts afterwards, so that a member too many refuses the whole command. */
const commands: Record<string, Command> = {
  status:
    ({ keyholder, clock }) =>
    async () =>
      status(keyholder, clock, (await loadCurve()).name),
  public:
    ({ keyholder }) =>
    () => ({ ...keyholder.public }),
  "review-charter": ({ keyholder, fields }) => {
    const charter = fields.string("charter", 2 ** 20);
    return () => review(keyholder.reviewCharter(charter));
  },
  "sign-charter": ({ keyholder, fields }) => {
    const charter = fields.string("charter", 2 ** 20);
    const id = fields.string("id");
    return async () => ({ signature: { ...(await keyholder.signCharter(charter, id)) } });
  },
  "review-succession": ({ keyholder, fields }) => {
    const succession = fields.string("succession", 2 ** 16);
    return () => {
      const { digest } = keyholder.reviewSuccession(succession);
      return { digest, succession: parseJson(utf8(succession), "succession") };
    };
  },
  "sign-succession": ({ keyholder, fields }) => {
    const succession = fields.string("succession", 2 ** 16);
    const digest = fields.string("digest");
    return async () => ({ signature: { ...(await keyholder.signSuccession(succession, digest)) } });
  },
  "accept-succession": ({ keyholder, fields }) => {
    const charter = fields.string("charter", 2 ** 20);
    const succession = fields.string("succession", 2 ** 16);
    const digest = fields.string("digest");
    return async () => ({
      signature: { ...(await keyholder.acceptSuccession(charter, succession, digest)) },
    });
  },
  ceremony: ({ keyholder, fields, optional }) => {
    const period = parsePeriod(fields.string("period"));
    const charter = optional("charter");
    const number = generation(fields);
    return async () => copy(await keyholder.service(charter).ceremonies.begin(period, number));
  },
  refresh: ({ keyholder, fields, optional }) => {
    const period = parsePeriod(fields.string("period"));
    const charter = optional("charter");
    const number = fields.optional("generation") === undefined ? undefined : generation(fields);
    return async () => copy(await keyholder.service(charter).ceremonies.refresh(period, number));
  },
  "close-round": ({ keyholder, fields, optional }) => {
    const period = parsePeriod(fields.string("period"));
    const charter = optional("charter");
    const number = generation(fields);
    return () => {
      keyholder.service(charter).ceremonies.closeRound(period, number);
      return {};
    };
  },
  list:
    ({ keyholder }) =>
    async () =>
      (
        await Promise.all(
          keyholder.services.flatMap(({ desk }) =>
            desk === null
              ? []
              : [...desk.book.orders.values()].map(async (order) => await listed(desk, order)),
          ),
        )
      ).flat(),
  show: ({ keyholder, fields }) => {
    const id = fields.string("order");
    return () => show(keyholder.deskOf(id), id);
  },
  approve: ({ keyholder, fields }) => {
    const id = fields.string("order");
    const commitment = fields.string("commitment");
    const by = fields.string("by");
    return async () => ({ state: (await keyholder.deskOf(id).approve(id, commitment, by)).stage });
  },
  pause: ({ keyholder, fields }) => {
    const by = fields.string("by");
    const reason = fields.string("reason", 1000);
    return async () => pausedFacts(await keyholder.pause(by, reason));
  },
  resume: ({ keyholder, fields }) => {
    const pause = fields.string("pause", 32);
    return async () => {
      await keyholder.resume(pause);
      return {};
    };
  },
  "webhook-secret":
    ({ keyholder }) =>
    async () => ({
      secret: `whsec_${base64(await keyholder.webhookSecret())}`,
    }),
  refuse: ({ keyholder, fields }) => {
    const id = fields.string("order");
    const by = fields.string("by");
    const reason = fields.string("reason");
    return async () => ({ state: (await keyholder.deskOf(id).decline(id, by, reason)).stage });
  },
};

function generation(fields: Fields): number {
  return fields.optional("generation") === undefined ? 1 : fields.integer("generation", 1, 2 ** 32 - 1);
}

function copy(value: object): JsonObject {
  return { ...value } as JsonObject;
}

function pausedFacts({ id, reasons }: Paused): Json {
  return { id, reasons: reasons.map(copy) };
}

function status(keyholder: Keyholder, clock: Clock, curve: string): Json {
  return {
    name: keyholder.public.name,
    now: clock.now(),
    // Which implementation computes releases: "mcl-wasm", or "noble" where that could not be loaded.
    curve,
    paused: keyholder.paused === null ? null : pausedFacts(keyholder.paused),
    channels: keyholder.channels.map((channel) => ({ ...channel })),
    charters: keyholder.services.map(({ own, memory, ceremonies, desk }) => {
      const checkpoint = memory.view?.checkpoint;
      const counts: Record<string, number> = {};
      for (const order of desk?.book.orders.values() ?? []) {
        const stage = stageOf(order);
        counts[stage] = (counts[stage] ?? 0) + 1;
      }
      return {
        id: own.id,
        kind: own.document.kind,
        deployment: own.document.deployment,
        keyholder: own.self,
        inForce: memory.charter !== null,
        keyholders: (memory.charter ?? own.document).keyholders.map(({ index, name, url }) => ({
          index,
          name,
          url,
        })),
        threshold: own.document.threshold,
        batches: lastBatches(memory),
        successions: memory.successions.map(({ index, keyholder }) => ({ index, keyholder })),
        forked: memory.forked,
        log: checkpoint === undefined ? null : { size: checkpoint.size, time: checkpoint.time },
        periods: memory.periods.map((period) => periodFacts(memory, period)),
        ceremonies: ceremonies.report().map(copy),
        orders: counts,
      };
    }),
  };
}

/** Who has taken part of late: the day of each keyholder's last batch in the log (KEY-30), by its index. */
function lastBatches(memory: LogMemory): Json {
  const last = new Map<number, DayNumber>();
  for (const { entry } of memory.view?.entries ?? []) {
    if (entry.type === "keyholder-batch" && entry.charter === memory.own.id)
      last.set(entry.keyholder, entry.day);
  }
  return [...last].map(([keyholder, day]) => ({ keyholder, day: formatDay(day) }));
}

/** What the log says of a period's keys, for everybody to see. */
function periodFacts(memory: LogMemory, period: Period): Json {
  const logged = memory.keys(period);
  const { own } = memory;
  return {
    period,
    generation: logged?.keys.generation ?? 0,
    index: logged?.index ?? 0,
    absent: [...(logged?.keys.absent ?? [])],
    erasedAfter: {
      access: formatDay(erasedAfter(own.document, "access", period)),
      notice: formatDay(erasedAfter(own.document, "notice", period)),
    },
    erased: memory.erasures
      .filter(({ entry }) => entry.period === period)
      .map(({ entry: { keyholder, generation, kind, day } }) => ({
        keyholder,
        generation,
        kind,
        day: formatDay(day),
      })),
  };
}

function review({ id, bytes, self, warnings }: CharterReview): Json {
  return { id, keyholder: self, warnings: [...warnings], charter: parseJson(bytes, "charter") };
}

function summary(order: KeptOrder): Json {
  const { id, state, commitment, reference, receivedAt, received, releases } = order;
  return {
    order: id,
    state: stageOf(order),
    releases: releases.filter(({ kind }) => kind === "released").length,
    ...(state.kind === "refused" ? { code: state.code } : {}),
    commitment,
    reference,
    receivedAt,
    index: received.index,
  };
}

/** An order in the list: of one that is not over also who asks and until when. */
async function listed(desk: OrderDesk, order: KeptOrder): Promise<Json> {
  const short = summary(order);
  if (order.state.kind === "refused") return short;
  const known = await desk.order(order.id).catch(() => null);
  // One order that cannot be read hides no other.
  if (known === null) return short;
  const { document } = known.order;
  const { expires, emergency, issuer, requester } = document;
  const secretUntil = desk.secretUntil(known);
  return {
    ...(short as JsonObject),
    open: {
      issuer,
      requester: requester.name,
      expires,
      emergency,
      secretUntil: secretUntil === null ? null : formatDay(secretUntil),
    },
  };
}

function ruleAnswer({ rule, refusal }: Examined["rules"][number]): Json {
  if (refusal === null) return { rule, holds: true };
  const { code, reason, waits } = refusal;
  return { rule, holds: false, code, reason, waits };
}

function period(found: Examined["contest"]): Json {
  return found === null ? null : { lastDay: formatDay(found.lastDay), isOver: found.isOver };
}

function examination({ rules, caps, contest, inspection, due, at }: Examined): Json {
  return {
    at,
    rules: rules.map(ruleAnswer),
    caps: { accounts: { ...caps.accounts }, days: { ...caps.days }, orders: { ...caps.orders } },
    contest: period(contest),
    inspection: period(inspection),
    due: due === null ? null : formatDay(due),
  };
}

/** KEY-24: the whole order, as the person who decides has to see it. */
async function show(desk: OrderDesk, id: string): Promise<Json> {
  const order = desk.book.orders.get(id);
  if (order === undefined)
    throw new KeyholderError("order-unknown", "the order was turned away: nothing of it is kept");
  const { order: verified, labels } = await desk.order(id);
  const { document, others, signers } = verified;
  const examined = await desk.examine(id);
  return {
    ...(summary(order) as JsonObject),
    warrant: parseJson(formatWarrant(document), "warrant"),
    signedBy: [...signers],
    persons: personsOf(verified).map(({ account, person }) => ({ account, person })),
    others: otherAccounts(others),
    opens: {
      keys: labels.length,
      conversations: [...new Set(labels.map(({ conversation }) => conversation))],
      firstDay: formatDay(document.firstDay),
      lastDay: formatDay(document.lastDay),
    },
    // GATE-34
    examined: examined === null ? null : examination(examined),
    ...("approval" in order.state
      ? { approval: { by: order.state.approval.by, at: order.state.approval.at } }
      : {}),
    ...(order.state.kind === "refused"
      ? {
          reason: order.state.reason,
          rule: order.state.rule,
          refusedBy: order.state.by,
          refusedAt: order.state.at,
        }
      : {}),
  };
}
