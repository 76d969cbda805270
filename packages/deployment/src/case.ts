import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { readSignedDocument } from "@porchlight/charter";
import {
  type AccountId,
  type ConversationId,
  type DayNumber,
  dayNumber,
  dayOf,
  Fields,
  periodOf,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import {
  type Agency,
  type Collected,
  type Court,
  type KeyholderAnswer,
  keepOrder,
  keyholderStates,
  namesOf,
  type OrderFile,
  type Request,
} from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import type { Deployment } from "./deployment.ts";
import { DeploymentError } from "./error.ts";
import { KEYHOLDER_NAMES } from "./layout.ts";

/** Whose messages, of which conversation and day, an order is to open. */
export type Target = {
  readonly person: string;
  readonly account: AccountId;
  readonly conversation: ConversationId;
  readonly day: DayNumber;
};

export type LoggedOrder = OrderFile & { readonly index: number };
/** What was opened, and where the agency stored it, sealed. */
export type Opened = Extract<Collected, { kind: "opened" }> & { readonly path: string };

const DAY = 86_400;
const POLL_MILLISECONDS = 100;
/** How long orders stay secret where nothing else is said. */
const SECRET_DAYS = 60;

/** What each party does in a case, each with its own keys, one step after the other. */
export class Case {
  readonly deployment: Deployment;
  readonly court: Court;
  readonly agency: Agency;
  readonly target: Target;

  constructor(deployment: Deployment, court: Court, agency: Agency, target: Target) {
    this.deployment = deployment;
    this.court = court;
    this.agency = agency;
    this.target = target;
  }

  /** The provider's response officer says whose account it is, and the agency makes a request with a fresh key. */
  async request(reference: string): Promise<Request> {
    const { request } = await this.agency.request(this.deployment.charter.id, {
      reference,
      actHash: new Uint8Array(createHash("sha256").update(`original act of ${reference}`).digest()),
    });
    return request;
  }

  /** The court, or a house's two, sign an order for the target, secret for so many days. */
  async issue(request: Request, secretDays = SECRET_DAYS): Promise<OrderFile> {
    const { deployment, target } = this;
    const { charter } = deployment;
    const server = deployment.layout.directory("server");
    const { account, person } = target;
    await callAdmin(server, { command: "bind-person", account, person });
    const statement = readSignedDocument(
      await callAdmin(server, { command: "statement", charter: charter.id, accounts: [account] }),
      "statement",
    );
    const issued = this.now();
    const signed = await this.court.issue(charter, {
      request,
      statement,
      accounts: [account],
      conversations: [target.conversation],
      firstDay: target.day,
      lastDay: target.day,
      legalBasis: charter.legalBases[0] as string,
      offenceCategory: charter.offenceCategories[0] as string,
      necessity: "The messages of this day are the only record of what was said.",
      proportionality: "One person, one conversation, one day; nobody else's messages are opened.",
      disclosure: {
        kind: "secret",
        until: dayNumber(dayOf(issued) + secretDays),
        ground: "Telling the person now would let others destroy evidence.",
      },
      issued,
      expires: unixSeconds(issued + 14 * DAY),
    });
    let order = signed;
    for (const other of await deployment.cosigners()) order = await other.countersign(charter, order);
    return order;
  }

  /** To the provider, which puts its commitment in the log, and then to every keyholder. */
  async submit(order: OrderFile): Promise<LoggedOrder> {
    // Its notices are made under the keys of the month in which it is logged.
    await this.deployment.ceremony(periodOf(dayOf(this.now())));
    const logged = await this.court.submit(this.deployment.service, order);
    for (const directory of [this.agency.directory, ...this.deployment.offices])
      await keepOrder(directory, logged);
    await this.court.handIn(this.deployment.service, logged);
    return logged;
  }

  /** Waits until at least `count` keyholders have come to one of `states`, or `seconds` are over. */
  async reached(
    order: OrderFile,
    states: readonly KeyholderAnswer["answer"]["state"][],
    count: number,
    seconds: number,
  ): Promise<readonly KeyholderAnswer[]> {
    const until = performance.now() + 1000 * seconds;
    for (;;) {
      const answers = await keyholderStates(this.deployment.charter, order, { fetch: briefFetch });
      const there = answers.filter(({ answer }) => states.includes(answer.state));
      if (there.length >= count || performance.now() > until) return there;
      await sleep(POLL_MILLISECONDS);
    }
  }

  /** Waits until `needed` keyholders wait for an approval; then not as long for the others, of whom some may be down. */
  async awaiting(order: OrderFile, needed: number, seconds: number): Promise<void> {
    await this.reached(order, ["awaiting-approval"], needed, seconds);
    await this.reached(order, ["awaiting-approval"], KEYHOLDER_NAMES.length, Math.min(seconds, 10));
  }

  /**
   * The operator of one keyholder looks at the order and approves exactly what it was shown. `null` where the keyholder
   * does not answer.
   */
  async approve(order: OrderFile, keyholder: string, seconds: number): Promise<string | null> {
    const directory = this.deployment.layout.directory(keyholder);
    const { orderId } = namesOf(order);
    const ask = async (): Promise<string> => {
      const shown = new Fields(await callAdmin(directory, { command: "show", order: orderId }), "order");
      const commitment = shown.string("commitment");
      const answer = await callAdmin(directory, {
        command: "approve",
        order: orderId,
        commitment,
        by: "operator of this demonstration",
      });
      return new Fields(answer, "answer").string("state");
    };
    return await Promise.race([ask(), sleep(seconds * 1000, null, { ref: false })]);
  }

  /** Approvals by the first t keyholders, then what they released, opened. */
  async carryOut(order: LoggedOrder, seconds: number): Promise<Opened> {
    const { threshold } = this.deployment.charter;
    await this.awaiting(order, threshold, seconds);
    await Promise.all(
      KEYHOLDER_NAMES.slice(0, threshold).map(async (name) => await this.approve(order, name, seconds)),
    );
    const released = await this.reached(order, ["released"], threshold, seconds);
    if (released.length < threshold) throw incomplete(released.length, threshold);
    const collected = await this.agency.collect(this.deployment.service, order);
    if (collected.kind === "waiting") throw incomplete(collected.have, collected.need);
    const { path } = collected;
    if (path === undefined) throw new DeploymentError("release-incomplete", "the agency stored no evidence");
    return { ...collected, path };
  }

  now(): UnixSeconds {
    return this.deployment.service.now();
  }
}

/** A keyholder that is stopped must not hold up the question to the others. */
const briefFetch: typeof fetch = (input, init) => {
  const limit = AbortSignal.timeout(2000);
  const signal = init?.signal == null ? limit : AbortSignal.any([init.signal, limit]);
  return fetch(input, { ...init, signal });
};

function incomplete(have: number, need: number): DeploymentError {
  return new DeploymentError(
    "release-incomplete",
    `${have} of ${need} keyholders released: nothing can be opened. Look at them with "porchlight keyholder list"`,
  );
}
