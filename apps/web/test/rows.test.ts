import fc from "fast-check";
import { expect, test } from "vitest";
import { Rows } from "../src/thread/rows.ts";

const GUESS = 10;

type Step =
  | { readonly kind: "measure"; readonly index: number; readonly height: number }
  | { readonly kind: "resize"; readonly count: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("measure" as const),
    index: fc.nat(70),
    height: fc.integer({ min: 1, max: 99 }),
  }),
  fc.record({ kind: fc.constant("resize" as const), count: fc.nat(70) }),
);

test("rows know where they begin and which of them is where, as a plain list of heights does", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: -50, max: 4_000 }), (steps, offset) => {
      const rows = new Rows(GUESS);
      let plain: number[] = [];
      for (const one of steps) {
        if (one.kind === "resize") {
          rows.resize(one.count);
          plain = Array.from({ length: one.count }, (_, i) => plain[i] ?? GUESS);
        } else {
          rows.measure(one.index, one.height);
          if (one.index < plain.length) plain[one.index] = one.height;
        }
      }
      const tops = plain.map((_, i) => plain.slice(0, i).reduce((sum, height) => sum + height, 0));
      expect(rows.total).toBe(plain.reduce((sum, height) => sum + height, 0));
      expect(plain.map((_, i) => rows.top(i))).toEqual(tops);
      expect(plain.map((_, i) => rows.height(i))).toEqual(plain);
      expect(rows.at(offset)).toBe(
        Math.max(
          0,
          tops.findLastIndex((top) => top <= offset),
        ),
      );
    }),
  );
});
