import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SecretStore } from "@porchlight/durable";
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
import { createLogger } from "@porchlight/runtime";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { DORA, otherSide } from "../../../vectors/fixture/other-side.ts";
import { noHooks } from "../src/hooks.ts";
import {
  changeOf,
  emptyBook,
  ImpossibleEvent,
  type OrderEvent,
  pendingSlots,
  usedBefore,
  type WritableBook,
  write,
} from "../src/order-book.ts";
import { formatOrderEvent, parseOrderEvent } from "../src/order-event.ts";
import { OrderJournal } from "../src/order-journal.ts";

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

function after(sequence: readonly OrderEvent[]): WritableBook {
  const book = emptyBook();
  for (const event of sequence) write(book, changeOf(book, event));
  return book;
}

test("KEY-28: an event reads back from the journal as it was written", () => {
  for (const event of ALL) expect(parseOrderEvent(formatOrderEvent(event))).toEqual(event);
});

test("KEY-28: in whatever order events come, a release has one intent, one bundle and one end, and a refused order makes no new one", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ALL), { maxLength: 60 }), (sequence) => {
      const book = emptyBook();
      const taken: OrderEvent[] = [];
      for (const event of sequence) {
        try {
          write(book, changeOf(book, event));
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
      const again = after(taken.map((event) => parseOrderEvent(formatOrderEvent(event))));
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
  const book = after([received, admitted, approved, intended, sealed, again, declined] as OrderEvent[]);
  expect(pendingSlots(book)).toEqual([{ order, release: 0, slot: "dd".repeat(32) }]);
  write(book, changeOf(book, released as OrderEvent));
  const kept = book.orders.get(order);
  expect(kept?.releases.map(({ kind }) => kind)).toEqual(["released", "intended"]);
  expect(kept?.state.kind).toBe("refused");
});

test("KEY-23: only an order that was not logged may come again", () => {
  const [order = ""] = ORDERS;
  const [received, admitted, , , , , notLogged, declined] = events(order) as [OrderEvent, ...OrderEvent[]];
  const again = (event: OrderEvent | undefined) => after([received, event as OrderEvent, received]);
  expect(again(notLogged).orders.get(order)?.state.kind).toBe("checking");
  expect(() => again(declined)).toThrow(ImpossibleEvent);
  expect(() => again(admitted)).toThrow(ImpossibleEvent);
});

test("KEY-29: a requester's key belongs to the first order that was admitted with it, not to one that was only handed in", () => {
  const [a = "", b = ""] = ORDERS;
  const [receivedA, admittedA] = events(a) as [OrderEvent, OrderEvent];
  const [receivedB, admittedB] = events(b) as [OrderEvent, OrderEvent];
  const point = "cc".repeat(48);
  expect(usedBefore([after([receivedA, receivedB])]).requesterPoints.size).toBe(0);
  expect(usedBefore([after([receivedA, receivedB, admittedB])]).requesterPoints.get(point)).toBe(b);
  const both = after([receivedA, receivedB, admittedA, admittedB]);
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
  const book = after([received, admitted, approved, intended]);
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
  write(book, changeOf(book, { kind: "batch", entry }));
  expect(pendingSlots(book)).toEqual([]);
  write(book, changeOf(book, sealed));
  expect(pendingSlots(book)).toEqual([{ order, release: 0, slot: "dd".repeat(32) }]);
});

test("KEY-28: an event is written into the one book, once it is durable, however many orders there are", async () => {
  const directory = mkdtempSync(join(tmpdir(), "keyholder-book-"));
  const secrets = await SecretStore.open(join(directory, "secrets"), {
    passphrase: "a test's",
    workFactor: 2,
  });
  const log = createLogger("keyholder", { now: () => AT }, () => {});
  const journal = await OrderJournal.open(directory, { secrets, log, hooks: noHooks });
  const { orders } = journal.book;
  const [a, b] = ORDERS.map((order) => events(order)[0] as OrderEvent) as [OrderEvent, OrderEvent];
  await journal.transact(() => a);
  expect([journal.book.orders === orders, orders.size]).toEqual([true, 1]);
  await journal.close();
  await expect(journal.transact(() => b)).rejects.toThrow();
  expect(orders.size).toBe(1);
  rmSync(directory, { recursive: true });
});
