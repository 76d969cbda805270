// What a server can lie about to one of three people in a conversation, each lie with the screen that she sees.
import { expect, test } from "vitest";
import { conversationId, dayOf, unixSeconds } from "../../packages/encoding/src/index.ts";
import { changed, flipped, forgedAdd } from "../lies.ts";
import type { WireItem } from "../lying-proxy.ts";
import { picture } from "./browser.ts";
import { expectCalm, type Lie, lie, type Stage, sent } from "./stage.ts";
import type { Person } from "./town.ts";

/** Both are in one conversation of three, on the screen of both; `reader` is behind the stage's liar. */
export type Lied = {
  readonly stage: Stage;
  readonly writer: Person;
  readonly account: string;
  readonly reader: Person;
};

const last = (items: readonly WireItem[]): WireItem => items.at(-1) as WireItem;

/** `shown`: exactly once. */
const LIES: readonly (Lie & { readonly shown: readonly string[] })[] = [
  {
    name: "drop",
    texts: ["kept back", "let through"],
    change: (items, hers) => items.filter((item) => item !== hers.at(-2)),
    words: [
      "A message is missing",
      "Something that was written before this place did not arrive. The server may have kept it back.",
    ],
    hidden: ["kept back"],
    shown: ["let through"],
  },
  {
    name: "reorder",
    texts: ["first of two", "second of two"],
    change: (items, hers) => {
      const [one, other] = hers.slice(-2) as [WireItem, WireItem];
      return items.map((item) => {
        if (item === one) return { ...item, bytes: other.bytes };
        return item === other ? { ...item, bytes: one.bytes } : item;
      });
    },
    words: [
      "A message is missing",
      "A message was refused",
      "It does not decrypt, or its signature is wrong",
    ],
    hidden: ["first of two"],
    shown: ["second of two"],
  },
  {
    name: "replay",
    texts: ["only once"],
    change: (items, hers) => [...items, { ...last(hers), seq: last(items).seq + 1 }],
    words: ["A message was refused", "only once"],
    hidden: [],
    shown: ["only once"],
  },
  {
    name: "wrong-time",
    texts: ["three days hence"],
    change: (items, hers) => changed(items, last(hers), { at: last(hers).at + 3 * 86_400 }),
    words: ["The server gave it a time that cannot be"],
    hidden: ["three days hence"],
    shown: [],
  },
  {
    name: "alter",
    texts: ["as I wrote it"],
    change: (items, hers) => changed(items, last(hers), { bytes: flipped(last(hers).bytes) }),
    words: ["A message was refused", "It does not decrypt, or its signature is wrong"],
    hidden: ["as I wrote it"],
    shown: [],
  },
];

const ENVELOPES: readonly [
  name: "altered" | "stripped",
  change: (item: WireItem) => WireItem[],
  words: readonly string[],
][] = [
  ["altered", (item) => [{ ...item, bytes: flipped(item.bytes) }], ["An envelope was refused"]],
  ["stripped", () => [], []],
];

/** Leaves the conversation with the three that were in it. `lied`: asked for when the tests run. */
export function serverLies(lied: () => Lied): void {
  test.each(LIES)("a server that lies ($name): the screen says so and shows nothing of it", async (one) => {
    const { stage, ...people } = lied();
    await lie(stage, one, people);
    for (const text of one.shown) {
      expect(await people.reader.thread.getByText(text, { exact: true }).count()).toBe(1);
    }
  });

  test("CON-13: her device says that it got something else, and the writer is not told that everybody read it", async () => {
    const { writer } = lied();
    await writer.sees("Cay did not get this message as you wrote it");
    await picture(writer.page, "story-ada-lost");
  });

  test("a server that invents a member: the screen says that nobody was added, and there is nobody", async () => {
    const { stage, ...people } = lied();
    const { reader } = people;
    const now = unixSeconds(Math.floor(Date.now() / 1000));
    const id = conversationId(/\/c\/([0-9a-f]{64})/.exec(reader.page.url())?.[1] ?? "");
    let epoch = 0;
    const look: Lie = { name: "look", texts: ["a look"], change: (items) => items, words: [], hidden: [] };
    await lie(stage, { ...look, change: (items) => ((epoch = last(items).epoch), items) }, people);
    const bytes = await forgedAdd(id, epoch, { day: dayOf(now), now });
    await lie(
      stage,
      {
        name: "inject",
        texts: ["among us"],
        change: (items) => {
          const { seq, epoch: at, submitter, at: time } = last(items);
          return [...items, { seq: seq + 1, kind: "commit", epoch: at, submitter, at: time, bytes }];
        },
        words: ["A change of the members was refused", "Nobody was added or removed"],
        hidden: [],
      },
      people,
    );
    await reader.follow("People and devices");
    await reader.page.getByText("Cay (you)").waitFor();
    expect(await reader.page.locator(".person").count()).toBe(3);
    await picture(reader.page, "story-cay-three");
    await reader.follow("Close");
    expectCalm(people.writer, reader);
  });

  let guest: Person;
  test.each(ENVELOPES)(
    "an envelope that is %s: what it should have opened is not shown",
    async (name, change, words) => {
      const { stage, writer, reader } = lied();
      guest ??= await stage.member("Guest", stage.origin);
      stage.liar.holds = true;
      // A change of members begins an epoch, in which everybody posts anew: a guest comes, and goes.
      await writer.follow("People and devices");
      if (name === "altered") {
        await writer.adds(await guest.contactLink());
        await writer.sees("You added Guest");
        await writer.follow("Close");
      } else {
        await writer.removes("Guest");
      }
      await writer.says(`under an envelope ${name}`);
      await sent(writer, `under an envelope ${name}`);
      await stage.liar.release((items) =>
        items.flatMap((item) => (item.kind === "envelope" ? change(item) : [item])),
      );
      for (const text of [...words, "did not deposit the key part"]) await reader.sees(text);
      await picture(reader.page, `story-lie-envelope-${name}`);
      expect(await reader.thread.getByText(`under an envelope ${name}`).count()).toBe(0);
      expectCalm(writer, reader);
    },
  );
}
