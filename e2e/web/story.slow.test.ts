// What else a server can lie about to one person, each with the screen that she sees; a lost device and a second one.
// Three people on one deployment: each part goes on where the one before ended.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { conversationId, dayOf, unixSeconds } from "../../packages/encoding/src/index.ts";
import { changed, flipped, forgedAdd } from "../lies.ts";
import type { WireItem } from "../lying-proxy.ts";
import { picture } from "./browser.ts";
import { accountIn, expectCalm, type Lie, lie, Stage, sent } from "./stage.ts";
import type { Person } from "./town.ts";

let stage: Stage;
let ada: Person;
let ben: Person;
let cay: Person;
let adaAccount: string;

/** Ada, Ben at a phone, and Cay behind a server that can lie to her; the keys of Ada and Ben are compared. */
beforeAll(async () => {
  stage = await Stage.open();
  ada = await stage.member("Ada", stage.origin);
  adaAccount = accountIn(await ada.contactLink());
  ben = await stage.member("Ben", stage.cable.origin, { phone: true });
  cay = await stage.member("Cay", stage.lyingOrigin);
  await ada.begins(await ben.contactLink());
  await ada.says("Is the porch light on?");
  await ben.page.getByText("Is the porch light on?").first().click();
  await ben.follow("People and devices");
  await ben.press("Compare keys");
  await ben.press("They are the same");
  await ben.press("Close");
  await ben.follow("Close");
  await ada.follow("People and devices");
  await ada.adds(await cay.contactLink());
  await ada.sees("You added Cay");
  await cay.page.getByRole("link", { name: /Ada/ }).first().click();
  await cay.sees("What was said before is not here");
}, 600_000);
afterAll(async () => {
  await stage?.close();
});
afterEach(async ({ task }) => {
  if (task.result?.state === "fail") await stage.showFailure();
});

const last = (items: readonly WireItem[]): WireItem => items.at(-1) as WireItem;

/** `shown`: exactly once. */
const LIES: readonly (Lie & { readonly shown: readonly string[] })[] = [
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
];

test.each(LIES)("a server that lies ($name): the screen says so and shows nothing of it", async (one) => {
  await lie(stage, one, { writer: ada, account: adaAccount, reader: cay });
  for (const text of one.shown) {
    expect(await cay.thread.getByText(text, { exact: true }).count()).toBe(1);
  }
});

test("a server that invents a member: the screen says that nobody was added, and there is nobody", async () => {
  const now = unixSeconds(Math.floor(Date.now() / 1000));
  const id = conversationId(/\/c\/([0-9a-f]{64})/.exec(cay.page.url())?.[1] ?? "");
  let epoch = 0;
  const look: Lie = { name: "look", texts: ["a look"], change: (items) => items, words: [], hidden: [] };
  const people = { writer: ada, account: adaAccount, reader: cay };
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
  await cay.follow("People and devices");
  await cay.page.getByText("Cay (you)").waitFor();
  expect(await cay.page.locator(".person").count()).toBe(3);
  await picture(cay.page, "story-cay-three");
  await cay.follow("Close");
  expectCalm(ada, cay);
});

const ENVELOPES: readonly [
  name: "altered" | "stripped",
  change: (item: WireItem) => WireItem[],
  words: readonly string[],
][] = [
  ["altered", (item) => [{ ...item, bytes: flipped(item.bytes) }], ["An envelope was refused"]],
  ["stripped", () => [], []],
];

const guests = {} as Record<(typeof ENVELOPES)[number][0], Person>;
beforeAll(async () => {
  for (const [name] of ENVELOPES) guests[name] = await stage.member(`Guest ${name}`, stage.origin);
}, 300_000);

test.each(ENVELOPES)(
  "an envelope that is %s: what it should have opened is not shown",
  async (name, change, words) => {
    stage.liar.holds = true;
    // A change of members begins an epoch, in which everybody posts anew.
    await ada.follow("People and devices");
    await ada.adds(await guests[name].contactLink());
    await ada.sees(`You added ${guests[name].name}`);
    await ada.says(`under an envelope ${name}`);
    await sent(ada, `under an envelope ${name}`);
    await stage.liar.release((items) =>
      items.flatMap((item) => (item.kind === "envelope" ? change(item) : [item])),
    );
    for (const text of [...words, "did not deposit the key part"]) await cay.sees(text);
    await picture(cay.page, `story-lie-envelope-${name}`);
    expect(await cay.thread.getByText(`under an envelope ${name}`).count()).toBe(0);
    expectCalm(ada, cay);
  },
);

test("a lost device: the code on paper brings back account and history, and who compared keys is told loudly", async () => {
  await ada.home();
  await ada.settings("Recovery");
  await ada.press("Make a recovery code");
  const code = (await ada.page.locator(".code-large").first().textContent()) ?? "";
  await picture(ada.page, "story-ada-code");
  const found = await stage.person("Ada again", ada.origin);
  await found.restore(code, "Found again");
  await found.readWho();
  await picture(found.page, "story-ada-restored-list");
  await found.page.getByRole("link", { name: /Ben/ }).first().click();
  await found.sees("Is the porch light on?");
  await picture(found.page, "story-ada-restored");
  await ben.sees("Ada has other keys than those you compared");
  await picture(ben.page, "story-ben-loud");
  await ben.says("Is that you?");
  await found.sees("Is that you?");
  // The lost one is out, and says so.
  await ada.home();
  await ada.page.getByText("This device was removed from your account").first().waitFor();
  await picture(ada.page, "story-ada-lost");
  expectCalm(ben, found);
  await ada.context.close();
  ada = found;
});

test("a second device: code, six digits on both, and it reads on with the history", async () => {
  const tablet = await stage.person("Ada's tablet", ada.origin, { phone: true });
  const code = await tablet.beginPairing("Kitchen tablet");
  await picture(tablet.page, "story-tablet-code");
  await ada.home();
  await ada.settings("Devices");
  await ada.press("Add a device");
  await ada.page.getByLabel("Code of the new device").fill(code);
  await ada.press("Go on");
  const digits = await ada.page.locator(".digits").innerText();
  await tablet.page.getByText("Compare these digits").waitFor();
  expect(await tablet.page.locator(".digits").innerText()).toBe(digits);
  await picture(ada.page, "story-ada-digits");
  await picture(tablet.page, "story-tablet-digits");
  await ada.press("They are the same: add it");
  await ada.page.getByText("The device was added").waitFor();
  await tablet.readWho();
  await tablet.page.getByRole("link", { name: /Ben/ }).first().click();
  // From before it was there, by the other device.
  await tablet.sees("under an envelope stripped");
  await ben.says("Hello to both of you");
  await tablet.sees("Hello to both of you");
  await tablet.says("From the kitchen");
  await ben.sees("From the kitchen");
  await tablet.sees("You have a new device");
  await picture(tablet.page, "story-tablet-talk");
  expectCalm(ada, ben, tablet);
});
