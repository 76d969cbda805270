import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Charter,
  type CharterKind,
  charterIdOfDocument,
  formatEntry,
  type Issuer,
  RELEASE_FILE,
  type SignedDocument,
} from "@porchlight/charter";
import { readFileOrNull } from "@porchlight/durable";
import {
  base64url,
  type CharterId,
  charterId,
  type DayNumber,
  Fields,
  fromUtf8,
  type Json,
  type Period,
  type UnixSeconds,
} from "@porchlight/encoding";
import type { EscrowKeys } from "@porchlight/envelope";
import { Court, Service } from "@porchlight/parties";
import { callAdmin, Supervisor, type UnexpectedExit } from "@porchlight/runtime";
import { ServerClient } from "@porchlight/wire";
import {
  draftCharter,
  type Identities,
  type KeyholderIdentity,
  policyText,
  type ServerIdentity,
  type WitnessIdentity,
} from "./charter-draft.ts";
import { Doorway, hasPeople } from "./doorway.ts";
import { DeploymentError } from "./error.ts";
import {
  DESK_LINK,
  type DeskKind,
  type DeskPlace,
  deskLabel,
  deskName,
  deskPlaces,
  HI1,
  KEYHOLDER_NAMES,
  Layout,
  WITNESS_NAMES,
  WORK_FACTOR,
} from "./layout.ts";
import type { Progress } from "./progress.ts";
import { type Office, TERMS } from "./terms.ts";

export type DeploymentOptions = {
  /** Directory of the whole deployment; each party has its own below. */
  readonly state: string;
  /** The server's port; the others follow. 0 lets the system choose. */
  readonly port: number;
  readonly deployment: string;
  /** A court's where it is left out. */
  readonly kind?: CharterKind;
  /** Where the replayed clock starts, or "system". */
  readonly clock: "system" | { readonly replayFrom: UnixSeconds };
  /** First day of a new charter, and for how many days it runs. */
  readonly charterFrom: DayNumber;
  readonly charterDays: number;
  readonly progress: Progress;
  /** Directory of the built web app, which the server then serves. */
  readonly web?: string;
  readonly onUnexpectedExit?: (exit: UnexpectedExit) => void;
};

/** Where a party's desk is opened. `link` makes its first passkey; `null` where somebody can sign in already. */
export type DeskAddress = DeskPlace & { readonly origin: string; readonly link: string | null };

const CEREMONY_LIMIT_MILLISECONDS = 120_000;

/** A whole deployment on one machine: real processes that speak HTTP, each with its own directory and keys. */
export class Deployment {
  readonly layout: Layout;
  readonly supervisor: Supervisor;
  readonly url: string;
  readonly charter: Charter;
  readonly service: Service;
  /** Address of each keyholder, by its name. */
  readonly keyholderUrls: ReadonlyMap<string, string>;
  readonly #progress: Progress;
  /** By the name of the desk's program. */
  readonly #doorways: Map<string, Doorway>;

  private constructor(
    layout: Layout,
    supervisor: Supervisor,
    url: string,
    service: Service,
    keyholderUrls: ReadonlyMap<string, string>,
    progress: Progress,
    doorways: Map<string, Doorway>,
  ) {
    this.layout = layout;
    this.supervisor = supervisor;
    this.url = url;
    this.charter = service.charter;
    this.service = service;
    this.keyholderUrls = keyholderUrls;
    this.#progress = progress;
    this.#doorways = doorways;
  }

  /** Starts every program; on the first start also makes the keys, the court and the charter. */
  static async open(options: DeploymentOptions): Promise<Deployment> {
    const clock = options.clock === "system" ? "system" : "replay";
    const layout = await Layout.open(options.state, {
      clock,
      kind: options.kind ?? "court",
      deployment: options.deployment,
      port: options.port,
    });
    const doorways = new Map<string, Doorway>();
    const supervisor = new Supervisor({
      ...(options.clock === "system" ? {} : { replayFrom: options.clock.replayFrom }),
      onUnexpectedExit: (exit) => {
        doorways.get(exit.name)?.forget();
        options.onUnexpectedExit?.(exit);
      },
    });
    try {
      const { progress } = options;
      progress.start("programs", 1 + KEYHOLDER_NAMES.length + WITNESS_NAMES.length);
      const { url, identities } = await startPrograms(layout, supervisor, progress, options.web);
      progress.end();
      const now = supervisor.at;
      // Asked of the log, not of our own memory: a first start that was cut short is finished by the next.
      if ((await new ServerClient({ url }).charters()).length === 0) {
        const terms = TERMS[options.kind ?? "court"];
        const issuers = await officesOf(layout, terms.issuers);
        const inspectors = await officesOf(layout, terms.inspection?.inspectors ?? []);
        const charter = await enactCharter(layout, url, identities, options, { issuers, inspectors });
        for (const office of [...issuers, ...inspectors]) await office.join(url, charter);
      }
      // Before anybody is shown it (APP-2).
      if (options.web !== undefined) {
        const release = await readFile(join(options.web, RELEASE_FILE), "utf8");
        await callAdmin(layout.directory("server"), { command: "log-app", release });
      }
      const service = await Service.open({
        url,
        directory: layout.directory("launcher"),
        ...(now === null ? {} : { clock: { now: () => supervisor.at ?? now } }),
      });
      const urls = new Map(
        identities.keyholders.map(({ url: address }, i) => [KEYHOLDER_NAMES[i] as string, address]),
      );
      return new Deployment(layout, supervisor, url, service, urls, progress, doorways);
    } catch (error) {
      await supervisor.stopAll();
      throw error;
    }
  }

  /** A one-time link to the web app for somebody new, by the operator. */
  async invite(): Promise<string> {
    // The secret stays here and in the link's fragment: the server keeps its hash (ACC-10).
    const secret = randomBytes(32);
    const secretHash = createHash("sha256").update(secret).digest("hex");
    const request = { command: "invite", secretHash, days: 30, role: "member" };
    await callAdmin(this.layout.directory("server"), request);
    return `http://localhost:${this.supervisor.port("server")}/join#${base64url(secret)}`;
  }

  /** Starts the log's site for the public beside the others, and gives its address. */
  async openPublicLog(): Promise<string> {
    const { policy } = this.charter.log;
    const port = await this.supervisor.start(await this.layout.publicLog(`${this.url}/log`, policy));
    // Members read the log there, and their notices, while the server is away.
    const mirrors = [`http://127.0.0.1:${port}`];
    await callAdmin(this.layout.directory("server"), { command: "set-mirrors", mirrors });
    return `http://localhost:${port}`;
  }

  /** Starts a party's desk beside the others. `link` is there while nobody can sign in. */
  async openDesk(
    kind: DeskKind,
    party: string = kind,
  ): Promise<{ readonly origin: string; readonly link: string | null }> {
    const place = { kind, party };
    const spec = await this.layout.desk(place, this.url);
    const port = await this.supervisor.start(spec);
    const link = await readFileOrNull(join(spec.directory, DESK_LINK));
    return {
      origin: `http://${deskLabel(place)}.localhost:${port}`,
      link: link === null ? null : fromUtf8(link).trim(),
    };
  }

  /** Gives every desk an address at which its program starts when somebody comes. */
  async openDoorways(): Promise<readonly DeskAddress[]> {
    const desks: DeskAddress[] = [];
    for (const place of deskPlaces(this.charter.kind)) {
      const name = deskName(place);
      const directory = this.layout.directory(place.party);
      if (!existsSync(directory)) continue;
      let origin = "";
      const doorway = await Doorway.at(this.layout.saved.ports[name] ?? 0, async (linkHash) => {
        const spec = await this.layout.desk(place, this.url, { origin, linkHash });
        return { port: (await this.supervisor.start(spec)) ?? 0 };
      });
      this.#doorways.set(name, doorway);
      origin = `http://${deskLabel(place)}.localhost:${doorway.port}`;
      const isKnown = await hasPeople(directory);
      desks.push({ ...place, origin, link: isKnown ? null : `${origin}/enter#${doorway.secret}` });
    }
    await this.layout.save(Object.fromEntries([...this.#doorways].map(([name, { port }]) => [name, port])));
    return desks;
  }

  /** The first who signs orders: the court, or the first of a house's two. */
  async court(): Promise<Court> {
    return await Court.open(this.layout.directory(TERMS[this.charter.kind].issuers[0].directory));
  }

  /** Directories of all that a charter lets sign or inspect orders: each keeps the orders that it was given. */
  get offices(): readonly string[] {
    const { issuers, inspection } = TERMS[this.charter.kind];
    return [...issuers, ...(inspection?.inspectors ?? [])].map(({ directory }) =>
      this.layout.directory(directory),
    );
  }

  /** Whose signature an order takes beside the first: nobody's under a court's charter. */
  async cosigners(): Promise<readonly Court[]> {
    const [, ...others] = TERMS[this.charter.kind].issuers;
    return await Promise.all(
      others.map(async ({ directory }) => await Court.open(this.layout.directory(directory))),
    );
  }

  /** Moves every party's replayed clock. */
  async tick(at: UnixSeconds): Promise<void> {
    if (this.supervisor.at !== null && at <= this.supervisor.at) return;
    await this.supervisor.tick(at);
  }

  /** Verified keys of a period; where there are none yet, all keyholders make them first. */
  async keysOf(period: Period): Promise<EscrowKeys> {
    await this.ceremony(period);
    const { keys } = await this.service.keys(period);
    return { mpk: keys.access.mpk, providerKey: this.charter.provider.xwing };
  }

  /** A key ceremony among all keyholders, each asked by its own operator's command. Returns when the log has the keys. */
  async ceremony(period: Period): Promise<void> {
    if (await this.#hasKeys(period)) return;
    this.#progress.start(`key ceremony for ${period}`, 0);
    for (const name of KEYHOLDER_NAMES) {
      await callAdmin(this.layout.directory(name), { command: "ceremony", period });
    }
    const until = performance.now() + CEREMONY_LIMIT_MILLISECONDS;
    while (!(await this.#hasKeys(period))) {
      const failed = await this.#failedCeremony(period);
      if (failed !== null) throw new DeploymentError("ceremony-failed", failed);
      if (performance.now() > until) {
        throw new DeploymentError(
          "ceremony-failed",
          `the key ceremony for ${period} did not end: see the keyholders' logs`,
        );
      }
      const { size } = this.service.checkpoint;
      await this.service.covers(size + 1, 2);
    }
    this.#progress.end();
  }

  async #hasKeys(period: Period): Promise<boolean> {
    await this.service.update();
    return await this.service.keys(period).then(
      () => true,
      () => false,
    );
  }

  async #failedCeremony(period: Period): Promise<string | null> {
    for (const name of KEYHOLDER_NAMES) {
      for (const ceremony of await this.#ceremonies(name)) {
        if (ceremony.period === period && ceremony.kind === "aborted") {
          return `the key ceremony for ${period} ended without keys: ${ceremony.reason}`;
        }
      }
    }
    return null;
  }

  async #ceremonies(name: string): Promise<readonly { period: string; kind: string; reason?: string }[]> {
    const status = (await callAdmin(this.layout.directory(name), { command: "status" })) as unknown as {
      readonly charters: readonly {
        readonly ceremonies: readonly { period: string; kind: string; reason?: string }[];
      }[];
    };
    return status.charters.flatMap(({ ceremonies }) => ceremonies);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#doorways.values()].map(async (doorway) => await doorway.close()));
    await this.supervisor.stopAll();
  }
}

async function startPrograms(
  layout: Layout,
  supervisor: Supervisor,
  progress: Progress,
  web: string | undefined,
): Promise<{ url: string; identities: Identities }> {
  const address = (name: string): string => `http://127.0.0.1:${supervisor.port(name)}`;
  await supervisor.start(
    await layout.program("server", "server", {
      registration: "open",
      hi1: HI1,
      ...(web === undefined ? {} : { web: { directory: web } }),
    }),
  );
  progress.step();
  const server = await layout.publicIdentity<ServerIdentity>("server");
  const url = address("server");
  await Promise.all([
    ...WITNESS_NAMES.map(async (name) => {
      await supervisor.start(await layout.program(name, "witness", { logs: [server.log.vkey] }));
      progress.step();
    }),
    ...KEYHOLDER_NAMES.map(async (name) => {
      const config = { server: url, log: server.log.vkey, batches: "prompt" };
      await supervisor.start(await layout.program(name, "keyholder", config));
      progress.step();
    }),
  ]);
  const identities: Identities = {
    server,
    keyholders: await Promise.all(
      KEYHOLDER_NAMES.map(async (name) => ({
        ...(await layout.publicIdentity<KeyholderIdentity>(name)),
        url: address(name),
      })),
    ),
    witnesses: await Promise.all(
      WITNESS_NAMES.map(async (name) => ({
        ...(await layout.publicIdentity<WitnessIdentity>(name)),
        url: address(name),
      })),
    ),
  };
  if (layout.isNew) {
    await layout.save(Object.fromEntries(supervisor.names.map((name) => [name, supervisor.port(name)])));
    await callAdmin(layout.directory("server"), {
      command: "set-policy",
      policy: policyText(identities),
      cosigners: [...identities.witnesses, ...identities.keyholders].map(({ vkey, url: at }) => ({
        vkey,
        url: at,
      })),
    });
  }
  return { url, identities };
}

/** Each with a directory and a key of its own, made where there is none. */
async function officesOf(layout: Layout, offices: readonly Office[]): Promise<Court[]> {
  return await Promise.all(
    offices.map(async ({ directory, name, title }) => {
      const path = layout.directory(directory);
      return existsSync(join(path, "party.json"))
        ? await Court.open(path)
        : await Court.create(path, { name, title }, { workFactor: WORK_FACTOR });
    }),
  );
}

/** The bootstrap order of spec/ceremony.md: log and witness keys exist, now the charter, signed by provider and all. */
async function enactCharter(
  layout: Layout,
  url: string,
  identities: Identities,
  options: DeploymentOptions,
  offices: { readonly issuers: readonly Court[]; readonly inspectors: readonly Court[] },
): Promise<CharterId> {
  const named = ({ name, title, publicKey }: Court): Issuer => ({ name, title, key: publicKey });
  const bytes = draftCharter({
    kind: options.kind ?? "court",
    deployment: options.deployment,
    clock: options.clock === "system" ? "system" : "replay",
    from: options.charterFrom,
    days: options.charterDays,
    identities,
    issuers: offices.issuers.map(named),
    inspectors: offices.inspectors.map(named),
  });
  const charter = fromUtf8(bytes);
  const id = charterIdOfDocument(bytes);
  const signatures: SignedDocument["signatures"][number][] = [];
  for (const name of ["server", ...KEYHOLDER_NAMES]) {
    const directory = layout.directory(name);
    // Each party reads the charter in full and names what it read when it signs.
    const review = new Fields(await callAdmin(directory, { command: "review-charter", charter }), "review");
    const reviewed = charterId(review.string("id"));
    if (reviewed !== id) throw new DeploymentError("state-mismatch", `${name} read another charter`);
    signatures.push(
      signatureOf(await callAdmin(directory, { command: "sign-charter", charter, id: reviewed })),
    );
  }
  const server = new ServerClient({ url });
  const index = await server.appendEntry(
    formatEntry({ type: "charter", document: { payload: base64url(bytes), signatures } }),
  );
  if ((await server.waitForCheckpoint(index + 1, { wait: 60 })) === null) {
    throw new DeploymentError(
      "ceremony-failed",
      "no witnessed checkpoint covers the charter: see the cosigners' logs",
    );
  }
  return id;
}

function signatureOf(answer: Json): SignedDocument["signatures"][number] {
  const signature = new Fields(answer, "answer").object("signature");
  return { protected: signature.string("protected"), signature: signature.string("signature") };
}
