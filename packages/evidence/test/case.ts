// A finished case on paper: the fixture's deployment, one person's messages of one day, a warrant, three releases.
// Everything is real but for the log, which is in memory, and the key ceremony, which has a dealer.
import {
  type Charter,
  type CharterDocument,
  formatEntry,
  formatStatement,
  type LogEntry,
  type SignedDocument,
  signBatch,
  signDocument,
  signIntake,
  verifyCharter,
} from "@porchlight/charter";
import {
  type ConversationId,
  concat,
  type DayNumber,
  fromHex,
  hex,
  idBytes,
  type KeyholderIndex,
  parseDay,
  periodOf,
  type UnixSeconds,
  utf8,
  Writer,
} from "@porchlight/encoding";
import { type AccessLabel, accessLabel, sealEnvelope } from "@porchlight/envelope";
import {
  commitmentOf,
  formatBundle,
  formatWarrant,
  labelsOf,
  publicCommitment,
  publicKeyOfOrder,
  publicPartOf,
  requesterContext,
  slotOf,
  verifyOrder,
  type WarrantDocument,
} from "@porchlight/gate";
import { combinePartials, partialRelease, requesterPoint } from "@porchlight/quorum";
import {
  appendLeaves,
  EMPTY_FRONTIER,
  frontierRoot,
  inclusionProof,
  leafHash,
  logIndex,
  type TileReader,
  treeSize,
} from "@porchlight/tlog";
import {
  COURT,
  charterDocument,
  checkpointOf,
  HOUSE_ISSUERS,
  keyholderName,
  keysDocument,
  onDay,
  randomFrom,
  seedOf,
  sharedKey,
  signedCharter,
  signedKeys,
  signedSuccession,
  signerOf,
  successionDocument,
  THRESHOLD,
  xwingOf,
} from "../../../vectors/fixture/deployment.ts";
import { cardOf } from "../../../vectors/fixture/notice.ts";
import { vector } from "../../envelope/src/mls.ts";
import { device, seed } from "../../envelope/test/device.ts";
import type { CustodyStep } from "../src/custody.ts";
import type { EntryProof } from "../src/log-extract.ts";
import type { ReleasedLabel, StoredEnvelope, StoredMessage } from "../src/material.ts";
import type { PackageInput } from "../src/package.ts";

export type Device = ReturnType<typeof device>;

export const DAY = parseDay("2026-09-14");
export const CONVERSATION = hex(seed("group")) as ConversationId;
const GROUP = fromHex(CONVERSATION);

/** Members beyond the first three are those of content.md, in any form. */
export type Written = {
  readonly at: string;
  readonly text: string;
  readonly kind?: string;
  readonly [member: string]: unknown;
};

function contextOf(charter: Charter, epoch: number): Uint8Array {
  const extension = concat(
    Uint8Array.of(1, 1),
    idBytes(charter.id),
    GROUP,
    new Writer().uint(DAY, 4).finish(),
  );
  const extensions = concat(new Writer().uint(0xf0c1, 2).finish(), vector(extension));
  return concat(
    new Writer().uint(1, 2).uint(1, 2).finish(),
    vector(GROUP),
    new Writer().u64(epoch).finish(),
    vector(seed("tree hash")),
    vector(seed("confirmed transcript hash")),
    vector(extensions),
  );
}

/** A person's device in one epoch of the case's conversation. */
export function sender(charter: Charter, name: string, epoch: number, day: DayNumber = DAY): Device {
  const made = device(name);
  const label: AccessLabel = { charter: charter.id, conversation: CONVERSATION, account: made.owner.id, day };
  Object.assign(made.header, { label, groupContext: contextOf(charter, epoch) });
  return made;
}

export function contentOf(written: Written): string {
  return JSON.stringify(written);
}

export type CaseOptions = {
  readonly kind?: "court" | "house";
  readonly charter?: Partial<CharterDocument>;
  readonly warrant?: Partial<WarrantDocument>;
  readonly person?: string;
  /** By epoch, from 7 on. */
  readonly written?: readonly (readonly Written[])[];
  /** Entries after the releases' batches. */
  readonly later?: (made: { readonly charter: Charter; readonly commitment: string }) => readonly LogEntry[];
  /** Whose releases there are. */
  readonly releasing?: readonly number[];
  /** Keyholder 2 is lost: where the log has its succession, its document if not the right one, who signs its batch. */
  readonly succession?: {
    readonly at: "before-order" | "before-release" | "after-release";
    readonly document?: (right: SignedDocument) => SignedDocument;
    readonly released: "lost" | "successor";
  };
  /** Whether the releases' slots are in the log. */
  readonly unloggedReleases?: boolean;
};

export type CaseMade = PackageInput & {
  readonly charterId: string;
  readonly stored: {
    readonly envelopes: StoredEnvelope[];
    readonly messages: StoredMessage[];
    readonly senders: readonly Device[];
  };
};

const NOON = onDay(DAY, 12);

export const PLAIN: readonly (readonly Written[])[] = [
  [
    { at: "2026-09-14T08:00:00Z", text: "good morning" },
    { at: "2026-09-14T08:00:07Z", text: "is the kettle <b>on</b>?\n\tsecond line" },
  ],
  [
    { at: "2026-09-14T19:30:00Z", text: "waves", kind: "action" },
    { at: "2026-09-14T19:31:00Z", text: "naïve 日本 👋 \u2028 end" },
  ],
];

export async function makeCase(options: CaseOptions = {}): Promise<CaseMade> {
  const kind = options.kind ?? "court";
  const document = charterDocument(kind, options.charter);
  const charterEntry: LogEntry = { type: "charter", document: await signedCharter(document) };
  const charter = await verifyCharter(charterEntry.document);
  const period = periodOf(DAY);
  const keysEntry: LogEntry = { type: "keys", document: await signedKeys(keysDocument(charter, period)) };

  // What was sent.
  const senders = (options.written ?? PLAIN).map((_, i) => sender(charter, "ben", 7 + i));
  const { owner } = device("ben");
  const account = owner.id;
  const access = sharedKey(`access ${period}`);
  const keys = { mpk: access.mpk, providerKey: charter.provider.xwing };
  let seq = 40;
  const stored = { envelopes: [] as StoredEnvelope[], messages: [] as StoredMessage[], senders };
  (options.written ?? PLAIN).forEach((written, i) => {
    const one = senders[i] as Device;
    const sealed = sealEnvelope({ header: one.header, secret: one.secret, keys, sign: one.sign });
    stored.envelopes.push({ seq: ++seq, epoch: 7 + i, at: NOON, ...sealed });
    written.forEach((content, generation) => {
      seq += 1 + (generation % 3);
      const wire = one.message({ generation, counter: generation, text: contentOf(content), epoch: 7 + i });
      stored.messages.push({ seq, epoch: 7 + i, submitter: account, at: (NOON + seq) as UnixSeconds, wire });
    });
  });

  // The order.
  const random = randomFrom("case");
  const particulars = { charter: charter.id, reference: "4 Gs 123/26", actHash: seedOf("act") };
  const requester = { name: "Public Prosecutor", xwing: xwingOf("requester") };
  const point = requesterPoint(random, requesterContext({ ...particulars, requester }));
  const statement = await signDocument(
    "statement",
    formatStatement({
      charter: charter.id,
      accounts: [{ account, person: options.person ?? "merry-ram", notice: cardOf(owner.identitySeed) }],
      at: onDay(DAY, 30),
    }),
    [signerOf("Provider")],
  );
  const warrantDocument: WarrantDocument = {
    ...particulars,
    legalBasis: document.legalBases[0] as string,
    offenceCategory: document.offenceCategories[0] as string,
    issuer: kind === "court" ? COURT : HOUSE_ISSUERS[0],
    issued: onDay(DAY, 31),
    expires: onDay(DAY, 31 + 24 * 20),
    requester: { ...requester, point: point.point, proof: point.proof },
    statement,
    accounts: [account],
    conversations: [CONVERSATION],
    mode: "sent",
    firstDay: DAY,
    lastDay: DAY,
    live: false,
    necessity: "The threats were sent in this conversation on that day.",
    proportionality: "One person, one day, one conversation.",
    privileged: false,
    disclosure: {
      kind: "secret",
      until: parseDay("2026-10-14"),
      ground: "The person would destroy other evidence.",
    },
    emergency: false,
    ...options.warrant,
  };
  const signers = (kind === "court" ? [COURT] : HOUSE_ISSUERS).map(signerOf);
  const warrant = utf8(
    JSON.stringify(await signDocument("warrant", formatWarrant(warrantDocument), signers)),
  );
  const opening = seedOf("opening");
  const commitment = commitmentOf(opening, warrant);
  const verified = await verifyOrder({ warrant }, charter);
  const labels = labelsOf(verified);

  // The releases.
  const bundles = (options.releasing ?? [1, 3, 4]).map((n) => {
    const keyholder = n as KeyholderIndex;
    const share = access.shares[n - 1] as (typeof access.shares)[number];
    const partials = labels.map((label) => ({
      label,
      partial: partialRelease({
        share,
        mpk: access.mpk,
        label: accessLabel(label),
        requester: point.point,
        random,
      }),
    }));
    const bundle = formatBundle({
      charter: charter.id,
      keyholder,
      generations: [{ period, generation: 1 }],
      commitment,
      partials,
    });
    return { keyholder, bundle, random: seedOf(`slot ${n}`), partials };
  });
  const master = {
    threshold: THRESHOLD,
    mpk: access.mpk,
    verifyingShares: new Map(access.verifyingShares.map((share, i) => [(i + 1) as KeyholderIndex, share])),
  };
  const released: ReleasedLabel[] = labels.map((label, i) => {
    const combined = combinePartials({
      master,
      label: accessLabel(label),
      requester: point.point,
      requesterSecret: point.secret,
      partials: new Map(
        bundles.map(({ keyholder, partials }) => [keyholder, partials[i]?.partial as Uint8Array]),
      ),
    });
    if (combined.kind !== "combined") throw new Error("the fixture's shares do not combine");
    return {
      label,
      labelKey: combined.labelKey,
      envelopes: label.day === DAY ? stored.envelopes : [],
      messages: label.day === DAY ? stored.messages : [],
    };
  });

  // The log.
  const day = (DAY + 1) as DayNumber;
  const batch = (
    keyholder: KeyholderIndex,
    first: string,
    signer: string = keyholderName(keyholder),
  ): LogEntry =>
    signBatch(
      {
        type: "keyholder-batch",
        charter: charter.id,
        keyholder,
        day,
        slots: [
          first,
          ...Array.from({ length: 7 }, (_, i) => hex(seedOf(`filler ${keyholder} ${i} ${first}`))),
        ],
      },
      seedOf(signer),
    );
  const order = signIntake(
    {
      type: kind === "court" ? "warrant" : "hold-order",
      charter: charter.id,
      day,
      commitment,
      public: publicCommitment(publicKeyOfOrder(opening), publicPartOf(verified)),
      notices: hex(seedOf("notices")),
      secretUntil: "2026-10" as never,
    },
    seedOf("Intake"),
  );
  const succession = await successionEntry(charter, options.succession?.document);
  const at = (place: NonNullable<CaseOptions["succession"]>["at"]): LogEntry[] =>
    options.succession?.at === place ? [succession] : [];
  const holderOf = (keyholder: KeyholderIndex): string =>
    keyholder === 2 && options.succession?.released === "successor"
      ? successionDocument(charter).keyholder.name
      : keyholderName(keyholder);
  const entries: LogEntry[] = [
    charterEntry,
    keysEntry,
    batch(2 as KeyholderIndex, hex(seedOf("nothing"))),
    ...at("before-order"),
    order,
    ...at("before-release"),
    ...bundles.map(({ keyholder, bundle, random: slot }) =>
      batch(
        keyholder,
        options.unloggedReleases === true ? hex(seedOf("later")) : slotOf(slot, bundle),
        holderOf(keyholder),
      ),
    ),
    ...at("after-release"),
    ...(options.later?.({ charter, commitment }) ?? []),
  ];
  const note = checkpointOf(entries, onDay(DAY, 40)).note;
  const prove = await prover(entries);
  const custody: CustodyStep[] = [
    {
      at: onDay(DAY, 31),
      actor: requester.name,
      action: "order-received",
      subject: "4 Gs 123/26",
      digest: null,
    },
    { at: onDay(DAY, 41), actor: requester.name, action: "packaged", subject: "evidence", digest: null },
  ];
  return {
    charterId: charter.id,
    stored,
    warrant,
    opening,
    charter: formatEntry(charterEntry),
    keys: new Map([[period, formatEntry(keysEntry)]]),
    successions: at("before-order").map(formatEntry),
    labels: released,
    releases: bundles.map(({ bundle, random: slot }) => ({ bundle, random: slot })),
    log: {
      checkpoint: note,
      charter: await prove(0),
      keys: new Map([[period, await prove(1)]]),
      successions: await Promise.all(at("before-order").map(() => prove(3))),
      order: await prove(entries.indexOf(order)),
      entries: entries.slice(entries.indexOf(order)).map(formatEntry),
    },
    custody,
  };
}

async function successionEntry(
  charter: Charter,
  change: (right: SignedDocument) => SignedDocument = (right) => right,
): Promise<LogEntry> {
  const document = change(await signedSuccession(charter, successionDocument(charter)));
  return { type: "succession", document };
}

/** Audit paths in the tree of all entries. */
export async function prover(entries: readonly LogEntry[]): Promise<(index: number) => Promise<EntryProof>> {
  const leaves = entries.map((entry) => leafHash(formatEntry(entry)));
  const { newTiles } = appendLeaves(EMPTY_FRONTIER, leaves);
  const tiles = new Map(newTiles.map(({ path, hashes }) => [path, hashes]));
  const read: TileReader = async (path) => tiles.get(path) as Uint8Array;
  return async (index) => ({
    index,
    hashes: await inclusionProof(read, treeSize(entries.length), logIndex(index)),
  });
}

/** Size and root of the tree of all entries. */
export function rootOf(entries: readonly LogEntry[]): { readonly size: number; readonly root: Uint8Array } {
  const { state } = appendLeaves(
    EMPTY_FRONTIER,
    entries.map((entry) => leafHash(formatEntry(entry))),
  );
  return { size: entries.length, root: frontierRoot(state) };
}
