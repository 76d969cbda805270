import { readFileSync } from "node:fs";
import { charterId, conversationId, dayNumber, fromHex, hex } from "@porchlight/encoding";
import { formatAuthenticatedData } from "@porchlight/envelope";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { groupExtensions, parseGroupExtensions } from "../src/extension.ts";
import {
  CHARTER_EXTENSION,
  createDevice,
  DAY_EXTENSION,
  formatCharterExtension,
  formatDayExtension,
  parseCharterExtension,
  parseDayExtension,
} from "../src/index.ts";
import { encode, extensionEncoder } from "./stock.ts";
import { codeOf, suite } from "./world.ts";

type Refused = { readonly why: string; readonly bytes: string };
const vectors = JSON.parse(readFileSync(new URL("../../../vectors/mls.json", import.meta.url), "utf8")) as {
  charterExtension: {
    type: number;
    accepted: { charter: string | null; conversation: string; day: number; bytes: string }[];
    refused: Refused[];
  };
  requiredCapabilities: { bytes: string };
  groupContextExtensions: string;
  dayExtension: { type: number; accepted: { day: number; bytes: string }[]; refused: Refused[] };
  commitAuthenticatedData: { day: number; bytes: string };
  credential: {
    identitySeed: string;
    identityKey: string;
    account: string;
    deviceSeed: string;
    bytes: string;
  };
};

describe("vectors/mls.json", () => {
  test("MLS-20: the charter extension", async () => {
    expect(vectors.charterExtension.type).toBe(CHARTER_EXTENSION);
    for (const { charter, conversation, day, bytes } of vectors.charterExtension.accepted) {
      const value = {
        charter: charter === null ? null : charterId(charter),
        conversation: conversationId(conversation),
        day: dayNumber(day),
      };
      expect(hex(formatCharterExtension(value))).toBe(bytes);
      expect(parseCharterExtension(fromHex(bytes))).toEqual(value);
    }
    for (const { why, bytes } of vectors.charterExtension.refused) {
      expect([why, await codeOf(() => parseCharterExtension(fromHex(bytes)))]).toEqual([
        why,
        why === "version 2" ? "unsupported" : "malformed",
      ]);
    }
  });

  test("MLS-21: a GroupContext's extensions, as the library encodes them", async () => {
    const [chartered] = vectors.charterExtension.accepted;
    const value = parseCharterExtension(fromHex(chartered?.bytes ?? ""));
    const extensions = groupExtensions(value);
    expect(extensions.map((one) => hex(encode(extensionEncoder)(one))).join("")).toBe(
      vectors.groupContextExtensions,
    );
    expect(hex(extensions[0]?.extensionData ?? new Uint8Array(0))).toBe(vectors.requiredCapabilities.bytes);
    expect(parseGroupExtensions(extensions)).toEqual(value);
    const [required, charter] = extensions;
    if (required === undefined || charter === undefined) throw new Error("extensions");
    const foreign = { extensionType: "external_senders" as const, extensionData: new Uint8Array(0) };
    const weaker = { ...required, extensionData: fromHex("000000") };
    for (const list of [
      [],
      [required],
      [charter, required],
      [required, charter, foreign],
      [weaker, charter],
    ]) {
      expect(await codeOf(() => parseGroupExtensions(list))).toBe("extensions-refused");
    }
  });

  test("MLS-33: the day extension", async () => {
    expect(vectors.dayExtension.type).toBe(DAY_EXTENSION);
    for (const { day, bytes } of vectors.dayExtension.accepted) {
      expect(hex(formatDayExtension(dayNumber(day)))).toBe(bytes);
      expect(parseDayExtension(fromHex(bytes))).toBe(day);
    }
    for (const { bytes } of vectors.dayExtension.refused) {
      expect(["malformed", "unsupported"]).toContain(await codeOf(() => parseDayExtension(fromHex(bytes))));
    }
  });

  test("MLS-30: a commit's authenticated data", () => {
    const { day, bytes } = vectors.commitAuthenticatedData;
    expect(hex(formatAuthenticatedData({ day: dayNumber(day), counter: 0, franking: null }))).toBe(bytes);
  });

  test("MLS-10: a device's credential", () => {
    const { credential } = vectors;
    const device = createDevice({
      suite,
      identitySeed: fromHex(credential.identitySeed),
      random: () => fromHex(credential.deviceSeed),
    });
    expect(hex(device.credential)).toBe(credential.bytes);
    expect([device.account, hex(device.identityKey)]).toEqual([credential.account, credential.identityKey]);
  });
});

test("MLS-20: every charter extension has one encoding", () => {
  const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hex);
  fc.assert(
    fc.property(fc.option(id), id, fc.nat(2 ** 32 - 1), (charter, conversation, day) => {
      const value = {
        charter: charter === null ? null : charterId(charter),
        conversation: conversationId(conversation),
        day: dayNumber(day),
      };
      expect(parseCharterExtension(formatCharterExtension(value))).toEqual(value);
    }),
    { numRuns: 50 },
  );
});
