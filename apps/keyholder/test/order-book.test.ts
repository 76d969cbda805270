import {
  charterId,
  commitment,
  conversationId,
  dayNumber,
  keyholderIndex,
  parsePeriod,
  unixSeconds,
} from "@porchlight/encoding";
import { formatIntent, slotOf } from "@porchlight/gate";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DORA, otherSide } from "../../../vectors/fixture/other-side.ts";
import {
  EMPTY_BOOK,
  ImpossibleEvent,
  type OrderBook,
  type OrderEvent,
  pendingSlots,
  reduce,
  usedBefore,
} from "../src/order-book.ts";
import { formatOrderEvent, parseOrderEvent } from "../src/order-event.ts";

const CONVERSATION = conversationId("22".repeat(32));
const AT = unixSeconds(1_507_032_000);
const ORDERS = ["a", "b"].map((digit) => digit.repeat(64));

function intentOf(order: string) {
  const document = {
    charter: charterId("11".repeat(32)),
    commitment: commitment(order),
    keyholder: keyholderIndex(1),
    generations: [{ period: parsePeriod("2017-10"), generation: 1 }],
    labels: new Uint8Array(32),
    at: AT,
  };
  const random = new Uint8Array(32).fill(3);
  return { document, random, slot: slotOf(random, formatIntent(document)) };
}

const refused = (code: string) => ({
  rule: "GATE-4",
  code,
  reason: "A reason.",
  at: AT,
  record: { payload: "AA", signatures: [{ protected: "AA", signature: "AA" }] },
});

const sender = otherSide(
  "Dora",
  { charter: charterId("11".repeat(32)), conversation: CONVERSATION, day: dayNumber(17_442) },
  [DORA],
);
const label = (day: number) => ({
  charter: charterId("11".repeat(32)),
  conversation: CONVERSATION,
  account: DORA,
  day: dayNumber(day),
});

function events(order: string): OrderEvent[] {
  const approval = { keyholder: keyholderIndex(1), commitment: commitment(order), at: AT, by: "A. Approver" };
  return [
    {
      kind: "received",
      order,
      at: AT,
      received: {
        warrant: "{}",
        others: "{}",
        opening: new Uint8Array(32).fill(7),
        index: 4,
        conversations: null,
      },
      commitment: commitment(order),
      requesterPoint: "cc".repeat(48),
      reference: `Case ${order.slice(0, 4)}`,
    },
    { kind: "admitted", order },
    { kind: "approved", order, approval },
    { kind: "intended", order, release: 0, intent: intentOf(order), labels: [label(17_441), label(17_442)] },
    { kind: "sealed", order, release: 0, bundle: new Uint8Array(1000).fill(5), slot: "dd".repeat(32) },
    { kind: "released", order, release: 0, at: AT },
    { kind: "refused", order, refused: refused("not-logged"), by: null },
    { kind: "refused", order, refused: refused("declined"), by: "A. Approver" },
    { kind: "turned-away", order, refused: refused("malformed") },
    { kind: "intended", order, release: 1, intent: intentOf(order), labels: [label(17_443)] },
    { kind: "sealed", order, release: 1, bundle: new Uint8Array(100).fill(6), slot: "ee".repeat(32) },
    { kind: "released", order, release: 1, at: AT },
    { kind: "further", order, further: { conversations: [CONVERSATION], otherSides: [sender] } },
    { kind: "directed", order, directed: { kind: "suspension", document: "{}" } },
    {
      kind: "direction-refused",
      order,
      direction: { kind: "extension", document: "{}", index: 9, refused: refused("extension-too-late") },
    },
  ];
}

const ALL = ORDERS.flatMap(events);

test("KEY-28: an event reads back from the journal as it was written", () => {
  for (const event of ALL) expect(parseOrderEvent(formatOrderEvent(event))).toEqual(event);
});

test("KEY-28: in whatever order events come, a release has one intent, one bundle and one end, and a refused order makes no new one", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ALL), { maxLength: 60 }), (sequence) => {
      let book: OrderBook = EMPTY_BOOK;
      const taken: OrderEvent[] = [];
      for (const event of sequence) {
        try {
          book = reduce(book, event);
          taken.push(event);
        } catch (error) {
          expect(error).toBeInstanceOf(ImpossibleEvent);
        }
      }
      for (const order of ORDERS) {
        const own = taken.filter((event) => "order" in event && event.order === order);
        // An order that the log did not have may come again: what counts is the last time that it came.
        const since = own.slice(own.findLastIndex(({ kind }) => kind === "received"));
        const names = since.map((event) =>
          "release" in event ? `${event.kind} ${event.release}` : event.kind,
        );
        const at = (name: string) => names.indexOf(name);
        for (const release of [0, 1]) {
          const [intended, sealed, released] = ["intended", "sealed", "released"].map(
            (kind) => `${kind} ${release}`,
          ) as [string, string, string];
          for (const name of [intended, sealed, released]) {
            expect(names.filter((one) => one === name).length).toBeLessThanOrEqual(1);
          }
          if (at(intended) >= 0) expect(at(intended)).toBeGreaterThan(at("approved"));
          if (at(sealed) >= 0) expect(at(sealed)).toBeGreaterThan(at(intended));
          if (at(released) >= 0) expect(at(released)).toBeGreaterThan(at(sealed));
          const end = at("refused");
          if (end >= 0) {
            for (const name of [intended, sealed, "approved", "further"]) {
              expect(names.lastIndexOf(name)).toBeLessThan(end);
            }
          }
        }
        if (at("intended 1") >= 0) expect(at("intended 0")).toBeLessThan(at("intended 1"));
      }
      // The journal alone gives the same book.
      const again = taken.map((event) => parseOrderEvent(formatOrderEvent(event))).reduce(reduce, EMPTY_BOOK);
      expect(again).toEqual(book);
    }),
    { numRuns: 300 },
  );
});

test("KEY-28: what is sealed when an order is refused is still released; what was only intended is not, and its slot waits for no batch", () => {
  const [order = ""] = ORDERS;
  const [received, admitted, approved, intended, sealed, released, , declined, , again] = events(
    order,
  ) as OrderEvent[] as [OrderEvent, ...OrderEvent[]];
  const book = [received, admitted, approved, intended, sealed, again, declined].reduce(
    reduce as never,
    EMPTY_BOOK as never,
  ) as unknown as OrderBook;
  expect(pendingSlots(book)).toEqual([{ order, release: 0, slot: "dd".repeat(32) }]);
  const kept = reduce(book, released as OrderEvent).orders.get(order);
  expect(kept?.releases.map(({ kind }) => kind)).toEqual(["released", "intended"]);
  expect(kept?.state.kind).toBe("refused");
});

test("KEY-23: only an order that was not logged may come again", () => {
  const [order = ""] = ORDERS;
  const [received, admitted, , , , , notLogged, declined] = events(order) as [OrderEvent, ...OrderEvent[]];
  const refusedAs = (event: OrderEvent | undefined) =>
    [received, event as OrderEvent].reduce(reduce, EMPTY_BOOK);
  expect(reduce(refusedAs(notLogged), received).orders.get(order)?.state.kind).toBe("checking");
  expect(() => reduce(refusedAs(declined), received)).toThrow(ImpossibleEvent);
  expect(() => reduce(refusedAs(admitted), received)).toThrow(ImpossibleEvent);
});

test("KEY-29: a requester's key belongs to the first order that was admitted with it, not to one that was only handed in", () => {
  const [a = "", b = ""] = ORDERS;
  const [receivedA, admittedA] = events(a) as [OrderEvent, OrderEvent];
  const [receivedB, admittedB] = events(b) as [OrderEvent, OrderEvent];
  const point = "cc".repeat(48);
  const book = [receivedA, receivedB].reduce(reduce, EMPTY_BOOK);
  expect(usedBefore([book]).requesterPoints.size).toBe(0);
  expect(usedBefore([reduce(book, admittedB)]).requesterPoints.get(point)).toBe(b);
  const both = [admittedA, admittedB].reduce(reduce, book);
  expect(usedBefore([both]).requesterPoints.get(point)).toBe(a);
  expect(usedBefore([both]).references.size).toBe(2);
});

test("KEY-30: what waits for a batch is each intent and each release that none holds yet", () => {
  const [order = ""] = ORDERS;
  const [received, admitted, approved, intended, sealed] = events(order) as [
    OrderEvent,
    OrderEvent,
    OrderEvent,
    OrderEvent,
    OrderEvent,
  ];
  const book = [received, admitted, approved, intended].reduce(reduce, EMPTY_BOOK);
  const { slot } = intentOf(order);
  expect(pendingSlots(book)).toEqual([{ order, release: 0, slot }]);
  const slots = [slot, ...Array.from({ length: 7 }, (_, i) => `0${i}`.repeat(32))].sort();
  const entry = JSON.stringify({
    type: "keyholder-batch",
    charter: "11".repeat(32),
    keyholder: 1,
    day: 17_442,
    slots,
    signature: Buffer.alloc(64).toString("base64"),
  });
  const batched = reduce(book, { kind: "batch", entry });
  expect(pendingSlots(batched)).toEqual([]);
  expect(pendingSlots(reduce(batched, sealed))).toEqual([{ order, release: 0, slot: "dd".repeat(32) }]);
});
