// What the keyholder behind this desk says, read into what it means (KEY-31).
import {
  asString,
  type DayNumber,
  Fields,
  type Json,
  parseDay,
  type UnixSeconds,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { parseWarrant, type WarrantDocument } from "@porchlight/gate";
import { callAdmin } from "@porchlight/runtime";
import type { CapUse, Examined, RuleAnswer } from "../rules.ts";

const STAGES = ["checking", "awaiting-approval", "approved", "sealed", "released", "refused"] as const;
export type Stage = (typeof STAGES)[number];

/** `open`: what is said of an order that is not refused. */
export type Listed = {
  readonly id: string;
  readonly state: Stage;
  readonly code: string | null;
  readonly reference: string;
  readonly receivedAt: UnixSeconds;
  readonly releases: number;
  readonly open: {
    readonly issuer: string;
    readonly requester: string;
    readonly expires: UnixSeconds;
    readonly isEmergency: boolean;
    readonly secretUntil: DayNumber | null;
  } | null;
};

type Wait = { readonly lastDay: DayNumber; readonly isOver: boolean };

export type Shown = {
  readonly id: string;
  readonly state: Stage;
  readonly commitment: string;
  readonly index: number;
  readonly receivedAt: UnixSeconds;
  readonly releases: number;
  readonly document: WarrantDocument;
  readonly signedBy: readonly string[];
  readonly persons: readonly { readonly account: string; readonly person: string }[];
  readonly others: readonly string[];
  readonly keys: number;
  readonly conversations: number;
  readonly examined:
    | (Examined & {
        readonly at: UnixSeconds;
        readonly contest: Wait | null;
        readonly inspection: Wait | null;
        /** The day on which those whom it opens are told; `null` where the log does not hold it. */
        readonly due: DayNumber | null;
      })
    | null;
  readonly approval: { readonly by: string; readonly at: UnixSeconds } | null;
  readonly refusal: {
    readonly rule: string;
    readonly reason: string;
    readonly by: string | null;
    readonly at: UnixSeconds;
  } | null;
};

export type Named = { readonly keyholder: number; readonly fault: string };
export type Ceremony = {
  readonly period: string;
  readonly generation: number;
  readonly from: number;
} & (
  | {
      readonly kind: "running";
      readonly phase: "joining" | "dealing" | "checking" | "answering" | "signing" | "logging";
      readonly missing: readonly number[];
      readonly named: readonly Named[];
    }
  | { readonly kind: "ready"; readonly absent: readonly number[]; readonly named: readonly Named[] }
  | { readonly kind: "aborted"; readonly reason: string; readonly named: readonly Named[] }
  | { readonly kind: "not-begun"; readonly joined: readonly number[] }
);

export type PeriodState = {
  readonly period: string;
  readonly generation: number;
  readonly absent: readonly number[];
  readonly until: { readonly access: DayNumber; readonly notice: DayNumber };
  readonly erased: readonly {
    readonly keyholder: number;
    readonly kind: string;
    readonly generation: number;
  }[];
};

export type CharterState = {
  readonly id: string;
  readonly kind: "court" | "house";
  readonly deployment: string;
  /** This keyholder's own index. */
  readonly self: number;
  readonly inForce: boolean;
  readonly threshold: number;
  readonly keyholders: readonly { readonly index: number; readonly name: string; readonly url: string }[];
  readonly successions: readonly { readonly index: number; readonly keyholder: number }[];
  readonly forked: boolean;
  readonly log: { readonly size: number; readonly time: UnixSeconds } | null;
  readonly periods: readonly PeriodState[];
  readonly ceremonies: readonly Ceremony[];
  /** Of each keyholder that has published any: the day of its last batch in the log. */
  readonly batches: ReadonlyMap<number, DayNumber>;
  readonly orders: ReadonlyMap<string, number>;
};

/** `reasons`: at least one, the oldest first. `id` is another whenever one is added (KEY-34). */
type Paused = {
  readonly id: string;
  readonly reasons: readonly { readonly by: string; readonly at: UnixSeconds; readonly reason: string }[];
};

export type Status = {
  readonly name: string;
  readonly now: UnixSeconds;
  readonly paused: Paused | null;
  readonly channels: readonly { readonly name: "webhook" | "mail"; readonly failures: number }[];
  readonly charters: readonly CharterState[];
};

const MANY = 1_000_000;

/** Asks the process that runs in the directory. Throws RuntimeError "admin-unreachable", AdminRefusal, EncodingError. */
export class KeyholderSocket {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async ask(command: string, members: Readonly<Record<string, Json>> = {}): Promise<Json> {
    return await callAdmin(this.#directory, { command, ...members });
  }

  async status(): Promise<Status> {
    return readStatus(await this.ask("status"));
  }

  async list(): Promise<Listed[]> {
    return new Fields({ orders: await this.ask("list") }, "list").array("orders", readListed, MANY);
  }

  async show(order: string): Promise<Shown> {
    return readShown(await this.ask("show", { order }));
  }
}

const number = (value: Json, where: string): number =>
  new Fields({ number: value }, where).integer("number", 0, 2 ** 32);

function readStatus(value: Json): Status {
  const fields = new Fields(value, "status");
  const paused = nullable(fields, "paused", (pause) => ({
    id: pause.string("id", 32),
    reasons: pause.array("reasons", (item, where) => {
      const one = new Fields(item, where);
      return {
        by: one.string("by"),
        at: unixSeconds(one.integer("at")),
        reason: one.string("reason", 1000),
      };
    }),
  }));
  return {
    name: fields.string("name"),
    now: unixSeconds(fields.integer("now")),
    paused,
    channels: fields.array("channels", (item, where) => {
      const one = new Fields(item, where);
      return { name: one.literal("name", "webhook", "mail"), failures: one.integer("failures") };
    }),
    charters: fields.array("charters", readCharter),
  };
}

function nullable<T>(fields: Fields, name: string, read: (fields: Fields) => T): T | null {
  return fields.json(name) === null ? null : read(fields.object(name));
}

function readCharter(value: Json, where: string): CharterState {
  const fields = new Fields(value, where);
  return {
    id: fields.string("id"),
    kind: fields.literal("kind", "court", "house"),
    deployment: fields.string("deployment"),
    self: fields.integer("keyholder"),
    inForce: fields.boolean("inForce"),
    threshold: fields.integer("threshold"),
    keyholders: fields.array("keyholders", (item, place) => {
      const one = new Fields(item, place);
      return { index: one.integer("index"), name: one.string("name"), url: one.string("url") };
    }),
    successions: fields.array("successions", (item, place) => {
      const one = new Fields(item, place);
      return { index: one.integer("index"), keyholder: one.integer("keyholder") };
    }),
    forked: fields.boolean("forked"),
    log: nullable(fields, "log", (one) => ({
      size: one.integer("size"),
      time: unixSeconds(one.integer("time")),
    })),
    periods: fields.array("periods", readPeriod, MANY),
    ceremonies: fields.array("ceremonies", readCeremony, MANY),
    batches: new Map(
      fields.array("batches", (item, place) => {
        const one = new Fields(item, place);
        return [one.integer("keyholder"), parseDay(one.string("day"))] as const;
      }),
    ),
    orders: new Map(
      Object.entries(fields.json("orders") as Record<string, Json>).map(([stage, count]) => [
        stage,
        number(count, `${where}.orders`),
      ]),
    ),
  };
}

function readPeriod(value: Json, where: string): PeriodState {
  const fields = new Fields(value, where);
  const after = fields.object("erasedAfter");
  return {
    period: fields.string("period"),
    generation: fields.integer("generation"),
    absent: fields.array("absent", number),
    until: { access: parseDay(after.string("access")), notice: parseDay(after.string("notice")) },
    erased: fields.array(
      "erased",
      (item, place) => {
        const one = new Fields(item, place);
        return {
          keyholder: one.integer("keyholder"),
          kind: one.string("kind"),
          generation: one.integer("generation"),
        };
      },
      MANY,
    ),
  };
}

function readCeremony(value: Json, where: string): Ceremony {
  const fields = new Fields(value, where);
  const name = {
    period: fields.string("period"),
    generation: fields.integer("generation"),
    from: fields.integer("from"),
  };
  const kind = fields.literal("kind", "running", "ready", "aborted", "not-begun");
  if (kind === "not-begun") return { ...name, kind, joined: fields.array("joined", number) };
  const named = fields.array("named", (item, place): Named => {
    const one = new Fields(item, place);
    return { keyholder: one.integer("keyholder"), fault: one.string("fault") };
  });
  if (kind === "aborted") return { ...name, kind, reason: fields.string("reason"), named };
  if (kind === "ready") return { ...name, kind, absent: fields.array("absent", number), named };
  return {
    ...name,
    kind,
    phase: fields.literal("phase", "joining", "dealing", "checking", "answering", "signing", "logging"),
    missing: fields.array("missing", number),
    named,
  };
}

function readListed(value: Json, where: string): Listed {
  const fields = new Fields(value, where);
  const open = fields.optional("open") === undefined ? null : fields.object("open");
  return {
    id: fields.string("order"),
    state: fields.literal("state", ...STAGES),
    code: fields.optional("code") === undefined ? null : fields.string("code"),
    reference: fields.string("reference"),
    receivedAt: unixSeconds(fields.integer("receivedAt")),
    releases: fields.integer("releases"),
    open:
      open === null
        ? null
        : {
            issuer: open.string("issuer"),
            requester: open.string("requester"),
            expires: unixSeconds(open.integer("expires")),
            isEmergency: open.boolean("emergency"),
            secretUntil: open.json("secretUntil") === null ? null : parseDay(open.string("secretUntil")),
          },
  };
}

function readShown(value: Json): Shown {
  const fields = new Fields(value, "order");
  const opens = fields.object("opens");
  const approval = fields.optional("approval") === undefined ? null : fields.object("approval");
  return {
    id: fields.string("order"),
    state: fields.literal("state", ...STAGES),
    commitment: fields.string("commitment"),
    index: fields.integer("index"),
    receivedAt: unixSeconds(fields.integer("receivedAt")),
    releases: fields.integer("releases"),
    document: parseWarrant(utf8(JSON.stringify(fields.json("warrant")))),
    signedBy: fields.array("signedBy", (item, where) => asString(item, where)),
    persons: fields.array(
      "persons",
      (item, where) => {
        const one = new Fields(item, where);
        return { account: one.string("account"), person: one.string("person") };
      },
      MANY,
    ),
    others: fields.array("others", (item, where) => asString(item, where), MANY),
    keys: opens.integer("keys"),
    conversations: opens.array("conversations", (item, where) => asString(item, where), MANY).length,
    examined: nullable(fields, "examined", readExamined),
    approval:
      approval === null ? null : { by: approval.string("by"), at: unixSeconds(approval.integer("at")) },
    refusal:
      fields.optional("rule") === undefined
        ? null
        : {
            rule: fields.string("rule"),
            reason: fields.string("reason", 2000),
            by: fields.json("refusedBy") === null ? null : fields.string("refusedBy"),
            at: unixSeconds(fields.integer("refusedAt")),
          },
  };
}

function readExamined(fields: Fields): NonNullable<Shown["examined"]> {
  const caps = fields.object("caps");
  const use = (name: string): CapUse => {
    const one = caps.object(name);
    return { used: one.integer("used"), limit: one.integer("limit") };
  };
  const wait = (one: Fields): Wait => ({
    lastDay: parseDay(one.string("lastDay")),
    isOver: one.boolean("isOver"),
  });
  return {
    at: unixSeconds(fields.integer("at")),
    rules: fields.array("rules", (item, where): RuleAnswer => {
      const one = new Fields(item, where);
      const rule = one.string("rule");
      if (one.boolean("holds")) return { rule, holds: true };
      return { rule, holds: false, reason: one.string("reason", 1000), waits: one.boolean("waits") };
    }),
    caps: { accounts: use("accounts"), days: use("days"), orders: use("orders") },
    contest: nullable(fields, "contest", wait),
    inspection: nullable(fields, "inspection", wait),
    due: fields.json("due") === null ? null : parseDay(fields.string("due")),
  };
}
