import { commitment, hex, keyholderIndex, unixSeconds } from "@porchlight/encoding";
import type { KeyholderAnswer } from "@porchlight/parties";
import { expect, test } from "vitest";
import { seedOf } from "../../../vectors/fixture/deployment.ts";
import { Silences } from "../src/silence.ts";

test("BUN-8: since when a keyholder gives no answer is said of each order by itself, never of a time before it was asked about it", () => {
  const [first, second] = ["first", "second"].map((name) => commitment(hex(seedOf(name)))) as [
    ReturnType<typeof commitment>,
    ReturnType<typeof commitment>,
  ];
  const index = keyholderIndex(4);
  const said = (answer: object): readonly KeyholderAnswer[] => [
    { keyholder: { index, url: "https://four.example.org" }, answer } as unknown as KeyholderAnswer,
  ];
  const [down, up] = [said({ state: "unreachable", reason: "no answer" }), said({ state: "approved" })];
  const at = (minute: number) => unixSeconds(1_789_000_000 + minute * 60);
  const silences = new Silences();
  const noted = (...asked: Parameters<Silences["note"]>) => silences.note(...asked).get(index);
  expect(noted(first, down, at(1))).toBe(at(1));
  expect(noted(second, down, at(5))).toBe(at(5));
  expect([noted(first, down, at(6)), noted(second, down, at(7))]).toEqual([at(1), at(5)]);
  expect([noted(first, up, at(8)), noted(first, down, at(9))]).toEqual([undefined, at(9)]);
  expect(noted(second, down, at(10))).toBe(at(5));
});
