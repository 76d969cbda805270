import { readFileSync } from "node:fs";
import {
  accountId,
  charterId,
  concat,
  conversationId,
  dayNumber,
  fromHex,
  hex,
  utf8,
} from "@porchlight/encoding";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type CipherSuite,
  checkFranking,
  createOpener,
  type EnvelopeHeader,
  escrowSecret,
  MAX_SKIPPED_GENERATIONS,
  nobleSuite,
  parseGroupContext,
  rosterOf,
} from "../src/index.ts";
import { signContent, vector } from "../src/mls.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { parsePrivateMessage } from "../src/private-message.ts";
import { device, seed } from "./device.ts";
import { codeOf, flip } from "./refusal.ts";

const suite = nodeSuite;

describe("vectors/mls-messages.json: messages of another implementation (ts-mls 1.6.4)", () => {
  const epoch = JSON.parse(
    readFileSync(new URL("../../../vectors/mls-messages.json", import.meta.url), "utf8"),
  ) as {
    groupContext: string;
    groupId: string;
    epoch: number;
    leafIndex: number;
    day: number;
    deviceKey: string;
    credential: string;
    account: string;
    accounts: string[];
    applicationRatchetSecret: string;
    senderDataSecret: string;
    messages: { sender: string; counter: number; content: string; wire: string }[];
    proposal: string;
  };
  const header: EnvelopeHeader = {
    label: {
      charter: charterId("00".repeat(32)),
      conversation: conversationId(epoch.groupId),
      account: accountId(epoch.account),
      day: dayNumber(epoch.day),
    },
    leafIndex: epoch.leafIndex,
    groupContext: fromHex(epoch.groupContext),
    roster: rosterOf(epoch.accounts.map(accountId)),
    deviceKey: fromHex(epoch.deviceKey),
    credential: fromHex(epoch.credential),
  };
  const secret = escrowSecret(fromHex(epoch.applicationRatchetSecret), fromHex(epoch.senderDataSecret));

  test("ENV-16: its GroupContext parses", () => {
    const context = parseGroupContext(header.groupContext);
    expect(hex(context.groupId)).toBe(epoch.groupId);
    expect(context.epoch).toBe(epoch.epoch);
  });

  test.each([
    ["noble", nobleSuite],
    ["node", nodeSuite],
  ])("ENV-50 to ENV-53: the sender's messages open, another's do not (%s)", (_, suite) => {
    const opener = createOpener({ secret, header, suite });
    let generation = 0;
    for (const { sender, counter, content, wire } of epoch.messages) {
      if (sender !== "bea") {
        expect(codeOf(() => opener.open(fromHex(wire)))).toBe("wrong-sender");
        continue;
      }
      const opened = opener.open(fromHex(wire));
      expect(opened.generation).toBe(generation++);
      expect(opened.epoch).toBe(epoch.epoch);
      expect(opened.leafIndex).toBe(epoch.leafIndex);
      expect(opened.authenticatedData.counter).toBe(counter);
      expect(opened.authenticatedData.day).toBe(epoch.day);
      expect(hex(checkFranking(opened.authenticatedData, opened.content, suite).content)).toBe(content);
    }
    expect(generation).toBe(6);
    expect(codeOf(() => opener.open(fromHex(epoch.proposal)))).toBe("not-application");
  });

  test("ENV-57: with another device key or GroupContext no signature holds", () => {
    const wire = fromHex((epoch.messages[0] as { wire: string }).wire);
    const strangers = { ...header, deviceKey: device("cyd").header.deviceKey };
    expect(codeOf(() => createOpener({ secret, header: strangers, suite }).open(wire))).toBe(
      "message-signature",
    );
    const changed = flip(header.groupContext, 8 * header.groupContext.length - 1);
    expect(
      codeOf(() => createOpener({ secret, header: { ...header, groupContext: changed }, suite }).open(wire)),
    ).toBe("message-signature");
  });
});

describe("opener", () => {
  const bea = device("bea", suite);
  const { header, secret } = bea;
  const fresh = (with_: CipherSuite = suite) => createOpener({ secret, header, suite: with_ });
  const message = (generation: number, text = `message ${generation}`) => bea.message({ generation, text });
  const twenty = Array.from({ length: 20 }, (_, generation) => message(generation));
  const text = (application: Uint8Array) => Buffer.from(application.subarray(32)).toString();

  test("ENV-53: messages open in any order", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...twenty.keys()], { minLength: 20, maxLength: 20 }), (order) => {
        const opener = fresh();
        for (const generation of order) {
          const opened = opener.open(twenty[generation] as Uint8Array);
          expect(opened).toMatchObject({ generation, epoch: 7, leafIndex: 3, signatureValid: true });
          expect(text(opened.content)).toBe(`message ${generation}`);
        }
      }),
      { numRuns: 10 },
    );
  });

  test("ENV-56: each generation opens once; the second is reported", () => {
    const opener = fresh();
    expect(opener.open(twenty[4] as Uint8Array).generation).toBe(4);
    expect(codeOf(() => opener.open(twenty[4] as Uint8Array))).toBe("generation-used");
    const second = bea.message({ generation: 4, text: "another of generation 4" });
    expect(codeOf(() => opener.open(second))).toBe("generation-used");
    expect(opener.open(twenty[3] as Uint8Array).generation).toBe(3);
  });

  test("ENV-41: an insider's re-encryption of a signed message is reported and the genuine one still opens", () => {
    // Same sender, counter and text, and Ed25519 is deterministic: this is the very signature, at another generation.
    const again = bea.message({ generation: 2, counter: 1, text: "message 1" });
    const opener = fresh();
    expect(codeOf(() => opener.open(again))).toBe("counter-mismatch");
    expect(opener.open(twenty[0] as Uint8Array).generation).toBe(0);
    expect(opener.open(twenty[1] as Uint8Array).generation).toBe(1);
    expect(codeOf(() => opener.open(again))).toBe("counter-used");
    expect(text(opener.open(twenty[2] as Uint8Array).content)).toBe("message 2");
  });

  test("ENV-44: a message whose franking field is not to its content is refused as recipients refuse it", () => {
    const opener = fresh();
    const unprovable = bea.message({ generation: 0, text: "message 0", franking: seed("other field") });
    expect(codeOf(() => opener.open(unprovable))).toBe("franking-mismatch");
    expect(opener.open(twenty[0] as Uint8Array).generation).toBe(0);
    const short = bea.message({ generation: 1, text: "", application: new Uint8Array(31) });
    expect(codeOf(() => opener.open(short))).toBe("malformed");
  });

  test("ENV-52: encodings inside the encryption that MLS libraries read do open", () => {
    const opener = fresh();
    expect(
      text(opener.open(bea.message({ generation: 0, text: "long lengths", lengths: "four bytes" })).content),
    ).toBe("long lengths");
    const more = bea.message({
      generation: 1,
      text: "long sender data",
      afterSenderData: Uint8Array.of(1, 2, 3),
    });
    expect(text(opener.open(more).content)).toBe("long sender data");
  });

  test("ENV-57: a forgery by an insider is reported and spends neither generation nor counter", () => {
    const opener = fresh();
    const forged = bea.message({ generation: 0, text: "I did it", signer: seed("cyd device") });
    expect(codeOf(() => opener.open(forged))).toBe("message-signature");
    expect(text(opener.open(twenty[0] as Uint8Array).content)).toBe("message 0");
  });

  test("ENV-52: every changed bit is reported for that message alone", () => {
    const opener = fresh();
    const wire = twenty[1] as Uint8Array;
    expect(opener.open(twenty[0] as Uint8Array).generation).toBe(0);
    for (let bit = 0; bit < wire.length * 8; bit++) {
      expect(codeOf(() => opener.open(flip(wire, bit)))).not.toBe("accepted");
    }
    expect(opener.open(wire).generation).toBe(1);
    expect(opener.open(twenty[2] as Uint8Array).generation).toBe(2);
  });

  test("ENV-50: neither shorter nor longer", () => {
    const opener = fresh();
    const wire = twenty[0] as Uint8Array;
    for (let length = 0; length < wire.length; length++) {
      expect(codeOf(() => opener.open(wire.subarray(0, length)))).toBe("malformed");
    }
    expect(codeOf(() => opener.open(concat(wire, Uint8Array.of(0))))).toBe("malformed");
    expect(opener.open(wire).generation).toBe(0);
  });

  test("ENV-50: a length in more bytes than it needs is refused", () => {
    const wire = twenty[0] as Uint8Array;
    // The group id's length 0x20, in two bytes.
    const long = concat(wire.subarray(0, 4), Uint8Array.of(0x40, 0x20), wire.subarray(5));
    expect(codeOf(() => fresh().open(long))).toBe("malformed");
  });

  test("ENV-50: what is no PrivateMessage of application data says so", () => {
    const wire = twenty[0] as Uint8Array;
    expect(codeOf(() => fresh().open(concat(Uint8Array.of(0, 2), wire.subarray(2))))).toBe(
      "version-unsupported",
    );
    expect(codeOf(() => fresh().open(concat(Uint8Array.of(0, 1, 0, 1), wire.subarray(4))))).toBe(
      "not-private-message",
    );
    expect(codeOf(() => fresh().open(bea.message({ generation: 0, text: "", contentType: 3 })))).toBe(
      "not-application",
    );
  });

  test("ENV-51: another group, epoch, leaf or day is refused, each by name", () => {
    const opener = fresh();
    const at = { generation: 0, text: "elsewhere" };
    expect(codeOf(() => opener.open(bea.message({ ...at, groupId: seed("elsewhere") })))).toBe("wrong-group");
    expect(codeOf(() => opener.open(bea.message({ ...at, epoch: 6 })))).toBe("wrong-epoch");
    expect(codeOf(() => opener.open(bea.message({ ...at, leafIndex: 4 })))).toBe("wrong-sender");
    expect(codeOf(() => opener.open(bea.message({ ...at, day: header.label.day - 1 })))).toBe("wrong-day");
    expect(codeOf(() => opener.open(bea.message({ ...at, authenticatedData: new Uint8Array(0) })))).toBe(
      "malformed",
    );
    expect(opener.open(twenty[0] as Uint8Array).generation).toBe(0);
  });

  test("ENV-51: without this epoch's sender data secret nothing opens", () => {
    const other = createOpener({ secret: escrowSecret(secret.slice(0, 32), seed("other")), header, suite });
    expect(codeOf(() => other.open(twenty[0] as Uint8Array))).toBe("sender-data-refused");
  });

  test("ENV-52: without this leaf's ratchet nothing opens", () => {
    const other = createOpener({ secret: escrowSecret(seed("other"), secret.slice(32)), header, suite });
    expect(codeOf(() => other.open(twenty[0] as Uint8Array))).toBe("ciphertext-refused");
  });

  test("ENV-52: padding must be zero", () => {
    const padded = (padding: Uint8Array) => bea.message({ generation: 0, text: "padded", padding });
    expect(text(fresh().open(padded(new Uint8Array(100))).content)).toBe("padded");
    expect(codeOf(() => fresh().open(padded(Uint8Array.of(0, 0, 1))))).toBe("malformed");
  });

  test("ENV-54: 1,000 generations may be skipped, not 1,001, and nothing refused moves the bound", () => {
    const opener = fresh();
    expect(codeOf(() => opener.open(message(MAX_SKIPPED_GENERATIONS + 1)))).toBe("generation-too-far");
    const last = message(MAX_SKIPPED_GENERATIONS);
    const broken = flip(last, 8 * last.length - 1);
    expect(codeOf(() => opener.open(broken))).toBe("ciphertext-refused");
    expect(codeOf(() => opener.open(message(MAX_SKIPPED_GENERATIONS + 1)))).toBe("generation-too-far");
    expect(opener.open(message(MAX_SKIPPED_GENERATIONS)).generation).toBe(1000);
    expect(opener.open(message(2 * MAX_SKIPPED_GENERATIONS + 1)).generation).toBe(2001);
    expect(opener.open(message(3)).generation).toBe(3);
    expect(codeOf(() => opener.open(message(3002 + 1)))).toBe("generation-too-far");
    const liar = bea.message({ generation: 0, claimedGeneration: 2 ** 32 - 1, text: "far" });
    expect(codeOf(() => opener.open(liar))).toBe("generation-too-far");
  });

  test("ENV-55: of skipped generations the latest 65,536 stay usable; older ones are reported as dropped", () => {
    const opener = fresh();
    let generation = -1;
    while (generation < 70_000) {
      generation += MAX_SKIPPED_GENERATIONS + 1;
      expect(opener.decrypt(bea.message({ generation, text: "far" })).generation).toBe(generation);
    }
    expect(codeOf(() => opener.open(message(7)))).toBe("generation-dropped");
    expect(opener.open(message(generation - 60_000)).generation).toBe(generation - 60_000);
  });

  test("ENV-53: the ratchet is walked once, in whatever order messages come", () => {
    let derivations = 0;
    const counting: CipherSuite = {
      ...suite,
      hkdfExpand: (...input) => {
        derivations++;
        return suite.hkdfExpand(...input);
      },
    };
    const count = 600;
    const opener = createOpener({ secret, header, suite: counting });
    for (let generation = count - 1; generation >= 0; generation--) opener.decrypt(message(generation));
    // A message costs sender data key and nonce, key and nonce; a generation one step.
    expect(derivations).toBe(5 * count);
  });

  test("ENV-58: a preview says nothing of signatures", () => {
    const forged = bea.message({ generation: 0, text: "I did it", signer: seed("cyd device") });
    const previewed = fresh().decrypt(forged);
    expect(text(previewed.content)).toBe("I did it");
    expect(previewed).not.toHaveProperty("signatureValid");
  });

  test("RFC 9420 §6.1: the signature covers text, authenticated data, sender, group and GroupContext", () => {
    const { authenticatedData, groupId, epoch } = parsePrivateMessage(twenty[0] as Uint8Array);
    const application = fresh().decrypt(twenty[0] as Uint8Array).content;
    // Written out once more from the RFC's presentation language.
    const content = concat(
      Uint8Array.of(0, 1, 0, 2),
      vector(groupId),
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, epoch, 1, 0, 0, 0, 3),
      vector(authenticatedData),
      Uint8Array.of(1),
      vector(application),
      header.groupContext,
    );
    const signed = concat(vector(utf8("MLS 1.0 FramedContentTBS")), vector(content));
    expect(signContent("FramedContentTBS", content)).toEqual(signed);
    const preview = fresh();
    expect(preview.open(twenty[0] as Uint8Array).signatureValid).toBe(true);
    const signature = suite.ed25519Sign(bea.deviceSeed, signed);
    expect(suite.ed25519Verify(header.deviceKey, signed, signature)).toBe(true);
  });
});
