import type { Keyholder } from "@porchlight/charter";
import {
  type ConversationId,
  dayOf,
  EncodingError,
  type KeyholderIndex,
  type Period,
  periodOf,
  type UnixSeconds,
} from "@porchlight/encoding";
import { type AccessLabel, accessLabel, EnvelopeError, parseHeader } from "@porchlight/envelope";
import {
  type CustodyStep,
  type Files,
  type KeyholderRelease,
  makePackage,
  type OpenedRelease,
  sha256,
} from "@porchlight/evidence";
import {
  labelsOf,
  MAX_LABELS,
  type OtherSide,
  openBundle,
  releasableFrom,
  sortedLabels,
  type VerifiedOrder,
  verifyOrder,
} from "@porchlight/gate";
import { combineOrder, QuorumError, xwingKeygen } from "@porchlight/quorum";
import { loadCurve } from "@porchlight/quorum/mcl";
import { type Fetch, WireError } from "@porchlight/wire";
import { fetchAttachments } from "./attachments.ts";
import { loggedIndex } from "./court.ts";
import { PartyError } from "./error.ts";
import { type KeyholderAnswer, keyholderClient, keyholderStates } from "./hand-in.ts";
import { fetchMaterial } from "./material.ts";
import { namesOf, type OrderFile } from "./request-file.ts";
import type { Service } from "./service.ts";

/** The secrets of one request: the scalar behind T, and the seed of the X-Wing key. 32 bytes each. */
export type RequestSecrets = { readonly point: Uint8Array; readonly xwing: Uint8Array };

/** Who collects: an agency, or whoever else a warrant names. */
export type Collector = {
  readonly name: string;
  /** By T. */
  readonly secretsOf: (point: Uint8Array) => Promise<RequestSecrets>;
  /** Of an order over "all"; `null` for one that names them. */
  readonly conversations: (service: Service, order: OrderFile) => Promise<readonly ConversationId[] | null>;
  /** Of an order over both sides; none of any other. */
  readonly otherSides: (service: Service, order: OrderFile) => Promise<readonly OtherSide[]>;
};

export type CollectPhase = "bundles" | "keys" | "material" | "opening" | "attachments";
export type CollectProgress = (phase: CollectPhase, done: number, total: number) => void;

export type Collected =
  | {
      readonly kind: "waiting";
      readonly have: number;
      readonly need: number;
      readonly keyholders: readonly KeyholderAnswer[];
      /** Keyholders whose bundle does not hold. */
      readonly blamed: readonly KeyholderIndex[];
    }
  | {
      readonly kind: "opened";
      readonly files: Files;
      readonly opened: OpenedRelease;
      /** Keys that the order asks for, their day has come, and t keyholders have not released yet. */
      readonly outstanding: number;
      readonly blamed: readonly KeyholderIndex[];
      readonly packagedAt: UnixSeconds;
    };

type Bundle = {
  readonly keyholder: KeyholderIndex;
  readonly slot: string;
  readonly release: KeyholderRelease;
  readonly partials: ReadonlyMap<string, Uint8Array>;
  readonly labels: readonly AccessLabel[];
  /** The share generation that was used of each period. */
  readonly generations: ReadonlyMap<Period, number>;
};

/** How long the log may take to show a release that its keyholder has already seen there. */
const LOG_PATIENCE_SECONDS = 60;

/** How long one keyholder's bundles may take altogether: one that gives them slowly for ever is left behind. */
const TURN_SECONDS = 180;

export async function collectRelease(input: {
  readonly requester: Collector;
  readonly service: Service;
  readonly order: OrderFile;
  readonly fetch?: Fetch;
  readonly progress?: CollectProgress;
}): Promise<Collected> {
  const { requester, service, order, progress = () => {} } = input;
  const { charter } = service;
  const index = loggedIndex(order);
  const { orderId, commitment } = namesOf(order);
  const warrant = await verifyOrder(order, charter);
  const secrets = await requester.secretsOf(warrant.document.requester.point);
  const custody: CustodyStep[] = [];
  const record = (action: CustodyStep["action"], subject: string, bytes: Uint8Array | null): void => {
    // A clock that is set back takes no step back in the record (EVI-30).
    const at = Math.max(service.now(), custody.at(-1)?.at ?? 0) as UnixSeconds;
    custody.push({
      at,
      actor: requester.name,
      action,
      subject,
      digest: bytes === null ? null : sha256(bytes),
    });
  };
  record("order-received", `order ${commitment}`, order.warrant);
  if (!(await service.covers(index + 1))) {
    throw new PartyError("order-not-logged", "the witnessed log does not cover the order yet: try again");
  }
  refuseRevoked(service, commitment);

  const { bundles, answers, blamed } = await fetchBundles(input, { secrets, record });
  const need = charter.threshold;
  const have = new Set(bundles.map(({ keyholder }) => keyholder)).size;
  if (have < need) return { kind: "waiting", have, need, keyholders: answers, blamed };

  const sides = await requester.otherSides(service, order);
  const asked = await labelsOfOrder(requester, service, order, warrant, sides);
  const labels = asked.filter((label) => releasedBy(label, bundles) >= need);
  if (labels.length === 0) {
    const most = Math.max(0, ...asked.map((label) => releasedBy(label, bundles)));
    return { kind: "waiting", have: most, need, keyholders: answers, blamed };
  }
  const keys = await combine({ service, warrant, secrets, labels, bundles, progress });
  if (keys.kind === "short") {
    return {
      kind: "waiting",
      have: keys.have,
      need,
      keyholders: answers,
      blamed: merge(blamed, keys.blamed),
    };
  }
  record("combined", `${labels.length} label keys`, null);

  const { secretKey } = xwingKeygen(secrets.xwing);
  const held = await fetchMaterial({
    service,
    orderId,
    labels,
    secretKey,
    record,
    progress: (done) => progress("material", done, labels.length),
  });
  const released = held.map((one, i) => ({ ...one, labelKey: keys.labelKeys[i] as Uint8Array }));

  progress("opening", 0, 1);
  const good = bundles.filter(({ keyholder }) => !keys.blamed.includes(keyholder));
  await waitForSlots(
    service,
    good.map(({ slot }) => slot),
  );
  refuseRevoked(service, commitment);
  record(
    "opened",
    `${released.reduce((sum, { messages }) => sum + messages.length, 0)} stored messages`,
    null,
  );
  const periods = [...new Set(labels.map(({ day }) => periodOf(day)))].sort();
  const successions = service.successionsBefore(index);
  const release = {
    warrant: order.warrant,
    others: order.others === null ? null : { statement: order.others, sides: sidesOf(sides, labels) },
    opening: order.opening,
    charter: service.charterEntry().bytes,
    keys: await keysEntries(service, periods),
    successions: successions.map(({ bytes }) => bytes),
    labels: released,
    releases: good.map(({ release }) => release),
    log: {
      checkpoint: service.checkpoint.note,
      charter: await service.prove(service.charterEntry().index),
      keys: new Map(
        await Promise.all(
          periods.map(
            async (period) => [period, await service.prove((await service.keys(period)).index)] as const,
          ),
        ),
      ),
      successions: await Promise.all(
        successions.map(async (succession) => await service.prove(succession.index)),
      ),
      order: await service.prove(index),
      entries: service.entriesFrom(index).map(({ bytes }) => bytes),
    },
    custody,
  };
  const { files, opened } = await makePackage(release, async ({ references }) => {
    const attachments = await fetchAttachments(references, {
      service,
      orderId,
      record,
      progress: (done) => progress("attachments", done, references.length),
    });
    record("packaged", "evidence package", null);
    return { attachments, custody };
  });
  const packagedAt = custody.at(-1)?.at as UnixSeconds;
  progress("opening", 1, 1);
  const outstanding = asked.length - labels.length;
  return { kind: "opened", files, opened, outstanding, blamed: merge(blamed, keys.blamed), packagedAt };
}

function merge(a: readonly KeyholderIndex[], b: readonly KeyholderIndex[]): KeyholderIndex[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y);
}

function refuseRevoked(service: Service, commitment: string): void {
  const revoked = service.find((entry) => entry.type === "revocation" && entry.commitment === commitment);
  if (revoked !== null)
    throw new PartyError("order-revoked", "the order was revoked: nothing may be opened under it");
}

/** What the order asks for by now: of its own accounts each conversation and day that has come, and the other sides. */
async function labelsOfOrder(
  requester: Collector,
  service: Service,
  order: OrderFile,
  warrant: VerifiedOrder,
  sides: readonly OtherSide[],
): Promise<readonly AccessLabel[]> {
  const conversations = await requester.conversations(service, order);
  const own = conversations?.length === 0 ? [] : labelsOf(warrant, conversations ?? undefined);
  const today = dayOf(service.now());
  const come = own.filter(({ day }) => releasableFrom(warrant.document, day) <= today);
  return sortedLabels([...come, ...sides.map(({ header }) => parseHeader(header).label)]);
}

/** How many keyholders released a label with shares that fit together. */
function releasedBy(label: AccessLabel, bundles: readonly Bundle[]): number {
  return partialsOf(label, bundles).partials.size;
}

/**
 * BUN-6: shares of two generations make no key together, so that of a label the partials of one generation count: of
 * the one that most keyholders used, of the newer of two.
 */
function partialsOf(
  label: AccessLabel,
  bundles: readonly Bundle[],
): { readonly generation: number; readonly partials: ReadonlyMap<KeyholderIndex, Uint8Array> } {
  const name = sha256(accessLabel(label));
  const period = periodOf(label.day);
  const byGeneration = new Map<number, Map<KeyholderIndex, Uint8Array>>();
  for (const { keyholder, partials, generations } of bundles) {
    const partial = partials.get(name);
    const generation = generations.get(period);
    if (partial === undefined || generation === undefined) continue;
    byGeneration.set(generation, (byGeneration.get(generation) ?? new Map()).set(keyholder, partial));
  }
  const [best] = [...byGeneration].sort(([a, one], [b, other]) => other.size - one.size || b - a);
  return best === undefined
    ? { generation: 1, partials: new Map() }
    : { generation: best[0], partials: best[1] };
}

/** Those of the other sides whose labels were opened. */
function sidesOf(sides: readonly OtherSide[], labels: readonly AccessLabel[]): OtherSide[] {
  const opened = new Set(labels.map((label) => sha256(accessLabel(label))));
  return sides.filter(({ header }) => opened.has(sha256(accessLabel(parseHeader(header).label))));
}

async function keysEntries(service: Service, periods: readonly Period[]): Promise<Map<Period, Uint8Array>> {
  const found = new Map<Period, Uint8Array>();
  for (const period of periods) {
    const { index } = await service.keys(period);
    found.set(period, service.entriesFrom(index)[0]?.bytes as Uint8Array);
  }
  return found;
}

/**
 * All bundles that are there and hold by their form; a keyholder whose bundle does not is blamed. Each has its own turn, at
 * once with the others', which ends with the first bundle that does not come: none holds up what the others gave.
 */
async function fetchBundles(
  input: Parameters<typeof collectRelease>[0],
  context: {
    readonly secrets: RequestSecrets;
    readonly record: (action: CustodyStep["action"], subject: string, bytes: Uint8Array) => void;
  },
): Promise<{ bundles: Bundle[]; answers: KeyholderAnswer[]; blamed: KeyholderIndex[] }> {
  const { service, order, fetch, progress = () => {} } = input;
  const { secrets, record } = context;
  const charter = service.present;
  const { orderId, commitment } = namesOf(order);
  const secretKey = xwingKeygen(secrets.xwing).secretKey;
  const answers = await keyholderStates(charter, order, fetch === undefined ? {} : { fetch });
  const blamed: KeyholderIndex[] = [];
  const turns = answers.map(({ keyholder, answer }) => ({
    keyholder,
    // Each release has a label at least, and no order has more.
    releases: "releases" in answer ? Math.min(answer.releases, MAX_LABELS) : 0,
  }));
  const total = turns.reduce((sum, { releases }) => sum + releases, 0);
  let done = 0;
  progress("bundles", done, total);
  const take = (sealed: Uint8Array, { index }: Keyholder, release: number): Bundle | null => {
    try {
      const expected = { charter: charter.id, commitment, keyholder: index };
      const { bundle, bytes, random, slot } = openBundle(sealed, secretKey, expected);
      record(
        "bundle-received",
        `keyholder ${index}${release === 0 ? "" : `, release ${release + 1}`}`,
        bytes,
      );
      return {
        keyholder: index,
        slot,
        release: { bundle: bytes, random },
        partials: new Map(bundle.partials.map(({ label, partial }) => [sha256(accessLabel(label)), partial])),
        labels: bundle.partials.map(({ label }) => label),
        generations: new Map(bundle.generations.map(({ period, generation }) => [period, generation])),
      };
    } catch (error) {
      if (
        !(error instanceof QuorumError || error instanceof EncodingError || error instanceof EnvelopeError)
      ) {
        throw error;
      }
      blamed.push(index);
      return null;
    }
  };
  const until = performance.now() + TURN_SECONDS * 1000;
  const turn = async (keyholder: Keyholder, releases: number): Promise<Bundle[]> => {
    const bundles: Bundle[] = [];
    const client = keyholderClient(keyholder, fetch);
    for (let release = 0; release < releases && performance.now() < until; release++) {
      const sealed = await client.bundle(orderId, release).catch((error: unknown) => {
        if (error instanceof WireError) return null;
        throw error;
      });
      if (sealed === null) break;
      progress("bundles", ++done, total);
      const bundle = take(sealed, keyholder, release);
      if (bundle !== null) bundles.push(bundle);
    }
    return bundles;
  };
  const bundles = await Promise.all(
    turns.map(async ({ keyholder, releases }) => await turn(keyholder, releases)),
  );
  progress("bundles", total, total);
  return { bundles: bundles.flat(), answers, blamed: merge(blamed, []) };
}

/** One key a label, from any t partials that hold, all checked together. */
async function combine(input: {
  readonly service: Service;
  readonly warrant: VerifiedOrder;
  readonly secrets: RequestSecrets;
  readonly labels: readonly AccessLabel[];
  readonly bundles: readonly Bundle[];
  readonly progress: CollectProgress;
}): Promise<
  | {
      readonly kind: "combined";
      readonly labelKeys: readonly Uint8Array[];
      readonly blamed: readonly KeyholderIndex[];
    }
  | { readonly kind: "short"; readonly have: number; readonly blamed: readonly KeyholderIndex[] }
> {
  const { service, warrant, secrets, labels, bundles, progress } = input;
  const works = [];
  for (const label of labels) {
    const { generation, partials } = partialsOf(label, bundles);
    const { keys } = await service.keys(periodOf(label.day), generation);
    works.push({ master: keys.access, label: accessLabel(label), partials });
  }
  return combineOrder({
    requester: warrant.document.requester.point,
    requesterSecret: secrets.point,
    labels: works,
    curve: await loadCurve(),
    progress: (done) => progress("keys", done, labels.length),
  });
}

/** A keyholder gives its bundle out once it has seen its release in the log; the log shown here may trail a little. */
async function waitForSlots(service: Service, slots: readonly string[]): Promise<void> {
  const until = performance.now() + LOG_PATIENCE_SECONDS * 1000;
  for (;;) {
    await service.update();
    const missing = slots.filter(
      (slot) =>
        service.find((entry) => entry.type === "keyholder-batch" && entry.slots.includes(slot)) === null,
    );
    if (missing.length === 0) return;
    if (performance.now() > until) {
      throw new PartyError(
        "keyholder-untrue",
        "a keyholder gave out a release that it did not commit to in the log",
      );
    }
    await service.covers(service.checkpoint.size + 1, 5);
  }
}
