import { formatSignedDocument, signDocument } from "../../packages/charter/src/index.ts";
import { fromUtf8, hex, type Period, periodOf, unixSeconds } from "../../packages/encoding/src/index.ts";
import { accessLabel } from "../../packages/envelope/src/index.ts";
import {
  formatBundle,
  formatDirection,
  formatIntent,
  formatRefusal,
  makeBundle,
  passGate,
  refusalRecord,
  releaseLabel,
  sealBundle,
  slotOf,
} from "../../packages/gate/src/index.ts";
import { COURT, keyholderName, randomFrom, seedOf, sharedKey, signerOf } from "../fixture/deployment.ts";
import { gateCases, gateInput } from "../fixture/gate-cases.ts";
import { SELF } from "../fixture/order.ts";

/** Everything that follows from the first case of the gate's vectors, which passes. */
export async function make(): Promise<unknown> {
  const [first] = gateCases;
  if (first === undefined) throw new Error("no cases");
  const { input } = await gateInput(first);
  const result = passGate(input);
  if (result.kind !== "passed" || input.self.intent === null) throw new Error("does not pass");
  const { grant } = result;

  const shares = new Map<Period, ReturnType<typeof sharedKey>>();
  for (const period of grant.generations.keys()) shares.set(period, sharedKey(`access ${period}`));
  const random = randomFrom("release");
  const partials = grant.labels.map((label) => {
    const period = periodOf(label.day);
    const key = shares.get(period);
    const share = key?.shares[SELF - 1];
    if (key === undefined || share === undefined) throw new Error("no share");
    const generation = grant.generations.get(period) ?? 0;
    return releaseLabel(grant, label, { generation, share, mpk: key.mpk }, random);
  });
  const bundle = makeBundle(grant, partials);
  const bundleRandom = seedOf("bundle randomness");
  const seed = randomFrom("seal")(64);
  const { sealed, slot } = sealBundle(grant, bundle, { random: bundleRandom, seed });

  const { document: intent, random: intentRandom } = input.self.intent;
  const { charter, keyholder, commitment } = grant;
  const at = unixSeconds(input.now);
  const refusal = refusalRecord(
    { rule: "GATE-10", code: "revoked", reason: "The order was revoked.", waits: false },
    { charter, keyholder, commitment, at },
  );
  const { reference } = input.warrant.document;
  const revocation = {
    kind: "revocation" as const,
    charter,
    commitment,
    reference,
    at,
    ground: "Charges were dropped.",
  };
  const court = [signerOf(COURT)];
  return {
    description:
      "What a keyholder writes (spec/release.md), for the first case of gate.json: intent and slot, bundle, sealed " +
      "bundle (the requester's X-Wing seed and the sealing seed are given), refusal; and an issuer's revocation " +
      "(spec/warrant.md)",
    intent: {
      document: fromUtf8(formatIntent(intent)),
      random: hex(intentRandom),
      slot: slotOf(intentRandom, formatIntent(intent)),
    },
    keys: [...shares].map(([period, { mpk, verifyingShares }]) => ({
      period,
      mpk: hex(mpk),
      verifyingShares: verifyingShares.map((share) => hex(share)),
    })),
    bundle: {
      document: fromUtf8(formatBundle(bundle)),
      labels: grant.labels.map((label) => hex(accessLabel(label))),
      random: hex(bundleRandom),
      slot,
      requesterSeed: hex(seedOf(`xwing ${input.warrant.document.requester.name}`)),
      seed: hex(seed),
      sealed: hex(sealed),
    },
    refusal: {
      document: fromUtf8(formatRefusal(refusal)),
      signed: fromUtf8(
        formatSignedDocument(
          await signDocument("refusal", formatRefusal(refusal), [signerOf(keyholderName(SELF))]),
        ),
      ),
    },
    revocation: {
      document: fromUtf8(formatDirection(revocation)),
      signed: fromUtf8(
        formatSignedDocument(await signDocument("revocation", formatDirection(revocation), court)),
      ),
    },
  };
}
