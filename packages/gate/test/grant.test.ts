// What a label costs does not grow with the number of the others: counted, not timed.
import { conversationId, dayNumber, periodOf } from "@porchlight/encoding";
import * as envelope from "@porchlight/envelope";
import { xwingKeygen } from "@porchlight/quorum";
import { beforeAll, expect, test, vi } from "vitest";
import { randomFrom, seedOf, sharedKey } from "../../../vectors/fixture/deployment.ts";
import { gateInput } from "../../../vectors/fixture/gate-cases.ts";
import { SELF } from "../../../vectors/fixture/order.ts";
import { DORA, otherSide } from "../../../vectors/fixture/other-side.ts";
import { makeGrant } from "../src/grant.ts";
import {
  type Grant,
  type HeldShare,
  MAX_LABELS,
  makeBundle,
  openBundle,
  passGate,
  type ReleasedPartial,
  releaseLabel,
  sealBundle,
  verifyOtherSide,
} from "../src/index.ts";
import { labelRules } from "../src/rules.ts";

vi.mock("@porchlight/envelope", async (original) => {
  const module = await original<typeof envelope>();
  return { ...module, accessLabel: vi.fn(module.accessLabel) };
});
const encoded = vi.mocked(envelope.accessLabel);

/** Many enough to see what grows; with PORCHLIGHT_SLOW=1 as many as an order may ask for. */
const COUNT = process.env["PORCHLIGHT_SLOW"] === "1" ? MAX_LABELS : 1000;

let first: Grant["labels"][number];
let grant: Grant;

beforeAll(async () => {
  const passed = passGate((await gateInput({ kind: "court", changes: {} })).input);
  if (passed.kind !== "passed") throw new Error(passed.code);
  first = passed.grant.labels[0] as typeof first;
  grant = makeGrant({
    ...passed.grant,
    labels: Array.from({ length: COUNT }, (_, i) => ({
      ...first,
      conversation: conversationId(i.toString(16).padStart(64, "0")),
    })),
  });
});

test("GATE-30: the last of many labels costs what the first does, and what is not among them is refused", () => {
  const period = periodOf(first.day);
  const { shares, mpk } = sharedKey(`access ${period}`);
  const share = shares[SELF - 1] as HeldShare["share"];
  const held = { generation: grant.generations.get(period) ?? 0, share, mpk };
  const last = grant.labels.at(-1) as typeof first;
  encoded.mockClear();
  releaseLabel(grant, last, held, randomFrom("release"));
  expect(encoded.mock.calls.length).toBeLessThan(4);
  const other = { ...last, conversation: conversationId("ff".repeat(32)) };
  expect(() => releaseLabel(grant, other, held, randomFrom("release"))).toThrow("not-granted");
});

test("GATE-14: each other side is looked at once, however many labels are asked for", () => {
  const conversation = conversationId("22".repeat(32));
  const label = { charter: first.charter, conversation, account: DORA, day: dayNumber(17_442) };
  const side = verifyOtherSide(otherSide("Dora", label, [DORA, first.account]));
  let looks = 0;
  const otherSides = new Proxy(
    Array.from({ length: 200 }, () => side),
    {
      get: (sides, name, self) => {
        if (typeof name === "string" && /^[0-9]+$/.test(name)) looks++;
        return Reflect.get(sides, name, self) as unknown;
      },
    },
  );
  const rule = labelRules.find(({ id }) => id === "GATE-14");
  const others = { accounts: [{ account: DORA }] };
  const facts = (account = first.account, day = label.day) =>
    ({
      warrant: { document: { accounts: [account] }, others },
      labels: Array.from({ length: 200 }, () => ({ ...label, day })),
      otherSides,
    }) as unknown as Parameters<NonNullable<typeof rule>["holds"]>[0];
  expect(rule?.holds(facts())).toBe(true);
  expect(rule?.holds(facts(first.account, dayNumber(label.day + 1)))).toBe(false);
  expect(looks).toBe(400);
  expect(rule?.holds(facts("0".repeat(64) as never))).toBe(false);
});

test("WAR-16, BUN-5: a bundle of very many labels is made, sealed and opened", () => {
  const partial = new Uint8Array(192).fill(7);
  const partials = grant.labels.map((label): ReleasedPartial => ({ label, partial }));
  const bundle = makeBundle(grant, partials);
  const { sealed, slot } = sealBundle(grant, bundle, { random: seedOf("r"), seed: randomFrom("seal")(64) });
  const { secretKey } = xwingKeygen(seedOf("xwing State Police, Unit 7"));
  const opened = openBundle(sealed, secretKey, grant);
  expect([opened.bundle.partials.length, opened.slot]).toEqual([COUNT, slot]);
  expect(sealed.length).toBeLessThan(8 * 2 ** 20);
});
