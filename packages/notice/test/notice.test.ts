import { readFileSync } from "node:fs";
import { noticeSeedOf, verifyNoticeCard } from "@porchlight/charter";
import {
  type CharterId,
  type Commitment,
  type ConversationId,
  type DayNumber,
  fromHex,
  hex,
  type KeyholderIndex,
  parseJson,
} from "@porchlight/encoding";
import { combineLabelShares, type MasterKey, verifyLabelShare } from "@porchlight/quorum";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomFrom, seedOf, sharedKey, THRESHOLD } from "../../../vectors/fixture/deployment.ts";
import {
  blockHash,
  blockLength,
  formatNotice,
  formatNoticeCode,
  labelOf,
  makeNoticeBlock,
  NOTICE_LENGTH,
  type NoticeScope,
  parseNotice,
  parseNoticeCode,
  readNotice,
  SLOT_LENGTH,
  SLOTS_PER_PART,
  splitBlock,
  unlockBlock,
} from "../src/index.ts";

const vectors = parseJson(
  new Uint8Array(readFileSync(new URL("../../../vectors/notice.json", import.meta.url))),
) as unknown as {
  keys: { identitySeed: string; noticeSeed: string; card: string; account: string; code: string }[];
  block: {
    charter: CharterId;
    commitment: Commitment;
    until: DayNumber;
    mpk: string;
    opening: string;
    slots: number;
    notices: string[];
    block: string;
    hash: string;
  };
  release: {
    label: string;
    shares: { keyholder: KeyholderIndex; secret: string; share: string }[];
    labelKey: string;
    boxes: string[];
  };
};
const given = vectors.block;
const scope: NoticeScope = { ...given, mpk: fromHex(given.mpk) };
const opening = fromHex(given.opening);
const contents = given.notices.map((bytes) => parseNotice(fromHex(bytes)));
const recipients = contents.map((content, i) => ({
  key: verifyNoticeCard(fromHex(vectors.keys[i]?.card ?? "")).xwing,
  content,
}));
const block = fromHex(given.block);
const labelKey = fromHex(vectors.release.labelKey);
const boxes = vectors.release.boxes.map((box) => fromHex(box));
const seeds = vectors.keys.map(({ noticeSeed }) => fromHex(noticeSeed));
const refused = (code: string) => expect.objectContaining({ name: "NoticeError", code });

describe("vectors/notice.json", () => {
  test.each(vectors.keys)("NOT-1 to NOT-3: the keys, card and code of $account", (one) => {
    expect(hex(noticeSeedOf(fromHex(one.identitySeed)))).toBe(one.noticeSeed);
    expect(verifyNoticeCard(fromHex(one.card)).account).toBe(one.account);
    expect(formatNoticeCode(fromHex(one.noticeSeed))).toBe(one.code);
    expect(hex(parseNoticeCode(one.code))).toBe(one.noticeSeed);
  });

  test("NOT-11 to NOT-14: the block, its hash and its parts", () => {
    expect(hex(makeNoticeBlock(scope, opening, given.slots, recipients))).toBe(given.block);
    expect(block.length).toBe(blockLength(given.slots));
    expect(blockHash(block)).toBe(given.hash);
    expect(splitBlock(block)).toEqual([block]);
  });

  test("NOT-20, NOT-21: the shares open it, and each reads its own", () => {
    const { mpk, verifyingShares } = sharedKey("notice 2026-09");
    expect(hex(mpk)).toBe(given.mpk);
    const master: MasterKey = {
      threshold: THRESHOLD,
      mpk,
      verifyingShares: new Map(verifyingShares.map((share, i) => [(i + 1) as KeyholderIndex, share])),
    };
    const label = fromHex(vectors.release.label);
    expect(labelOf(scope)).toEqual(label);
    for (const { keyholder, share } of vectors.release.shares) {
      const verifyingShare = verifyingShares[keyholder - 1] as Uint8Array;
      expect(verifyLabelShare({ share: fromHex(share), verifyingShare, mpk, label })).toBe(true);
    }
    const shares = new Map(
      vectors.release.shares.map(({ keyholder, share }) => [keyholder, fromHex(share)] as const),
    );
    expect(combineLabelShares({ master, label, shares })).toMatchObject({ labelKey });
    expect(unlockBlock(scope, block, labelKey)).toEqual(boxes);
    expect(seeds.map((seed) => readNotice(scope, boxes, seed))).toEqual(contents);
  });
});

describe("the notice code", () => {
  test("NOT-3: comes back however it is typed, for any seed", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        const code = formatNoticeCode(seed);
        expect(code).toMatch(/^PLN1(-[0-9A-HJKMNP-TV-Z]{5}){12}$/);
        for (const typed of [
          code,
          code.toLowerCase(),
          ` ${code.replaceAll("-", " ")}\n`,
          code.replaceAll("-", ""),
          code.slice(0, 4) + code.slice(4).replaceAll("0", "O").replaceAll("1", "l"),
        ]) {
          expect(parseNoticeCode(typed)).toEqual(seed);
        }
      }),
    );
  });

  test("NOT-3: one wrong, missing or swapped character is refused", () => {
    const code = vectors.keys[0]?.code ?? "";
    for (let at = 0; at < code.length; at++) {
      const char = code[at] as string;
      if (char === "-") continue;
      const other = char === "7" ? "8" : "7";
      expect(() => parseNoticeCode(code.slice(0, at) + other + code.slice(at + 1))).toThrow(
        refused("code-malformed"),
      );
      expect(() => parseNoticeCode(code.slice(0, at) + code.slice(at + 1))).toThrow(
        refused("code-malformed"),
      );
      const swapped = code.slice(0, at) + (code[at + 1] ?? "") + char + code.slice(at + 2);
      if (swapped.replaceAll("-", "") !== code.replaceAll("-", "")) {
        expect(() => parseNoticeCode(swapped)).toThrow(refused("code-malformed"));
      }
    }
    for (const text of ["", "PLN1", `${code}7`, code.replace("PLN1", "PLN2"), code.replace(/.$/, "U")]) {
      expect(() => parseNoticeCode(text)).toThrow(refused("code-malformed"));
    }
  });
});

describe("what a notice says", () => {
  test("NOT-10: one size whatever it says, and back", () => {
    fc.assert(
      fc.property(
        fc.record({
          reference: fc.string({ unit: "grapheme", maxLength: 40 }),
          emergency: fc.boolean(),
          role: fc.constantFrom("named" as const, "other-side" as const),
          rooms: fc.integer({ min: 0, max: 20 }),
        }),
        ({ reference, emergency, role, rooms }) => {
          const conversations = Array.from(
            { length: rooms },
            (_, i) => hex(seedOf(`room ${i}`)) as ConversationId,
          );
          const content = {
            ...(contents[0] as (typeof contents)[number]),
            reference,
            emergency,
            role,
            conversations,
          };
          const bytes = formatNotice(content);
          expect(bytes.length).toBe(NOTICE_LENGTH);
          expect(parseNotice(bytes)).toEqual(content);
        },
      ),
    );
  });

  test("NOT-10: what does not fit, and any other form, is refused", () => {
    const content = contents[0] as (typeof contents)[number];
    const conversations = Array.from({ length: 60 }, (_, i) => hex(seedOf(`room ${i}`)) as ConversationId);
    expect(() => formatNotice({ ...content, conversations })).toThrow(refused("content-too-long"));
    const bytes = formatNotice(content);
    const version = bytes.with(0, 2);
    const padding = bytes.with(NOTICE_LENGTH - 1, 1);
    const kind = bytes.with(97, 7);
    for (const wrong of [version, padding, kind, bytes.slice(1), new Uint8Array(NOTICE_LENGTH)]) {
      expect(() => parseNotice(wrong)).toThrow(refused("content-malformed"));
    }
  });
});

describe("the block", () => {
  test("NOT-11: recomputes to the byte, and every other opening, day, key or content gives another", () => {
    const other = (change: Partial<NoticeScope>, with_ = opening, to = recipients) =>
      blockHash(makeNoticeBlock({ ...scope, ...change }, with_, given.slots, to));
    const hashes = [
      given.hash,
      other({}, seedOf("another opening")),
      other({ until: (scope.until + 1) as DayNumber }),
      other({ mpk: sharedKey("access 2026-09").mpk }),
      other({ commitment: hex(seedOf("another")) as Commitment }),
      other({}, opening, recipients.slice(0, 1)),
      other({}, opening, [recipients[1], recipients[1]] as typeof recipients),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
    expect(other({}, opening, recipients.toReversed())).toBe(given.hash);
  });

  test("NOT-12: as long whether it tells nobody or as many as it can, and no more", () => {
    for (const to of [[], recipients.slice(0, 1), recipients]) {
      const made = makeNoticeBlock(scope, opening, given.slots, to);
      expect(made.length).toBe(block.length);
      expect(unlockBlock(scope, made, labelKey).map(({ length }) => length)).toEqual(
        boxes.map(({ length }) => length),
      );
    }
    expect(() => makeNoticeBlock(scope, opening, 1, recipients)).toThrow(refused("block-refused"));
  });

  test("NOT-12: filler opens to nobody, and a place says nothing of how many others there are", () => {
    const places = Array.from({ length: 6 }, (_, i) => {
      const made = unlockBlock(
        scope,
        makeNoticeBlock(scope, seedOf(`opening ${i}`), given.slots, recipients.slice(0, 1)),
        labelKey,
      );
      const own = made.findIndex((box) => readNotice(scope, [box], seeds[0] as Uint8Array) !== null);
      expect(made.filter((box) => readNotice(scope, [box], seeds[1] as Uint8Array) !== null)).toEqual([]);
      return own;
    });
    expect(new Set(places).size).toBeGreaterThan(1);
  });

  test("NOT-13: parts of at most twelve slots, the lock before the first", () => {
    for (const slots of [1, SLOTS_PER_PART, SLOTS_PER_PART + 1, 3 * SLOTS_PER_PART]) {
      const bytes = randomFrom("block")(blockLength(slots));
      const parts = splitBlock(bytes);
      expect(parts.length).toBe(Math.ceil(slots / SLOTS_PER_PART));
      expect(Buffer.concat(parts)).toEqual(Buffer.from(bytes));
      for (const part of parts.slice(1)) expect(part.length % SLOT_LENGTH).toBe(0);
    }
  });

  test("NOT-20: another label's key and every flipped bit are refused", () => {
    expect(() => unlockBlock({ ...scope, until: (scope.until - 1) as DayNumber }, block, labelKey)).toThrow(
      refused("block-refused"),
    );
    expect(() => unlockBlock(scope, block.slice(1), labelKey)).toThrow(refused("block-refused"));
    fc.assert(
      fc.property(fc.nat(block.length - 1), fc.nat(7), (at, bit) => {
        const altered = block.with(at, (block[at] as number) ^ (1 << bit));
        expect(() => unlockBlock(scope, altered, labelKey)).toThrow(refused("block-refused"));
      }),
      { numRuns: 12 },
    );
  });

  test("NOT-21: nobody else reads it, and altered boxes are nobody's", () => {
    expect(readNotice(scope, boxes, seedOf("somebody else"))).toBeNull();
    const other = { ...scope, commitment: hex(seedOf("another order")) as Commitment };
    expect(readNotice(other, boxes, seeds[0] as Uint8Array)).toBeNull();
    for (const at of [0, 1119, 1130, 1160, 3000]) {
      const altered = boxes.map((box) => box.with(at, (box[at] as number) ^ 4));
      expect(readNotice(scope, altered, seeds[0] as Uint8Array)).toBeNull();
    }
  });
});
