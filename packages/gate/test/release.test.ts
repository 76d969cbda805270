import {
  dayNumber,
  type KeyholderIndex,
  keyholderIndex,
  type Period,
  periodOf,
  utf8,
} from "@porchlight/encoding";
import { accessLabel } from "@porchlight/envelope";
import {
  combinePartials,
  type MasterKey,
  requesterPoint,
  verifyLabelKey,
  xwingKeygen,
} from "@porchlight/quorum";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  DEPLOYMENT,
  KEYHOLDERS,
  randomFrom,
  seedOf,
  sharedKey,
  THRESHOLD,
} from "../../../vectors/fixture/deployment.ts";
import { gateInput } from "../../../vectors/fixture/gate-cases.ts";
import { HELD, SELF } from "../../../vectors/fixture/order.ts";
import { makeGrant } from "../src/grant.ts";
import {
  type Bundle,
  formatBundle,
  type Grant,
  type HeldShare,
  makeBundle,
  openBundle,
  parseBundle,
  passGate,
  releaseLabel,
  requesterContext,
  sealBundle,
  slotOf,
} from "../src/index.ts";

const REQUESTER = "State Police, Unit 7";
const { input } = await gateInput({ kind: "court", changes: {} });
const keys = new Map([...HELD.keys()].map((period) => [period, sharedKey(`access ${period}`)]));

function held(
  period: Period,
  keyholder: KeyholderIndex = SELF,
  generation = HELD.get(period) ?? 0,
): HeldShare {
  const key = keys.get(period) as ReturnType<typeof sharedKey>;
  const share = key.shares[keyholder - 1] as HeldShare["share"];
  return { generation, share, mpk: key.mpk };
}

let grant: Grant;
let bundle: Bundle;

beforeAll(() => {
  const result = passGate(input);
  if (result.kind !== "passed") throw new Error(result.code);
  grant = result.grant;
  const random = randomFrom("release");
  bundle = makeBundle(
    grant,
    grant.labels.map((label) => releaseLabel(grant, label, held(periodOf(label.day)), random)),
  );
});

describe("a share leaves only with a grant", () => {
  const label = () => grant.labels[0] as Grant["labels"][number];
  const release = (with_: Grant, of = label(), share = held(periodOf(of.day))) =>
    releaseLabel(with_, of, share, randomFrom("release"));

  test("GATE-30: a copy of a grant releases nothing, nor does one made up", () => {
    expect(() => release({ ...grant })).toThrow("not-granted");
    expect(() => release(structuredClone(grant))).toThrow("not-granted");
    expect(() => release(Object.create(grant) as Grant)).toThrow("not-granted");
    expect(() => makeBundle({ ...grant }, bundle.partials)).toThrow("not-granted");
    const seal = { random: seedOf("r"), seed: new Uint8Array(64) };
    expect(() => sealBundle({ ...grant }, bundle, seal)).toThrow("not-granted");
  });

  test("GATE-30: a label that the grant does not hold is not released", () => {
    expect(() =>
      release(grant, {
        ...label(),
        day: dayNumber(label().day + 10),
      }),
    ).toThrow("not-granted");
    expect(() => release(grant, { ...label(), account: "0".repeat(64) as never })).toThrow("not-granted");
  });

  test("GATE-30: another keyholder's share and another generation's are not used", () => {
    const period = periodOf(label().day);
    expect(() => release(grant, label(), held(period, keyholderIndex(3)))).toThrow("not-granted");
    expect(() => release(grant, label(), held(period, SELF, 9))).toThrow("not-granted");
  });

  test("BUN-4: a bundle holds one partial for each label of its grant", () => {
    const [first, ...rest] = bundle.partials;
    expect(() => makeBundle(grant, rest)).toThrow("not-granted");
    expect(() => makeBundle(grant, [...bundle.partials, first as (typeof bundle.partials)[number]])).toThrow(
      "not-granted",
    );
    expect(() => makeBundle(grant, bundle.partials.toReversed())).toThrow("not-granted");
    expect(() =>
      makeBundle(grant, bundle.partials.with(1, first as (typeof bundle.partials)[number])),
    ).toThrow("not-granted");
  });
});

describe("the bundle", () => {
  const seed = randomFrom("seal")(64);
  const random = seedOf("bundle randomness");
  const secret = xwingKeygen(seedOf(`xwing ${REQUESTER}`)).secretKey;
  const sealed = () => sealBundle(grant, bundle, { random, seed });
  const expected = () => ({
    charter: grant.charter,
    commitment: grant.commitment,
    keyholder: grant.keyholder,
  });

  test("BUN-5: opens with the requester's key, and its slot is the one in the log", () => {
    const { sealed: bytes, slot } = sealed();
    const opened = openBundle(bytes, secret, expected());
    expect(opened.bundle).toEqual(bundle);
    expect(opened.bytes).toEqual(formatBundle(bundle));
    expect(opened.slot).toBe(slot);
    expect(slot).toBe(slotOf(random, formatBundle(bundle)));
  });

  test("BUN-5: another key, another order, another keyholder and every altered byte are refused", () => {
    const { sealed: bytes } = sealed();
    expect(() => openBundle(bytes, xwingKeygen(seedOf("xwing another")).secretKey, expected())).toThrow(
      "refused",
    );
    expect(() => openBundle(bytes, secret, { ...expected(), keyholder: keyholderIndex(3) })).toThrow(
      "refused",
    );
    expect(() => openBundle(bytes, secret, { ...expected(), commitment: "0".repeat(64) as never })).toThrow(
      "refused",
    );
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const altered = bytes.slice();
        altered[at] = (altered[at] as number) ^ mask;
        expect(() => openBundle(altered, secret, expected())).toThrow("refused");
      }),
      { numRuns: 20 },
    );
  });

  test("BUN-4: one encoding", () => {
    const text = new TextDecoder().decode(formatBundle(bundle));
    for (const other of [
      `${text} `,
      text.replace('"version":1', '"version":2'),
      text.replace('{"version":1', '{"version":1,"more":0'),
      text.replace('"generation":2', '"generation":0'),
      text.replace(/"partials":\[(\{[^}]*\})/, '"partials":[$1,$1'),
      text.replace(/"partial":"../, '"partial":"'),
    ]) {
      expect(other).not.toBe(text);
      expect(() => parseBundle(utf8(other))).toThrow();
    }
  });

  test("BUN-6: t keyholders' partials combine to the label key under T's secret, and under no other", () => {
    const label = grant.labels[0] as Grant["labels"][number];
    const period = periodOf(label.day);
    const key = keys.get(period) as ReturnType<typeof sharedKey>;
    const master: MasterKey = {
      threshold: THRESHOLD,
      mpk: key.mpk,
      verifyingShares: new Map(KEYHOLDERS.map((index, i) => [index, key.verifyingShares[i] as Uint8Array])),
    };
    const partials = new Map(
      KEYHOLDERS.slice(0, THRESHOLD).map((keyholder) => {
        // Each keyholder passes its own gate; that four more views differ in nothing is not what is tested here.
        const own = makeGrant({ ...grant, keyholder });
        return [
          keyholder,
          releaseLabel(own, label, held(period, keyholder), randomFrom(`release ${keyholder}`)).partial,
        ];
      }),
    );
    const { document } = input.warrant;
    const { point, secret: requesterSecret } = requesterPoint(
      randomFrom(`requester ${document.reference}`),
      requesterContext(document),
    );
    const result = combinePartials({
      master,
      label: accessLabel(label),
      requester: point,
      requesterSecret,
      partials,
    });
    if (result.kind !== "combined") throw new Error(result.kind);
    expect(verifyLabelKey({ mpk: master.mpk, label: accessLabel(label), labelKey: result.labelKey })).toBe(
      true,
    );
    const others = requesterPoint(randomFrom("another"), utf8(DEPLOYMENT));
    expect(() =>
      combinePartials({
        master,
        label: accessLabel(label),
        requester: point,
        requesterSecret: others.secret,
        partials,
      }),
    ).toThrow("requester-mismatch");
  });
});
