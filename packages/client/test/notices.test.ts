// What a person's device says of orders about them, from the log that it follows itself.
import { formatEntry, type LogEntry, noticeSeedOf, signIntake } from "@porchlight/charter";
import { type DayNumber, dayNumber, dayOf, keyholderIndex, parseDay, periodOf } from "@porchlight/encoding";
import { beforeAll, describe, expect, test } from "vitest";
import {
  charterDocument,
  charterOf,
  keysDocument,
  onDay,
  seedOf,
  signedCharter,
  signedKeys,
} from "../../../vectors/fixture/deployment.ts";
import { orderOf } from "../../../vectors/fixture/gate-cases.ts";
import { identitySeedOf } from "../../../vectors/fixture/notice.ts";
import { commitmentOfOrder, loggedOrder, releasedShare } from "../../../vectors/fixture/told.ts";
import { memoryStorage } from "../src/index.ts";
import { allClearView, noticeViews } from "../src/messenger/notice-view.ts";
import { Profile } from "../src/messenger/profile.ts";
import { Town } from "./town.ts";

const charter = await charterOf("court");
const LOGGED = parseDay("2026-09-10");
const UNTIL = parseDay("2026-11-30");
const OPENING = seedOf("an opening");
const alice = noticeSeedOf(identitySeedOf("Alice"));
const bob = noticeSeedOf(identitySeedOf("Bob"));
const noon = (day: DayNumber) => onDay(day, 12);

/** A log with a court's charter and one secret order about Alice. */
async function town(disclosure?: { readonly kind: "notice-first" }) {
  const made = new Town();
  made.now = noon(LOGGED);
  made.entries.push({ type: "charter", document: await signedCharter(charterDocument("court")) });
  made.entries.push({ type: "keys", document: await signedKeys(keysDocument(charter, periodOf(LOGGED))) });
  const order = await orderOf(charter, disclosure === undefined ? {} : { disclosure });
  made.entries.push(...(await loggedOrder(order, OPENING, LOGGED)));
  return { made, commitment: commitmentOfOrder(order, OPENING), order };
}

describe("notices on a device", () => {
  let secret: Awaited<ReturnType<typeof town>>;
  beforeAll(async () => {
    secret = await town();
  });

  test("NOT-20, NOT-21, NOT-40: nothing before t keyholders released it; then its person reads it and nobody else", async () => {
    const { made, commitment, order } = secret;
    const storage = memoryStorage();
    const book = await made.book(storage);
    await book.refresh();
    expect(book.notices.notices(alice)).toEqual([]);
    made.now = noon(UNTIL);
    const notice = { commitment, until: UNTIL, loggedOn: LOGGED };
    made.entries.push(
      releasedShare(charter, keyholderIndex(1), notice),
      releasedShare(charter, keyholderIndex(4), notice),
    );
    await book.refresh();
    expect(book.notices.notices(alice)).toEqual([]);
    made.entries.push(releasedShare(charter, keyholderIndex(5), notice));
    await book.refresh();
    const found = book.notices.notices(alice);
    expect(found).toMatchObject([{ commitment, reference: order.document.reference, until: UNTIL }]);
    expect(book.notices.notices(bob)).toEqual([]);
    // After a restart without a network the same, from what was saved.
    made.entries.length = 0;
    const again = await made.book(storage);
    expect(again.notices.notices(alice)).toEqual(found);
    expect(again.notices.clearance(noon(UNTIL))).toEqual(book.notices.clearance(noon(UNTIL)));
    expect(noticeViews(again.notices, alice, again.known)).toMatchObject([
      { id: commitment, kind: "warrant", contestUntil: null, isRead: false, lastDay: order.document.lastDay },
    ]);
    expect(noticeViews(again.notices, alice, again.known, { noticesRead: [commitment] })[0]?.isRead).toBe(
      true,
    );
    // What was signed of a contest is there after a restart too.
    const kept = memoryStorage();
    await (await Profile.open(kept, "Alice")).keepContest(commitment, "signed");
    const handled = await Profile.open(kept, "");
    expect(noticeViews(again.notices, alice, again.known, handled)).toMatchObject([
      { contested: "signed", isRead: false },
    ]);
    expect(noticeViews(again.notices, alice, again.known)[0]?.contested).toBeNull();
    // Who signed, as the charter calls them; where no charter is known, as the notice does.
    const named = charter.issuers.find(({ name }) => name === order.document.issuer);
    expect(named?.title).not.toBe(named?.name);
    expect(noticeViews(again.notices, alice, again.known)[0]?.orderedBy).toBe(named?.title);
    expect(noticeViews(again.notices, alice, [])[0]?.orderedBy).toBe(order.document.issuer);
  });

  test("NOT-42: what is said of days follows the log: nothing beyond an overdue order, more once it is told", async () => {
    const { made, commitment } = await town();
    const book = await made.book();
    await book.refresh();
    const early = book.notices.clearance(noon(LOGGED));
    expect(early).toMatchObject({ overdue: 0, endedBy: LOGGED - 2 });
    const late = noon(dayNumber(UNTIL + 40));
    expect(book.notices.clearance(late)).toMatchObject({ overdue: 1, endedBy: parseDay("2026-11-01") - 1 });
    made.now = late;
    const notice = { commitment, until: UNTIL, loggedOn: LOGGED };
    for (const index of [2, 3, 4]) made.entries.push(releasedShare(charter, keyholderIndex(index), notice));
    await book.refresh();
    const told = book.notices.clearance(late);
    expect(told).toMatchObject({ overdue: 0, endedBy: dayOf(late) - 2 });
    if (told === null) throw new Error("no charter");
    expect(allClearView(told).secretSince).toBe(dayOf(late) - charter.longestSecrecyDays);
  });

  test("NOT-20: after a refresh shares of the new generation open it, and those of two generations do not", async () => {
    const { made, commitment } = await town();
    made.entries.push({
      type: "keys",
      document: await signedKeys(keysDocument(charter, periodOf(LOGGED), 2)),
    });
    made.now = noon(UNTIL);
    const notice = { commitment, until: UNTIL, loggedOn: LOGGED };
    made.entries.push(releasedShare(charter, keyholderIndex(1), notice, 1));
    for (const index of [2, 3]) made.entries.push(releasedShare(charter, keyholderIndex(index), notice, 2));
    const book = await made.book();
    await book.refresh();
    expect(book.notices.notices(alice)).toEqual([]);
    made.entries.push(releasedShare(charter, keyholderIndex(4), notice, 2));
    await book.refresh();
    expect(book.notices.notices(alice)).toMatchObject([{ commitment }]);
  });

  test("NOT-33: what the log keeps back keyholders give by their own doors; what is no share of theirs changes nothing", async () => {
    const { made, commitment } = await town();
    made.now = noon(UNTIL);
    const book = await made.book();
    await book.refresh();
    expect(book.notices.pending).toMatchObject([{ commitment }]);
    const notice = { commitment, until: UNTIL, loggedOn: LOGGED };
    const offer = (index: number, change: object = {}) =>
      book.notices.offer(
        formatEntry({ ...releasedShare(charter, keyholderIndex(index), notice), ...change } as LogEntry),
      );
    offer(1);
    offer(2);
    offer(3, { keyholder: 4 });
    expect(book.notices.notices(alice)).toEqual([]);
    offer(3);
    expect(book.notices.notices(alice)).toMatchObject([{ commitment }]);
    expect(book.notices.pending).toEqual([]);
  });

  test("GATE-20, NOT-43: who is told first is told until when the order can be contested, and that it is stopped", async () => {
    const { made, commitment } = await town({ kind: "notice-first" });
    const notice = { commitment, until: LOGGED, loggedOn: LOGGED };
    for (const index of [1, 2, 3]) made.entries.push(releasedShare(charter, keyholderIndex(index), notice));
    const book = await made.book();
    await book.refresh();
    const views = noticeViews(book.notices, alice, book.known);
    expect(views).toMatchObject([{ contestUntil: LOGGED + charter.contestDays, stopped: null }]);
    const later = async (type: "suspension" | "resumption" | "revocation", seed = seedOf("Intake")) => {
      const common = { charter: charter.id, day: LOGGED, commitment };
      made.entries.push(
        type === "revocation"
          ? signIntake({ ...common, type }, seed)
          : signIntake({ ...common, type, direction: "0".repeat(64) }, seed),
      );
      await book.refresh();
      return noticeViews(book.notices, alice, book.known)[0]?.stopped;
    };
    // NOT-43
    expect(await later("suspension", seedOf("a stranger"))).toBeNull();
    expect(await later("suspension")).toBe("suspended");
    expect(await later("resumption")).toBeNull();
    expect(await later("revocation")).toBe("revoked");
    expect(await later("resumption")).toBe("revoked");
  });

  test("NOT-42: where the log has no charter, nothing was ever escrowed and nothing is said", async () => {
    const empty = new Town();
    const book = await empty.book();
    expect(book.notices.clearance(noon(LOGGED))).toBeNull();
  });
});
