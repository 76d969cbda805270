import {
  concat,
  Fields,
  formatInstant,
  fromHex,
  fromUtf8,
  parseInstant,
  parseJson,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { EvidenceError } from "./error.ts";
import { sha256 } from "./files.ts";

/** What can happen to material on its way into a package, in the requester's own record. */
const CUSTODY_ACTIONS = [
  "requested",
  "order-received",
  "bundle-received",
  "material-received",
  "combined",
  "opened",
  "attachment-received",
  "attachment-missing",
  "packaged",
] as const;
export type CustodyAction = (typeof CUSTODY_ACTIONS)[number];

/** What can happen to a package afterwards: of that there is a record beside it. */
const LATER_ACTIONS = ["copied"] as const;

/** One step. `subject` says of what, without personal data; `digest` is the SHA-256 of the bytes where there are any. */
export type CustodyStep = {
  readonly at: UnixSeconds;
  readonly actor: string;
  readonly action: CustodyAction | (typeof LATER_ACTIONS)[number];
  readonly subject: string;
  readonly digest: string | null;
};

export const CUSTODY = "data/custody.jsonl";

const START = "0".repeat(64);

/** EVI-30: one JSON line a step, each with the SHA-256 of the line before it, so that none can be taken out unnoticed. */
export function formatCustody(steps: readonly CustodyStep[]): Uint8Array {
  return concat(...formatCopies(steps));
}

/** EVI-45: the record of an order's copies, chained as custody's; one line each. */
export function formatCopies(steps: readonly CustodyStep[]): Uint8Array[] {
  let previous = START;
  return steps.map(({ at, actor, action, subject, digest }) => {
    const line = utf8(
      `${JSON.stringify({ at: formatInstant(at), actor, action, subject, digest, previous })}\n`,
    );
    previous = sha256(line);
    return line;
  });
}

/** Strict inverse of {@link formatCustody}; time never goes back. Throws EvidenceError "custody". */
export function parseCustody(bytes: Uint8Array): CustodyStep[] {
  const steps = parseSteps(bytes, CUSTODY_ACTIONS);
  if (steps.length === 0) throw new EvidenceError("custody", CUSTODY, { cause: "order of steps" });
  return steps;
}

/** Strict inverse of {@link formatCopies}. Throws EvidenceError "custody". */
export function parseCopies(lines: readonly Uint8Array[]): CustodyStep[] {
  return parseSteps(concat(...lines), LATER_ACTIONS);
}

function parseSteps<A extends CustodyStep["action"]>(
  bytes: Uint8Array,
  actions: readonly A[],
): CustodyStep[] {
  const steps: CustodyStep[] = [];
  try {
    for (const line of fromUtf8(bytes, "custody").split("\n").slice(0, -1)) {
      const fields = new Fields(parseJson(utf8(line), "custody"), "custody");
      const at = parseInstant(fields.string("at"), "custody.at");
      const actor = fields.string("actor", 300);
      const action = fields.literal("action", ...actions);
      const subject = fields.string("subject", 300);
      const digest = fields.json("digest");
      if (digest !== null) fromHex(typeof digest === "string" ? digest : "-", 32, "custody.digest");
      fields.string("previous", 64);
      fields.end();
      steps.push({ at, actor, action, subject, digest: digest as string | null });
    }
  } catch (cause) {
    throw new EvidenceError("custody", CUSTODY, { cause });
  }
  // Written again it must be the same bytes: the chain, the member order and the end of the file.
  if (sha256(formatCustody(steps)) !== sha256(bytes))
    throw new EvidenceError("custody", CUSTODY, { cause: "chain" });
  if (steps.some((step, i) => i > 0 && step.at < (steps[i - 1] as CustodyStep).at)) {
    throw new EvidenceError("custody", CUSTODY, { cause: "order of steps" });
  }
  return steps;
}
