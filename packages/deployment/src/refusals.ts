import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { parseSignedDocument, unverifiedPayload } from "@porchlight/charter";
import { readPassphrase, SecretStore } from "@porchlight/durable";
import {
  type AccountId,
  dayNumber,
  dayOf,
  fromHex,
  fromUtf8,
  type KeyholderIndex,
  parseJson,
  periodOf,
} from "@porchlight/encoding";
import { accessLabel } from "@porchlight/envelope";
import { formatWarrant, openBundle, parseWarrant, type WarrantDocument } from "@porchlight/gate";
import { Court, handToKeyholders, namesOf, type OrderFile } from "@porchlight/parties";
import {
  combinePartials,
  ibeOpen,
  ibeSeal,
  QuorumError,
  requesterPoint,
  verifyLabelKey,
  xwingKeygen,
} from "@porchlight/quorum";
import { AdminRefusal } from "@porchlight/runtime";
import {
  cosign,
  formatCheckpoint,
  makeSigner,
  parsePolicy,
  parseVkey,
  signNote,
  TlogError,
  type VerifierKey,
  verifyWitnessed,
} from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { KeyholderClient, WireError, WitnessClient } from "@porchlight/wire";
import type { Case, LoggedOrder, Opened } from "./case.ts";
import type { KeyholderIdentity, WitnessIdentity } from "./charter-draft.ts";
import { DeploymentError } from "./error.ts";
import { KEYHOLDER_NAMES, WITNESS_NAMES } from "./layout.ts";
import type { Progress } from "./progress.ts";

/** Something that must fail, and who stopped it with which reason code. */
export type RefusedAttempt = {
  readonly name: string;
  readonly by: string;
  readonly code: string;
  readonly reason: string;
};

/** Seconds: on a busy machine keyholders take their time, and nothing here is about speed. */
const PATIENCE = 120;

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** What the attempts start from: a case that was carried out, and an account that it did not name. */
export type AfterTheCase = {
  readonly completed: Case;
  readonly order: LoggedOrder;
  readonly opened: Opened;
  readonly bystander: AccountId;
};

type Attempt = (after: AfterTheCase) => Promise<Omit<RefusedAttempt, "name">>;

const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  "two-keyholders": twoKeyholders,
  "other-day": (after) => otherLabel(after, { day: dayNumber(after.completed.target.day + 1) }),
  "other-person": (after) => otherLabel(after, { account: after.bystander }),
  "unlogged-warrant": unloggedWarrant,
  "strangers-warrant": strangersWarrant,
  "revoked-warrant": revokedWarrant,
  "suspended-warrant": suspendedWarrant,
  "overlong-secrecy": overlongSecrecy,
  "reused-requester-key": reusedRequesterKey,
  "unproven-requester-key": unprovenRequesterKey,
  "replayed-release": replayedRelease,
  "split-view": splitView,
};

/** Tries everything that must fail. Throws DeploymentError "refusal-missing" as soon as one thing does not. */
export async function attemptForbidden(after: AfterTheCase, progress: Progress): Promise<RefusedAttempt[]> {
  const attempts = Object.entries(ATTEMPTS);
  progress.start("attempts that must fail", attempts.length);
  const refused: RefusedAttempt[] = [];
  for (const [name, attempt] of attempts) {
    refused.push({ name, ...(await attempt(after)) });
    progress.step();
  }
  progress.end();
  return refused;
}

function notRefused(what: string): DeploymentError {
  return new DeploymentError("refusal-missing", `${what} was NOT refused: do not rely on this build`);
}

/** Two keyholders' partials, with the requester's own secret and everything that the provider has. */
async function twoKeyholders({ completed, order }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const { charter, service } = completed.deployment;
  const { commitment, orderId } = namesOf(order);
  const warrant = documentOf(order);
  const secrets = await completed.agency.secretsOf(warrant.requester.point);
  const { secretKey } = xwingKeygen(secrets.xwing);
  const label = accessLabel({ ...completed.target, charter: charter.id });
  const partials = new Map<KeyholderIndex, Uint8Array>();
  for (const { index, url } of charter.keyholders) {
    if (partials.size === charter.threshold - 1) break;
    const sealed = await new KeyholderClient({ url }).bundle(orderId).catch(() => null);
    if (sealed === null) continue;
    const { bundle } = openBundle(sealed, secretKey, { charter: charter.id, commitment, keyholder: index });
    partials.set(index, (bundle.partials[0] as (typeof bundle.partials)[number]).partial);
  }
  const { keys } = await service.keys(periodOf(completed.target.day));
  const combine = (master: typeof keys.access) =>
    combinePartials({
      master,
      label,
      requester: warrant.requester.point,
      requesterSecret: secrets.point,
      partials,
    });
  const result = combine(keys.access);
  if (result.kind !== "short") throw notRefused("a key from two keyholders");
  // Claiming that two are enough does not help either: the public shares lie on a polynomial that needs three.
  const forced = refusedBy(QuorumError, () => combine({ ...keys.access, threshold: partials.size }));
  if (forced === null) throw notRefused("a key interpolated from two keyholders");
  return {
    by: "the mathematics of the quorum",
    code: "short",
    reason: `${partials.size} keyholders' parts make no key; ${charter.threshold} are needed.`,
  };
}

/** The released key on another label, and the provider asked for that label's material. */
async function otherLabel(
  { completed, order, opened }: AfterTheCase,
  change: Partial<Case["target"]>,
): Promise<Omit<RefusedAttempt, "name">> {
  const { deployment, target } = completed;
  const { charter, service } = deployment;
  const { keys } = await service.keys(periodOf(target.day));
  const { mpk } = keys.access;
  const labelKey = fromHex(releasedKey(opened), 48);
  const own = accessLabel({ ...target, charter: charter.id });
  const other = accessLabel({ ...target, ...change, charter: charter.id });
  if (!verifyLabelKey({ mpk, label: own, labelKey }))
    throw new DeploymentError("evidence-differs", "the released key is not the label's");
  if (verifyLabelKey({ mpk, label: other, labelKey })) throw notRefused("the key of another label");
  const ciphertext = ibeSeal({ mpk, label: other, message: random(64), seed: random(32) });
  const code = refusedBy(QuorumError, () => ibeOpen({ mpk, label: other, labelKey, ciphertext }));
  if (code === null) throw notRefused("an envelope of another label");
  const { orderId } = namesOf(order);
  const { conversation, account, day } = { ...target, ...change };
  const material = await deployment.service.server
    .material(orderId, { labels: [{ conversation, account, day }] })
    .then(
      () => null,
      (error: unknown) =>
        error instanceof WireError ? (error.refusal ?? error.code) : Promise.reject(error),
    );
  if (material === null) throw notRefused("material outside the warrant");
  return {
    by: "the label's own key, and the provider",
    code: material,
    reason:
      "The released key opens one account, one conversation and one day, and the provider delivers no other.",
  };
}

/** A warrant that the court signed and nobody logged, handed to keyholders with the place of another. */
async function unloggedWarrant({ completed }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const order = await completed.issue(await completed.request("unlogged"));
  return await keyholdersRefuse(completed, { ...order, index: 0 }, "an unlogged warrant", ["not-logged"]);
}

/** The same warrant, signed by somebody whom the charter does not name. */
async function strangersWarrant({ completed, order }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const stranger = await Court.create(
    join(completed.deployment.layout.root, "stranger"),
    { name: completed.court.name, title: completed.court.title },
    { workFactor: 12 },
  );
  const forged = await stranger.sign({ ...documentOf(order), reference: "forged" });
  const { server } = completed.deployment.service;
  const taken = await server.submitOrder({ warrant: fromUtf8(forged.warrant), opening: forged.opening }).then(
    () => true,
    (error: unknown) => (error instanceof WireError ? false : Promise.reject(error)),
  );
  if (taken) throw notRefused("a stranger's warrant, by the provider,");
  return await keyholdersRefuse(completed, { ...forged, index: order.index }, "a stranger's warrant", [
    "wrong-issuer",
    "signature-invalid",
  ]);
}

/** Revoked after it was logged and handed in, before anyone approved. */
async function revokedWarrant({ completed }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const { deployment, court } = completed;
  const order = await completed.submit(await completed.issue(await completed.request("to be revoked")));
  await completed.awaiting(order, noQuorum(completed), PATIENCE);
  const index = await court.revoke(
    deployment.service,
    order,
    "The suspicion was unfounded.",
    completed.now(),
  );
  await deployment.service.covers(index + 1);
  await Promise.all(
    KEYHOLDER_NAMES.map(async (name) => await completed.approve(order, name, 30).catch(() => null)),
  );
  return await stateRefused(completed, order, "a revoked warrant", ["revoked"]);
}

/** Suspended by its court, as while a complaint is heard: nobody's approval is taken. */
async function suspendedWarrant({ completed }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const { deployment, court } = completed;
  const { service } = deployment;
  const order = await completed.submit(await completed.issue(await completed.request("to be suspended")));
  const needed = noQuorum(completed);
  await completed.awaiting(order, needed, PATIENCE);
  const said = { kind: "suspension", ground: "A complaint is heard.", at: completed.now() } as const;
  const { index } = await court.direct(service, order, said.kind, await court.sayOf(service, order, said));
  await service.covers(index + 1);
  const answers = await Promise.all(
    KEYHOLDER_NAMES.map(
      async (name) => await completed.approve(order, name, 30).catch((error: unknown) => error),
    ),
  );
  const refused = answers.filter(
    (answer) => answer instanceof AdminRefusal && /suspended/.test(answer.message),
  );
  if (refused.length < needed) throw notRefused("a suspended warrant");
  return {
    by: `${refused.length} keyholders`,
    code: "suspended",
    reason: "A suspended order waits: no approval of it is taken until its court lets it go on.",
  };
}

/** Its own court wants the case kept secret for a day longer than the charter allows. */
async function overlongSecrecy({ completed, order }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const { deployment, court } = completed;
  const { charter, service } = deployment;
  const until = dayNumber(dayOf(documentOf(order).issued) + charter.longestSecrecyDays + 1);
  const said = { kind: "extension", ground: "Inquiries go on.", at: completed.now(), until } as const;
  const document = await court.sayOf(service, order, said);
  const reason = await court.direct(service, order, said.kind, document).then(
    () => null,
    (error: unknown) => (error instanceof WireError ? error : Promise.reject(error)),
  );
  if (reason === null) throw notRefused("a secrecy longer than the charter's longest");
  return {
    by: "the intake, and every keyholder",
    code: reason.reason ?? reason.code,
    reason: "No order is secret for longer than the charter said beforehand.",
  };
}

/** A second warrant on the request of the first: the same key T, in other words a key that is known to be in use. */
async function reusedRequesterKey({ completed, order }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const again = await completed.court.sign({
    ...documentOf(order),
    necessity: "Once more, with the same key.",
  });
  return await keyholdersRefuse(completed, await logged(completed, again), "a used requester key", [
    "requester-reused",
  ]);
}

/** A key that somebody else proved, put into a warrant. */
async function unprovenRequesterKey({
  completed,
  order,
}: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const document = documentOf(order);
  const stolen = requesterPoint(random, random(32));
  const forged = await completed.court.sign({
    ...document,
    reference: "unproven",
    requester: { ...document.requester, point: stolen.point, proof: stolen.proof },
  });
  return await keyholdersRefuse(completed, { ...forged, index: order.index }, "an unproven requester key", [
    "requester-unproven",
  ]);
}

/** The sealed bundles of the case in the hands of another requester. */
async function replayedRelease({ completed, order }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const { charter } = completed.deployment;
  const { commitment, orderId } = namesOf(order);
  const other = xwingKeygen(random(32));
  let tried = 0;
  for (const { index, url } of charter.keyholders) {
    const sealed = await new KeyholderClient({ url }).bundle(orderId).catch(() => null);
    if (sealed === null) continue;
    tried++;
    const expected = { charter: charter.id, commitment, keyholder: index };
    if (refusedBy(QuorumError, () => openBundle(sealed, other.secretKey, expected)) === null) {
      throw notRefused("a release replayed to another requester");
    }
  }
  if (tried < charter.threshold)
    throw new DeploymentError("release-incomplete", "the releases of the case are gone");
  return {
    by: "the seal of the bundle",
    code: "refused",
    reason: "A release is sealed to the requester that the warrant names, and unreadable to any other.",
  };
}

/**
 * The log's own key signs a second, different tree, two dishonest keyholders cosign it, and every other cosigner is asked
 * to: no one else does, and what was collected satisfies nobody's policy.
 */
async function splitView({ completed }: AfterTheCase): Promise<Omit<RefusedAttempt, "name">> {
  const { deployment } = completed;
  const { charter, layout, service } = deployment;
  const { size } = service.checkpoint;
  const fork = formatCheckpoint({ origin: charter.log.origin, size, root: random(32) });
  const serverKeys = await secretKeys(layout.directory("server"));
  const logSigner = makeSigner(
    "ed25519",
    charter.log.origin,
    fromHex(serverKeys["log"] as string, 32),
    nodeSuite,
  );
  let note = signNote(fork, [logSigner]);
  const dishonest = KEYHOLDER_NAMES.slice(0, 2);
  for (const name of dishonest) {
    const { name: keyName } = await layout.publicIdentity<KeyholderIdentity>(name);
    const keys = await secretKeys(layout.directory(name));
    const signer = makeSigner("cosignature", keyName, fromHex(keys["cosigner"] as string, 32), nodeSuite);
    note += cosign(fork, signer, completed.now());
  }
  const honest = [...WITNESS_NAMES, ...KEYHOLDER_NAMES.slice(2)];
  for (const name of honest) {
    const { vkey } = await layout.publicIdentity<WitnessIdentity>(name);
    const key = parseVkey(vkey, nodeSuite) as VerifierKey<"cosignature">;
    const url = `http://127.0.0.1:${deployment.supervisor.port(name)}`;
    const client = new WitnessClient(key, { url, suite: nodeSuite });
    const cosigned = await client
      .cosign(note, size, () => Promise.resolve([]))
      .then(
        () => true,
        (error: unknown) => (error instanceof WireError ? false : Promise.reject(error)),
      );
    if (cosigned) throw notRefused(`a second view of the log, by ${name},`);
  }
  const code = refusedBy(TlogError, () =>
    verifyWitnessed(note, parsePolicy(charter.log.policy, nodeSuite), nodeSuite),
  );
  if (code === null) throw notRefused("a split view of the log");
  return {
    by: "every honest witness and keyholder",
    code,
    reason: "Two dishonest keyholders are not enough for a second view of the log.",
  };
}

/** All keyholders get the order; enough of them must refuse it that no quorum is left, for one of `codes`. */
async function keyholdersRefuse(
  completed: Case,
  order: LoggedOrder,
  what: string,
  codes: readonly string[],
): Promise<Omit<RefusedAttempt, "name">> {
  await handToKeyholders(completed.deployment.charter, { ...order, index: order.index as never });
  return await stateRefused(completed, order, what, codes);
}

/** n − t + 1: so many without whom there is no quorum. */
function noQuorum({ deployment: { charter } }: Case): number {
  return charter.keyholders.length - charter.threshold + 1;
}

async function stateRefused(
  completed: Case,
  order: OrderFile,
  what: string,
  codes: readonly string[],
): Promise<Omit<RefusedAttempt, "name">> {
  // Whoever holds the order in its hands may refuse once the log or the clock says so.
  const needed = noQuorum(completed);
  const refused = await completed.reached(order, ["refused"], needed, PATIENCE);
  const answers = refused.flatMap(({ answer }) => (answer.state === "refused" ? [answer] : []));
  const [first] = answers;
  if (answers.length < needed || first === undefined) throw notRefused(what);
  const unexpected = answers.find(({ code }) => !codes.includes(code));
  if (unexpected !== undefined) {
    throw new DeploymentError(
      "refusal-missing",
      `${what} was refused for another reason: ${unexpected.code}`,
    );
  }
  return { by: `${answers.length} keyholders`, code: first.code, reason: first.reason };
}

/** Puts an order into the log without handing it to keyholders. */
async function logged(completed: Case, order: OrderFile): Promise<LoggedOrder> {
  return await completed.court.submit(completed.deployment.service, order);
}

function documentOf(order: OrderFile): WarrantDocument {
  const document = parseWarrant(unverifiedPayload(parseSignedDocument(order.warrant, "warrant")));
  // Changing a copy must give the bytes that a court would sign.
  return parseWarrant(formatWarrant(document));
}

function releasedKey(opened: Opened): string {
  const bytes = opened.files.get("data/label-keys.json");
  const [first] = parseJson(bytes ?? new Uint8Array()) as unknown as readonly { readonly key: string }[];
  if (first === undefined) throw new DeploymentError("evidence-differs", "the evidence holds no label key");
  return first.key;
}

function refusedBy(kind: typeof QuorumError | typeof TlogError, attempt: () => unknown): string | null {
  try {
    attempt();
    return null;
  } catch (error) {
    if (error instanceof kind) return error.code;
    throw error;
  }
}

/** A party's sealed keys, opened as whoever runs it can: with the passphrase beside them. */
async function secretKeys(directory: string): Promise<Readonly<Record<string, unknown>>> {
  const store = await SecretStore.open(join(directory, "secrets"), {
    passphrase: await readPassphrase(directory),
  });
  const bytes = await store.read("keys");
  if (bytes === null) throw new DeploymentError("state-mismatch", "a party's keys are gone");
  return parseJson(bytes) as Readonly<Record<string, unknown>>;
}
