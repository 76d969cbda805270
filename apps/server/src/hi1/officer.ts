import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { asName, asProse, formatEntry, signIntake } from "@porchlight/charter";
import {
  type AccountId,
  base64,
  type Commitment,
  commitment,
  dayOf,
  formatDay,
  hex,
  type Json,
} from "@porchlight/encoding";
import { commitmentOf } from "@porchlight/gate";
import {
  advance,
  type DocumentObject,
  dateTimeOf,
  errorOf,
  type Held,
  type LDTask,
  type LPTask,
  objection,
  offer,
  referenceOf,
  revise,
  statusOf,
  typeName,
  WAITING,
  whatOf,
} from "@porchlight/hi1";
import type { Clock } from "@porchlight/runtime";
import { nodeSuite } from "@porchlight/tlog/node";
import type { Database } from "../database.ts";
import type { Identity } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Orders } from "../orders.ts";
import type { Persons } from "../persons.ts";
import type { KnownPreservation, Preservations } from "../preservations.ts";
import { Refusal } from "../refusal.ts";
import { askedIn } from "./asked.ts";
import {
  actChecks,
  authorisationChecks,
  type Check,
  orderIn,
  providerTaskChecks,
  verified,
  warrantChecks,
} from "./checks.ts";
import type { Hi1Endpoint } from "./endpoint.ts";
import {
  brief,
  documentFacts,
  dueOf,
  earliest,
  type File,
  fileOf,
  filesOf,
  isOpen,
  isUrgent,
  wantsMore,
} from "./files.ts";
import { endOf, type Following, heldUntil } from "./following.ts";
import { type Kept, type ObjectStore, READ_AT_ONCE } from "./object-store.ts";
import { extentOf, providerData } from "./provider-data.ts";
import type { Registrations } from "./registrations.ts";

/** What an officer may do with an object as it stands. */
export const ACTS = [
  "approve",
  "answer",
  "preserve",
  "challenge",
  "refuse",
  "suspend",
  "resume",
  "unavailable",
] as const;
type Act = (typeof ACTS)[number];

type Decision = {
  readonly id: string;
  /** The generation that the officer saw. */
  readonly generation: number;
  readonly act: Act;
  /** Who decides. */
  readonly by: string;
  /** Why; goes to who asked with a challenge or a refusal. */
  readonly words: string;
  /** Of orders to preserve. */
  readonly preservations: readonly Commitment[];
  /** Whose the accounts were when the officer looked; null where that is not said. */
  readonly persons: readonly Named[] | null;
};

/** An account and whose it is; null for nobody. */
type Named = { readonly account: AccountId; readonly person: string | null };

/** Lines of one look at the inbox: each has at most some hundred characters, and all of them fit an answer of the socket. */
const INBOX_LINES = 500;

/** Acts for which all checks have to be met (HI1-36). */
const CHECKED: ReadonlySet<Act> = new Set(["approve", "answer", "resume"]);

type OfficerParts = {
  readonly database: Database;
  readonly endpoint: Hi1Endpoint;
  readonly store: ObjectStore;
  readonly registrations: Registrations;
  readonly following: Following;
  readonly orders: Orders;
  readonly preservations: Preservations;
  readonly persons: Persons;
  readonly log: Log;
  readonly identity: Identity;
  readonly clock: Clock;
};

type Family = File & {
  readonly senders: ReadonlySet<string>;
};

/** The response officer's side of the endpoint: what came, what has to be so, and what was decided by whom. */
export class Hi1Officer {
  readonly #parts: OfficerParts;

  constructor(parts: OfficerParts) {
    this.#parts = parts;
  }

  /**
   * What came, {@link INBOX_LINES} from the `from`th on: what waits for a decision or has a clock first, then what is open, then
   * what is done. `more`: how many there are behind these.
   */
  async inbox(from: number): Promise<Json> {
    const { endpoint, store, following, database } = this.#parts;
    await endpoint.alone(async () => await following.run(null));
    const open = await store.open(database, brief);
    const files = filesOf(open);
    const lines = open.filter(isOpen).map((kept) => this.#line(kept, files));
    // By the earliest deadline of its file; of what has none, emergencies first.
    type Line = (typeof lines)[number];
    const rank = (line: Line): number => (line.due !== null || WAITING.includes(line.status) ? 0 : 1);
    const due = (line: Line): number => line.due ?? line.received + (line.isEmergency ? 0 : 10 ** 10);
    lines.sort((a, b) => rank(a) - rank(b) || due(a) - due(b) || a.received - b.received);
    const first = lines.slice(from, from + INBOX_LINES);
    const before = Math.max(0, from - lines.length);
    const done = await store.done(database, before, INBOX_LINES - first.length, brief);
    const above = await this.#above(done);
    const all = filesOf([...open, ...done, ...above]);
    return {
      objects: [...first, ...done.map((kept) => this.#line(kept, all))],
      more: Math.max(0, lines.length + (await store.countDone(database)) - from - INBOX_LINES),
    };
  }

  /** The authorisations to which these belong: an emergency's is flagged as such (HI1-22). */
  async #above(all: readonly Kept[]): Promise<Kept[]> {
    const { store, database } = this.#parts;
    const names = [...new Set(all.flatMap(({ held }) => (held.type === "LPTask" ? [] : [fileOf(held)])))];
    const found: Kept[] = [];
    for (let i = 0; i < names.length; i += READ_AT_ONCE)
      found.push(...(await store.bare(database, names.slice(i, i + READ_AT_ONCE))).map(brief));
    return found;
  }

  #line(kept: Kept, files: ReadonlyMap<string, File>) {
    const { held, received } = kept;
    const { config } = this.#parts.endpoint;
    const file = files.get(fileOf(held)) ?? { authorisation: null, siblings: [kept] };
    const deadline = dueOf(kept, file, config);
    const due = earliest(file, config);
    return {
      id: held.object.ObjectIdentifier,
      type: held.type,
      what: whatOf(held.object),
      owner: held.owner,
      status: statusOf(held.object) ?? "",
      generation: held.object.Generation ?? 0,
      received: received as number,
      reference: referenceOf(held.object),
      authorisation: file.authorisation?.held.object.ObjectIdentifier ?? null,
      isEmergency: isUrgent(file),
      isOpen: isOpen(kept),
      wantsMore: wantsMore(held),
      deadline: deadline as number | null,
      due: (due ?? deadline) as number | null,
    };
  }

  /** Everything about one object, with checks, custody and what may be done. Throws Refusal. */
  async show(id: string): Promise<Json> {
    const { endpoint, following } = this.#parts;
    await endpoint.alone(async () => await following.run(null));
    const { kept, family } = await this.#open(id);
    const { database, store, endpoint: at } = this.#parts;
    const { checks } = await this.#checks(kept, family);
    const { held, logged, preserved } = kept;
    const all = [...family.siblings, ...(family.authorisation === null ? [] : [family.authorisation])];
    const known =
      held.type === "LPTask" && held.scope !== null ? await this.#candidates(held.scope.accounts) : [];
    const scope =
      held.scope === null
        ? null
        : {
            accounts: await this.#named(held.scope.accounts),
            conversations: [...held.scope.conversations],
            firstDay: formatDay(held.scope.firstDay),
            lastDay: formatDay(held.scope.lastDay),
          };
    return {
      ...this.#line(kept, filesOf([...all, kept])),
      reference: referenceOf(held.object),
      asked: askedIn(held).map((one) => ({ ...one })),
      document: held.type === "Document" ? documentFacts(held.object as DocumentObject) : null,
      scope,
      extent: held.scope === null ? null : { ...(await extentOf(held.scope, at.charters, database)) },
      checks: checks.map((one) => ({ ...one })),
      acts: [...actsFor(held)],
      related: all
        .filter(({ held: one }) => one.object.ObjectIdentifier !== id)
        .map(({ held: one }) => ({
          id: one.object.ObjectIdentifier,
          what: whatOf(one.object),
          status: statusOf(one.object) ?? "",
        })),
      logged: logged === null ? null : { commitment: logged, index: this.#indexOf(logged) },
      preserved: [...preserved],
      preservations: known.map(({ commitment: name, document, state }) => ({
        commitment: name,
        reference: document.reference,
        issuer: document.issuer,
        account: document.account,
        firstDay: formatDay(document.firstDay),
        lastDay: formatDay(document.lastDay),
        until: formatDay(document.until),
        state,
      })),
      custody: (await store.custody(database, id)).map((line) => ({ ...line })),
    };
  }

  /** A document's bytes as they came, base64; nobody approves what nobody can read. Throws Refusal "not-found". */
  async contents(id: string): Promise<Json> {
    const [kept] = await this.#parts.store.get(this.#parts.database, [id]);
    const contents =
      kept?.held.type === "Document"
        ? (kept.held.object as DocumentObject)["doc:DocumentBody"]?.["doc:Contents"]
        : undefined;
    if (contents === undefined) throw new Refusal("not-found", "no such document's contents are kept here");
    return { contents };
  }

  /** Accounts with whose they are by this provider's records: what an officer compares with the court's act. */
  async #named(accounts: readonly AccountId[]): Promise<Named[]> {
    const named: Named[] = [];
    for (const account of accounts) {
      named.push({ account, person: await this.#parts.persons.nameOf(account) });
    }
    return named;
  }

  #indexOf(logged: Commitment): number | null {
    const { catalogue } = this.#parts.log;
    return catalogue.order(logged) ?? catalogue.providerAnswer(logged) ?? null;
  }

  async #candidates(accounts: readonly string[]): Promise<KnownPreservation[]> {
    const known = await this.#parts.preservations.known();
    return known.filter(({ document, state }) => accounts.includes(document.account) && state === "held");
  }

  async #open(id: string): Promise<{ readonly kept: Kept; readonly family: Family }> {
    const { store, database, registrations } = this.#parts;
    const [kept] = await store.get(database, [id]);
    if (kept === undefined) throw new Refusal("not-found", "there is no such object");
    const { held } = kept;
    const above = fileOf(held);
    const [authorisation = null] = await store.get(database, [above]);
    const siblings = await store.under(database, above);
    const senders = new Set((await registrations.keys()).keys());
    return { kept, family: { authorisation, siblings, senders } };
  }

  async #checks(
    kept: Kept,
    family: Family,
  ): Promise<{ readonly checks: readonly Check[]; readonly tasks: readonly Kept[] }> {
    const { held } = kept;
    const { endpoint, clock } = this.#parts;
    if (held.type === "Authorisation") return { checks: authorisationChecks(kept, family), tasks: [] };
    if (held.type === "Document") {
      return whatOf(held.object) === "Warrant"
        ? await warrantChecks(kept, family, (id) => endpoint.charterOf(id), clock.now())
        : { checks: actChecks(kept, family), tasks: [] };
    }
    if (held.type === "LDTask" && whatOf(held.object) !== "StoredContentData") {
      return { checks: providerTaskChecks(kept, family), tasks: [] };
    }
    return { checks: [], tasks: [] };
  }

  /** Carries out what the officer decided (HI1-33, HI1-36). Throws Refusal; what was decided is durable when it resolves. */
  async decide(decision: Decision): Promise<Json> {
    const by = asName(decision.by, "by");
    const words = asProse(decision.words, "words", 5000);
    return await this.#parts.endpoint.alone(async () => {
      const { kept, family } = await this.#open(decision.id);
      if ((kept.held.object.Generation ?? 0) !== decision.generation) {
        throw refused("generation-stale", "it has changed since you looked: look again");
      }
      await this.#asSeen(decision, kept);
      if (!actsFor(kept.held).includes(decision.act)) {
        throw refused("transition-refused", "as it stands, this cannot be done with it");
      }
      if (words === "" && (decision.act === "challenge" || decision.act === "refuse")) {
        throw refused("words-missing", "say why: the reason goes to who asked");
      }
      const { checks, tasks } = await this.#checks(kept, family);
      const unmet = checks.find(({ isMet }) => !isMet);
      if (unmet !== undefined && CHECKED.has(decision.act)) {
        throw new Refusal("act-refused", unmet.words, { reason: unmet.code });
      }
      await this.#carryOut({ ...decision, by, words }, kept, tasks);
      return { id: decision.id, done: decision.act };
    });
  }

  /** HI1-35: somebody may have noted another name since the officer looked. */
  async #asSeen({ persons }: Decision, { held }: Kept): Promise<void> {
    if (persons === null) return;
    const now = held.scope === null ? [] : await this.#named(held.scope.accounts);
    const isSame =
      now.length === persons.length &&
      now.every(({ account, person }, i) => persons[i]?.account === account && persons[i].person === person);
    if (!isSame)
      throw refused("generation-stale", "whose accounts these are has changed since you looked: look again");
  }

  async #carryOut(decision: Decision, kept: Kept, tasks: readonly Kept[]): Promise<void> {
    const { held } = kept;
    const { act, words } = decision;
    switch (act) {
      case "approve":
        return held.type === "Document" && whatOf(held.object) === "Warrant"
          ? await this.#logOrder(decision, kept, tasks)
          : await this.#move(decision, [{ kept, status: "Approved" }]);
      case "answer":
        return await this.#answer(decision, kept);
      case "preserve":
        return await this.#preserve(decision, kept);
      case "challenge":
        return await this.#challenge(decision, kept);
      case "refuse":
        if (statusOf(held.object) === "Preserved") return await this.#refuseMore(decision, kept);
        return await this.#move(decision, [{ kept, status: "Rejected", reason: words }]);
      case "suspend":
        return await this.#move(decision, [{ kept, status: "Suspended" }]);
      case "resume":
        return await this.#move(decision, [{ kept, status: "Approved" }]);
      case "unavailable":
        return await this.#move(decision, [{ kept, status: "PreservationNotAvailable", reason: words }]);
    }
  }

  /** Objects in new statuses and lines of custody, all or nothing. */
  async #move(
    { by, act, words }: Decision,
    moves: readonly {
      readonly kept: Kept;
      readonly status: string;
      readonly reason?: string;
      readonly members?: object;
      /** Also what becomes of the row. */
      readonly row?: Partial<Kept>;
    }[],
    offered: readonly Held[] = [],
    note = "",
  ): Promise<void> {
    const { database, store, clock } = this.#parts;
    const now = clock.now();
    await database.transaction(async (transaction) => {
      for (const { kept, status, reason, members, row } of moves) {
        const why = reason === undefined || reason === "" ? undefined : objection(reason);
        const held = advance(kept.held, status, now, why, members);
        if (held === null) throw refused("transition-refused", "as it stands, this cannot be done with it");
        await store.put(transaction, { ...kept, ...row, held }, now);
        const line = {
          by,
          act: `${act}: ${status}`,
          words: [words, note].filter((one) => one !== "").join("\n"),
        };
        await store.note(transaction, held.object.ObjectIdentifier, now, line);
      }
      for (const held of offered) {
        const fresh = { held, received: now, logged: null, preserved: [] };
        await store.put(transaction, fresh, now);
        await store.note(transaction, held.object.ObjectIdentifier, now, { by, act: "made", words: note });
      }
    });
  }

  /** HI1-30: the quorum's order goes where every order goes. */
  async #logOrder(decision: Decision, kept: Kept, tasks: readonly Kept[]): Promise<void> {
    const { orders, endpoint } = this.#parts;
    const brought = orderIn(kept.held.object as DocumentObject);
    if (brought === null) throw refused("order-signed", "the document holds no order");
    const { warrant, others, opening } = brought;
    const order = await verified(brought, (id) => endpoint.charterOf(id));
    if (typeof order === "string") throw refused(order, "the order does not hold under its charter");
    const { index } = await orders.submit(warrant, others, opening);
    const logged = commitmentOf(opening, order.core);
    await this.#move(
      decision,
      [
        { kept, status: "Approved", row: { logged } },
        ...tasks.map((task) => ({ kept: task, status: "AwaitingDisclosure", row: { logged } })),
      ],
      [],
      `The order is in the log at ${index}.`,
    );
  }

  /** HI1-31: what the provider knows anyway, by itself, counted in the log before it leaves. */
  async #answer(decision: Decision, kept: Kept): Promise<void> {
    const { database, persons, log, identity, clock, endpoint } = this.#parts;
    const { held } = kept;
    const task = held.object as LDTask;
    if (held.scope === null) throw refused("transition-refused", "the task is about nobody");
    const data = whatOf(task) === "SubscriberData" ? "subscriber" : "traffic";
    const answer = await providerData(data, held.scope, database, persons);
    const checksum = hex(nodeSuite.sha256(answer));
    const record = JSON.stringify({
      version: 1,
      task: task.ObjectIdentifier,
      to: held.owner,
      data,
      checksum,
    });
    const opening = randomBytes(32);
    const name = commitment(createHmac("sha256", opening).update(record).digest("hex"));
    const now = clock.now();
    const entry = signIntake(
      { type: "provider-answer", charter: endpoint.charter.id, day: dayOf(now), commitment: name, data },
      identity.intake.seed,
    );
    const index = await log.append(formatEntry(entry));
    const delivery = offer(
      {
        "@xsi:type": typeName("Delivery"),
        ObjectIdentifier: randomUUID(),
        CountryCode: endpoint.config.country,
        AssociatedObjects: { AssociatedObject: [task.ObjectIdentifier] },
        "delivery:Reference": { "delivery:LDID": task["task:Reference"] as string },
        "delivery:DeliveryID": randomUUID(),
        "delivery:SequenceNumber": 1,
        "delivery:LastSequence": true,
        "delivery:Delivery": {
          "delivery:BinaryData": {
            "delivery:Data": base64(answer),
            "delivery:ContentType": "application/json",
            "delivery:Checksum": checksum,
            "delivery:ChecksumType": "SHA-256",
            "delivery:ContentLength": answer.length,
          },
        },
      },
      held.owner,
      now,
    );
    const awaiting = advance(held, "AwaitingDisclosure", now) as Held;
    const note = `Counted in the log at ${index}; it commits to ${record} with ${opening.toString("hex")}.`;
    await this.#move(
      decision,
      [{ kept: { ...kept, held: awaiting }, status: "Disclosed", row: { logged: name } }],
      [delivery],
      note,
    );
  }

  /** HI1-34: an issuer's order to preserve that holds all that the task names. */
  async #preserve(decision: Decision, kept: Kept): Promise<void> {
    const { scope } = kept.held;
    const known = await this.#parts.preservations.known();
    const until = scope === null ? null : heldUntil(scope, decision.preservations, known);
    if (until === null) {
      throw refused(
        "not-held",
        "these orders do not hold all of it: every person, day and conversation of the task has to be held by an order of an issuer that is in the log",
      );
    }
    await this.#move(decision, [
      {
        kept,
        status: "Preserved",
        members: { "task:PreservationExpiration": endOf(until) },
        row: { preserved: decision.preservations },
      },
    ]);
  }

  /** What is kept stays kept, until when it was granted; the longer time that was asked for is refused (HI1-34). */
  async #refuseMore({ by, act, words }: Decision, kept: Kept): Promise<void> {
    const { database, store, clock } = this.#parts;
    const now = clock.now();
    const { "task:PreservationExpiration": granted } = kept.held.object as LPTask;
    const members = {
      "task:DesiredPreservationExpiration": granted,
      "task:StatusReason": errorOf(objection(words)),
    };
    const held = revise(kept.held, members, now);
    await database.transaction(async (transaction) => {
      await store.put(transaction, { ...kept, held }, now);
      const line = { by, act: `${act}: longer than ${granted ?? "now"}`, words };
      await store.note(transaction, held.object.ObjectIdentifier, now, line);
    });
  }

  /** The object stays where it is; who asked gets a notification with the officer's question (HI1-33). */
  async #challenge({ by, words }: Decision, { held }: Kept): Promise<void> {
    const { database, store, clock, endpoint } = this.#parts;
    const now = clock.now();
    const id = held.object.ObjectIdentifier;
    const notification = offer(
      {
        "@xsi:type": typeName("Notification"),
        ObjectIdentifier: randomUUID(),
        CountryCode: endpoint.config.country,
        AssociatedObjects: { AssociatedObject: [id] },
        "notification:NotificationDetails": words,
        "notification:NotificationType": {
          "common:Owner": endpoint.config.owner,
          "common:Name": "NotificationType",
          "common:Value": "Challenge",
        },
        "notification:NewNotification": true,
        "notification:NotificationTimestamp": dateTimeOf(now),
      },
      held.owner,
      now,
    );
    await database.transaction(async (transaction) => {
      const fresh = { held: notification, received: now, logged: null, preserved: [] };
      await store.put(transaction, fresh, now);
      await store.note(transaction, id, now, { by, act: "challenge", words });
    });
  }
}

/** What may be done with an object as it stands. */
function actsFor(held: Held): readonly Act[] {
  const { type, object } = held;
  const status = statusOf(object) ?? "";
  const waits = status === "AwaitingApproval" || status === "AwaitingPreservation";
  if (type === "LDTask") {
    // Its order is in the log and runs: what becomes of the task comes from there (HI1-34), not from here.
    if (status === "AwaitingDisclosure") return ["challenge"];
    if (!waits) return [];
    // Content is for the quorum: the task follows its order, and nobody here can answer it.
    return whatOf(object) === "StoredContentData"
      ? ["challenge", "refuse"]
      : ["answer", "challenge", "refuse"];
  }
  if (type === "LPTask") {
    if (waits) return ["preserve", "challenge", "refuse", "unavailable"];
    return wantsMore(held) ? ["challenge", "refuse"] : [];
  }
  if (type !== "Authorisation" && type !== "Document") return [];
  if (waits) return ["approve", "challenge", "refuse"];
  if (status === "Approved") {
    // An order in the log runs whatever is written beside it here: its issuer revokes it.
    return type === "Document" && whatOf(object) === "Warrant" ? ["challenge"] : ["suspend", "challenge"];
  }
  return status === "Suspended" ? ["resume"] : [];
}

function refused(reason: string, message: string): Refusal {
  return new Refusal("act-refused", message, { reason });
}
