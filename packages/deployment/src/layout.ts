import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CharterKind } from "@porchlight/charter";
import { createPassphrase, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import type { ProgramSpec } from "@porchlight/runtime";
import { DeploymentError } from "./error.ts";
import { TERMS } from "./terms.ts";

/** Five keyholders of whom three open, two witnesses: the default of a charter. */
const KEYHOLDERS = 5;
export const THRESHOLD = 3;
const WITNESSES = 2;

const names = (kind: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${kind}-${i + 1}`);

export const KEYHOLDER_NAMES: readonly string[] = names("keyholder", KEYHOLDERS);
export const WITNESS_NAMES: readonly string[] = names("witness", WITNESSES);
/** The log's site for the public: anybody's to run, and so no part of a deployment that is only tried out. */
const PUBLIC_LOG = "public-log";
/** The pages of the parties that have some: a process each, which only who works there needs. */
export type DeskKind = "court" | "inspector" | "agency" | "officer" | "keyholder";
/** A desk of a deployment: its kind, and the directory of its party. */
export type DeskPlace = { readonly kind: DeskKind; readonly party: string };

/** Every desk of a deployment, in the order in which an order meets them. */
export function deskPlaces(kind: CharterKind): readonly DeskPlace[] {
  const { issuers, inspection } = TERMS[kind];
  return [
    { kind: "agency", party: "agency" },
    ...issuers.map(({ directory }) => ({ kind: "court" as const, party: directory })),
    ...(inspection?.inspectors ?? []).map(({ directory }) => ({
      kind: "inspector" as const,
      party: directory,
    })),
    { kind: "officer", party: "server" },
    ...KEYHOLDER_NAMES.map((party) => ({ kind: "keyholder" as const, party })),
  ];
}

/** Every program of the deployment that is always there, in the order in which its ports are counted. */
const PROGRAM_NAMES: readonly string[] = ["server", ...KEYHOLDER_NAMES, ...WITNESS_NAMES, PUBLIC_LOG];

const entryOf = (app: string): string =>
  fileURLToPath(new URL(`../../../apps/${app}/src/main.ts`, import.meta.url));

/** What a deployment remembers of itself between two starts. */
type Saved = {
  readonly version: 1;
  readonly clock: "system" | "replay";
  /** Left out: a court's. */
  readonly charter?: "house";
  readonly deployment: string;
  readonly ports: Readonly<Record<string, number>>;
};

const FILE = "deployment.json";
/** The provider's endpoint for orders over TS 103 120. "XX" is nobody's country. */
export const HI1 = { country: "XX", endpoint: "PROVIDER" } as const;
/** In a desk's directory: its one-time sign-in link, while nobody can sign in. */
export const DESK_LINK = "link";
// Eight processes share one computer: small young generations save each of them about 30 MB.
const NODE_FLAGS = ["--max-semi-space-size=2"];
// A passphrase beside what it seals protects copies of a file, not this computer: the strong derivation would cost each
// start several seconds and add nothing.
export const WORK_FACTOR = 12;

/** First part of a desk's host name: of those of whom there are several, the party's own. */
export function deskLabel({ kind, party }: DeskPlace): string {
  return kind === "agency" || kind === "officer" ? kind : party;
}

/** The name of a desk's program: its directory, its log and its place among the ports. */
export function deskName(place: DeskPlace): string {
  return `desk-${deskLabel(place)}`;
}

/** The directories of a deployment on one machine: one for each party, and none that two of them share. */
export class Layout {
  readonly root: string;
  #saved: Saved;
  readonly #isNew: boolean;

  private constructor(root: string, saved: Saved, isNew: boolean) {
    this.root = root;
    this.#saved = saved;
    this.#isNew = isNew;
  }

  /**
   * Opens a state directory, or begins one that is empty. `port` is the server's; the others follow it. 0 lets the
   * system choose at the first start; later starts use the same, because the charter names them.
   * Throws DeploymentError "state-foreign" for a directory that holds something else, "state-mismatch" for another clock
   * or another kind of charter.
   */
  static async open(
    root: string,
    options: {
      readonly clock: "system" | "replay";
      readonly kind: CharterKind;
      readonly deployment: string;
      readonly port: number;
    },
  ): Promise<Layout> {
    await mkdir(root, { recursive: true, mode: 0o700 });
    const bytes = await readFileOrNull(join(root, FILE));
    if (bytes !== null) {
      const saved = JSON.parse(Buffer.from(bytes).toString()) as Saved;
      const isSame =
        saved.clock === options.clock &&
        (saved.charter ?? "court") === options.kind &&
        saved.deployment === options.deployment;
      if (saved.version !== 1 || !isSame) {
        throw new DeploymentError(
          "state-mismatch",
          `${root} belongs to another kind of deployment: choose another --state directory`,
        );
      }
      return new Layout(root, saved, false);
    }
    if ((await readdir(root)).length > 0) {
      throw new DeploymentError(
        "state-foreign",
        `${root} is not empty and no deployment: choose another --state`,
      );
    }
    const ports = Object.fromEntries(
      [...PROGRAM_NAMES, ...deskPlaces(options.kind).map(deskName)].map((name, i) => [
        name,
        options.port === 0 ? 0 : options.port + i,
      ]),
    );
    const { clock, kind, deployment } = options;
    const charter = kind === "house" ? { charter: kind } : {};
    return new Layout(root, { version: 1, clock, ...charter, deployment, ports }, true);
  }

  /** Whether the deployment has been begun just now. */
  get isNew(): boolean {
    return this.#isNew;
  }

  get saved(): Saved {
    return this.#saved;
  }

  directory(party: string): string {
    return join(this.root, party);
  }

  /** Remembers the ports that the system chose, once every program listens. */
  async save(ports: Readonly<Record<string, number>>): Promise<void> {
    this.#saved = { ...this.#saved, ports: { ...this.#saved.ports, ...ports } };
    await writeFileDurable(join(this.root, FILE), `${JSON.stringify(this.#saved, null, 2)}\n`);
  }

  /** Writes a program's configuration and says how it is started. */
  async program(
    name: string,
    app: "server" | "keyholder" | "witness",
    config: Readonly<Record<string, unknown>>,
    ports: Readonly<Record<string, number>> = this.saved.ports,
  ): Promise<ProgramSpec> {
    const directory = this.directory(name);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await createPassphrase(directory);
    const { clock, deployment } = this.saved;
    const full = { clock, name, deployment, port: ports[name] ?? 0, workFactor: WORK_FACTOR, ...config };
    await writeFile(join(directory, "config.json"), `${JSON.stringify(full, null, 2)}\n`, { mode: 0o600 });
    return { name, entry: entryOf(app), directory, nodeFlags: NODE_FLAGS };
  }

  /** Writes the configuration of the log's site for the public, which has no key, and says how it is started. */
  async publicLog(log: string, policy: string): Promise<ProgramSpec> {
    const directory = this.directory(PUBLIC_LOG);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const port = this.saved.ports[PUBLIC_LOG] ?? 0;
    const config = { clock: this.saved.clock, name: PUBLIC_LOG, port, log, policy };
    await writeFile(join(directory, "config.json"), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
    return { name: PUBLIC_LOG, entry: entryOf("public-log"), directory, nodeFlags: NODE_FLAGS };
  }

  /**
   * Writes the configuration of a party's desk, which works in the party's own directory, and says how it is started.
   * `doorway`: somebody listens at its address for it, and made its one-time link.
   */
  async desk(
    place: DeskPlace,
    url: string,
    doorway: { readonly origin: string; readonly linkHash: string } | null = null,
  ): Promise<ProgramSpec> {
    const name = deskName(place);
    const directory = this.directory(name);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const config = {
      clock: this.saved.clock,
      name,
      kind: place.kind,
      label: deskLabel(place),
      party: this.directory(place.party),
      workFactor: WORK_FACTOR,
      ...(doorway === null
        ? { port: this.saved.ports[name] ?? 0, linkFile: DESK_LINK }
        : { port: 0, ...doorway }),
      url,
    };
    await writeFile(join(directory, "config.json"), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
    return { name, entry: entryOf("desk"), directory, nodeFlags: NODE_FLAGS };
  }

  /** What a party publishes of its keys (`public.json`). */
  async publicIdentity<T>(name: string): Promise<T> {
    return JSON.parse(await readFile(join(this.directory(name), "public.json"), "utf8")) as T;
  }
}
