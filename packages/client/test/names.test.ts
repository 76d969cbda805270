import { accountId, conversationId } from "@porchlight/encoding";
import { expect, test } from "vitest";
import { memoryStorage } from "../src/index.ts";
import { findConversations } from "../src/messenger/order.ts";
import { People } from "../src/messenger/people.ts";
import type { ConversationView, ReadyState } from "../src/messenger/view.ts";

const TITLES = [
  "Ada Łukasiewicz",
  "Jörg Straße",
  "Søren Ærø",
  "Inês Rivera-López",
  "Вера",
  "Рaypal", // Its first letter is Cyrillic.
  "(Garden) club 🌱",
];

function found(typed: string): readonly string[] {
  const conversations = Object.fromEntries(
    TITLES.map((title, i) => {
      const id = conversationId(`${i}`.repeat(64));
      return [
        id,
        { id, title, pinned: false, archived: i % 2 === 1, lastAt: 0 } as unknown as ConversationView,
      ];
    }),
  );
  return findConversations({ conversations } as unknown as ReadyState, typed).map(({ title }) => title);
}

test.each([
  ["LUKASI", ["Ada Łukasiewicz"]],
  ["ada ŁUK", ["Ada Łukasiewicz"]],
  ["jorg strasse", ["Jörg Straße"]],
  ["soren aero", ["Søren Ærø"]],
  ["Lopez ines", ["Inês Rivera-López"]],
  ["rivera-l", ["Inês Rivera-López"]],
  ["вера", ["Вера"]],
  ["paypal", ["Рaypal"]],
  ["garden", ["(Garden) club 🌱"]],
  ["🌱", ["(Garden) club 🌱"]],
  ["arden", []],
])("a conversation is found by a name as people type it: %s", (typed, titles) => {
  expect(found(typed)).toEqual(titles);
});

test.each([
  ["Ben", "ben", true],
  ["Ben", "Вen", true], // Cyrillic
  ["Nik", "Νik", true], // Greek
  ["Tom", "Тоm", true],
  ["Łukasz", "Lukasz", true],
  ["Вера", "вера", true],
  ["Ben", "Bea", false],
])("two names that are drawn alike are told: %s, %s", async (one, other, isAmbiguous) => {
  const people = await People.open(memoryStorage(), accountId("aa".repeat(32)));
  const [first, second] = [accountId("bb".repeat(32)), accountId("cc".repeat(32))];
  people.named(first, one);
  people.named(second, other);
  expect(people.contact(second, "Me").isNameAmbiguous).toBe(isAmbiguous);
  expect(people.contact(first, other).isNameAmbiguous).toBe(isAmbiguous);
});
