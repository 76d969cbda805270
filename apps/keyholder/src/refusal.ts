import { signDocument } from "@porchlight/charter";
import type { Commitment } from "@porchlight/encoding";
import { formatRefusal } from "@porchlight/gate";
import type { Clock } from "@porchlight/runtime";
import type { OwnCharter } from "./charters.ts";
import type { Identity } from "./identity.ts";
import type { Refused } from "./order-book.ts";

export type RefusalSigner = {
  readonly own: OwnCharter;
  readonly identity: Identity;
  readonly clock: Clock;
};

/** KEY-27: the record for the court, signed by this keyholder's document key. */
export async function signRefusal(
  { own, identity, clock }: RefusalSigner,
  commitment: Commitment,
  { rule, code, reason }: Pick<Refused, "rule" | "code" | "reason">,
): Promise<Refused> {
  const at = clock.now();
  const bytes = formatRefusal({ charter: own.id, keyholder: own.self, commitment, at, rule, code, reason });
  const signer = { name: own.name, seed: identity.document.seed };
  return { rule, code, reason, at, record: await signDocument("refusal", bytes, [signer]) };
}
