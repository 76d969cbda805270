import { readFileSync } from "node:fs";
import { verifyNoticeCard } from "@porchlight/charter";
import { fromHex, hex, utf8 } from "@porchlight/encoding";
import { EnvelopeError, verifyAccountRequest } from "@porchlight/envelope";
import { deviceKeyOf } from "@porchlight/mls";
import { nodeMlsSuite } from "@porchlight/mls/node";
import { type AccountClient, WireError } from "@porchlight/wire";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seedOf } from "../../../vectors/fixture/deployment.ts";
import { formatCode, parseCode } from "../src/code-text.ts";
import { receiveHistory, sendHistory } from "../src/history.ts";
import { contactInInvitation, invitationHash, invitationLink, parseInvitation } from "../src/invitation.ts";
import { isNoticeKeyOf, makeNoticeKey } from "../src/notice-key.ts";
import {
  digitsOf,
  isRevealed,
  openGrant,
  pairingCode,
  pairingId,
  parseAnswer,
  parseOffer,
  transcriptOf,
} from "../src/pairing-message.ts";
import {
  formatRecoveryCode,
  openRecovery,
  parseRecoveryCode,
  recoverySeed,
  sealRecovery,
} from "../src/recovery-code.ts";
import { after, contentsOf, openChunk, recordsOf, STREAM_START, sealChunk } from "../src/sealed-stream.ts";

type Vectors = {
  readonly invitation: Readonly<Record<"secret" | "hash" | "link" | "contact" | "linkWithContact", string>>;
  readonly pairing: Readonly<Record<string, string>>;
  readonly recovery: readonly Readonly<Record<string, string>>[];
  readonly stream: {
    readonly key: string;
    readonly purpose: string;
    readonly chunks: readonly {
      readonly number: number;
      readonly last: boolean;
      readonly content: string;
      readonly chunk: string;
    }[];
  };
  readonly requests: readonly {
    readonly kind: string;
    readonly audience: string;
    readonly at: number;
    readonly lost: readonly string[];
    readonly document: string;
  }[];
};
const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/account.json", import.meta.url), "utf8"),
) as Vectors;
const bytesIn = (record: Readonly<Record<string, string>>, name: string): Uint8Array =>
  fromHex(record[name] ?? "");

async function codeOf(run: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof run === "function" ? run() : run);
    return "accepted";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** The same bytes with one bit turned. */
function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe("codes", () => {
  test("ACC-50: a code round trips; case, spaces, hyphens and look-alike letters do not matter", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (secret) => {
        const code = formatRecoveryCode(secret);
        expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}$/);
        const typed = code.toLowerCase().replaceAll("-", " ").replaceAll("0", "o").replaceAll("1", "l");
        expect(parseRecoveryCode(typed)).toEqual(secret);
      }),
    );
  });

  test("ACC-50: every single mistyped character, and almost every swap, is told before anything is sent", () => {
    let passed = 0;
    const secret = fromHex("00112233445566778899aabbccddeeff");
    const letters = formatRecoveryCode(secret).replaceAll("-", "");
    for (let at = 0; at < letters.length; at++) {
      for (const letter of "0123456789ABCDEFGHJKMNPQRSTVWXYZ") {
        if (letter === letters[at]) continue;
        try {
          parseRecoveryCode(letters.slice(0, at) + letter + letters.slice(at + 1));
          passed++;
        } catch (error) {
          expect((error as { code: string }).code).toBe("code-malformed");
        }
      }
    }
    // Twelve bits of checksum let one in 4096 through.
    expect(passed).toBeLessThanOrEqual(2);
    for (const bad of ["", letters.slice(1), `${letters}0`, letters.replace(/^./, "U")]) {
      expect(() => parseRecoveryCode(bad)).toThrow("typing errors");
    }
  });

  test("ACC-31: pairing codes have 60 bits and one mailbox each, typed or scanned", () => {
    const { pairing } = vectors;
    expect(pairingCode(bytesIn(pairing, "random"))).toBe(pairing["code"]);
    expect(hex(pairingId(pairing["code"] ?? ""))).toBe(pairing["id"]);
    expect(hex(pairingId(pairing["qr"] ?? ""))).toBe(pairing["id"]);
    expect(parseCode(formatCode(2n ** 60n - 1n, 12), 12)).toBe(2n ** 60n - 1n);
  });

  test("ACC-10: an invitation's link has its secret behind the #, and whose it is behind that", async () => {
    const { secret, hash, link, contact, linkWithContact } = vectors.invitation;
    expect(invitationLink("https://chat.example.org", fromHex(secret))).toBe(link);
    expect(hex(parseInvitation(link))).toBe(secret);
    expect(hex(parseInvitation(link.replace(/^.*#/, "")))).toBe(secret);
    expect(hex(invitationHash(fromHex(secret)))).toBe(hash);
    expect(new URL(link).pathname + new URL(link).search).toBe("/join");
    expect(contactInInvitation(link)).toBeNull();
    expect(invitationLink("https://chat.example.org", fromHex(secret), contact)).toBe(linkWithContact);
    expect(hex(parseInvitation(linkWithContact))).toBe(secret);
    expect(contactInInvitation(linkWithContact)).toBe(contact);
    for (const cut of [link.slice(0, -1), linkWithContact.replace("&", ""), `${link}&other=1`]) {
      expect(await codeOf(() => parseInvitation(cut))).toBe("invitation-malformed");
    }
  });
});

describe("pairing messages", () => {
  const { pairing } = vectors;
  const [offer, answer, nonce] = ["offer", "answer", "nonce"].map((name) => bytesIn(pairing, name)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const transcript = transcriptOf(offer, answer, nonce);

  test("ACC-32 to ACC-34: the vectors", () => {
    expect(parseOffer(offer).name).toBe("Küche");
    expect(isRevealed(parseOffer(offer), nonce)).toBe(true);
    expect(hex(transcript)).toBe(pairing["transcript"]);
    expect(digitsOf(transcript)).toBe(pairing["digits"]);
    const grant = openGrant(bytesIn(pairing, "sealingSeed"), transcript, bytesIn(pairing, "grant"));
    expect(hex(grant.historyKey)).toBe(pairing["historyKey"]);
    expect(hex(grant.backupKey ?? new Uint8Array(0))).toBe(pairing["backupKey"]);
    expect(hex(grant.credential)).toBe(pairing["credential"]);
    expect(grant.conversations).toBe(3);
    expect(hex(grant.noticeKey.seed)).toBe(pairing["noticeSeed"]);
    expect(hex(grant.noticeKey.card)).toBe(pairing["noticeCard"]);
  });

  test("ACC-33, ACC-34: any altered bit is another transcript, an uncommitted nonce or a grant that does not open", async () => {
    for (let bit = 0; bit < 8 * answer.length; bit += 29) {
      expect(hex(transcriptOf(offer, flipped(answer, bit), nonce))).not.toBe(hex(transcript));
    }
    for (let bit = 0; bit < 256; bit += 17) {
      expect(isRevealed(parseOffer(offer), flipped(nonce, bit))).toBe(false);
    }
    const grant = bytesIn(pairing, "grant");
    const open = (sealed: Uint8Array, seen = transcript): Promise<string> =>
      codeOf(() => openGrant(bytesIn(pairing, "sealingSeed"), seen, sealed));
    for (const bit of [0, 9_000, 8 * grant.length - 1]) {
      expect(await open(flipped(grant, bit))).toBe("pairing-altered");
    }
    expect(await open(grant, flipped(transcript, 5))).toBe("pairing-altered");
    for (const bad of [offer.slice(1), new Uint8Array([...offer, 0]), flipped(offer, 0)]) {
      expect(await codeOf(() => parseOffer(bad))).toBe("pairing-altered");
    }
    for (const bad of [answer.slice(1), new Uint8Array([...answer, 0]), flipped(answer, 8 * 40)]) {
      expect(await codeOf(() => parseAnswer(bad))).toBe("pairing-altered");
    }
  });
});

test("ACC-34: a notice key is taken only if the card is the account's and the seed is the card's", async () => {
  const suite = await nodeMlsSuite();
  const noticeKey = (name: string) => {
    const seed = seedOf(`account ${name}`);
    return makeNoticeKey(seed, deviceKeyOf(seed), suite);
  };
  const [own, other] = [noticeKey("Alice"), noticeKey("Bob")];
  const { account } = verifyNoticeCard(own.card);
  expect(isNoticeKeyOf(own, account)).toBe(true);
  expect(isNoticeKeyOf(other, account)).toBe(false);
  expect(isNoticeKeyOf({ seed: other.seed, card: own.card }, account)).toBe(false);
  expect(isNoticeKeyOf({ seed: own.seed, card: other.card }, account)).toBe(false);
  expect(() => isNoticeKeyOf({ seed: own.seed, card: flipped(own.card, 8 * 1300) }, account)).toThrow();
});

describe("recovery records", () => {
  test("ACC-50, ACC-51: the vectors", async () => {
    for (const vector of vectors.recovery) {
      const secret = bytesIn(vector, "secret");
      expect(formatRecoveryCode(secret)).toBe(vector["code"]);
      expect(hex(parseRecoveryCode(vector["code"] ?? ""))).toBe(vector["secret"]);
      expect(hex(recoverySeed(secret))).toBe(vector["recoverySeed"]);
      const content = {
        identitySeed: bytesIn(vector, "identitySeed"),
        backupKey: bytesIn(vector, "backupKey"),
      };
      expect(hex(await sealRecovery(secret, content, bytesIn(vector, "salt")))).toBe(vector["record"]);
      expect(await openRecovery(secret, bytesIn(vector, "record"))).toEqual(content);
    }
  });

  test("ACC-51: another code's record and an altered one are refused alike", async () => {
    const [one, two] = vectors.recovery as [Record<string, string>, Record<string, string>];
    expect(await codeOf(openRecovery(bytesIn(two, "secret"), bytesIn(one, "record")))).toBe(
      "recovery-refused",
    );
    const record = bytesIn(one, "record");
    for (let bit = 0; bit < 8 * record.length; bit += 13) {
      expect(await codeOf(openRecovery(bytesIn(one, "secret"), flipped(record, bit)))).toBe(
        "recovery-refused",
      );
    }
    for (const length of [0, 1, 112, record.length - 1]) {
      const cut = record.slice(0, length);
      expect(await codeOf(openRecovery(bytesIn(one, "secret"), cut))).toBe("recovery-refused");
    }
  });
});

describe("sealed streams", () => {
  const key = { key: fromHex(vectors.stream.key), purpose: fromHex(vectors.stream.purpose) };

  test("ACC-41: the vectors", async () => {
    let place = STREAM_START;
    for (const { number, last, content, chunk } of vectors.stream.chunks) {
      expect(place.number).toBe(number);
      const opened = await openChunk(key, place, fromHex(chunk));
      expect({ content: hex(opened.content), last: opened.last }).toEqual({ content, last });
      place = after(place, fromHex(chunk));
    }
  });

  test("ACC-41: a chunk that was altered, moved, left out or of another stream does not open", async () => {
    const [first, second, third] = vectors.stream.chunks.map(({ chunk }) => fromHex(chunk)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    const place = after(STREAM_START, first);
    const refused = async (stream: typeof key, at: typeof place, chunk: Uint8Array): Promise<void> =>
      expect(await codeOf(openChunk(stream, at, chunk))).toBe("stream-corrupt");
    await refused(key, place, third);
    await refused(key, STREAM_START, second);
    await refused(key, after(place, first), third);
    await refused({ ...key, purpose: utf8("backup") }, STREAM_START, first);
    await refused({ ...key, key: flipped(key.key, 3) }, STREAM_START, first);
    for (let bit = 0; bit < 8 * first.length; bit += 7) await refused(key, STREAM_START, flipped(first, bit));
    for (let length = 0; length < first.length; length += 11) {
      await refused(key, STREAM_START, first.slice(0, length));
    }
  });

  test("ACC-40: records of any size come out as they went in, and half a record is refused where the stream has a last chunk", async () => {
    const sizes = [0, 1, 1024 * 1024 - 4, 1024 * 1024, 3 * 1024 * 1024 + 17, 5];
    const records = sizes.map((size, i) => new Uint8Array(size).fill(i));
    const contents: Uint8Array[] = [];
    for await (const content of contentsOf(records)) contents.push(content);
    expect(contents.slice(0, -1).every(({ length }) => length === 1024 * 1024)).toBe(true);
    const out: Uint8Array[] = [];
    for await (const record of recordsOf(asyncOf(contents), { end: "whole" })) out.push(record);
    expect(out.map(({ length }) => length)).toEqual(sizes);
    expect(out.map((record) => record[0])).toEqual(records.map((record) => record[0]));
    const cut = async (end: "whole" | "anywhere"): Promise<number> => {
      let whole = 0;
      for await (const record of recordsOf(asyncOf([contents[0] as Uint8Array]), { end }))
        whole += record.length;
      return whole;
    };
    expect(await codeOf(cut("whole"))).toBe("stream-corrupt");
    expect(await cut("anywhere")).toBe(1);
    // A length that nobody wrote is no reason to wait for so much.
    const huge = async (): Promise<void> => {
      for await (const record of recordsOf(asyncOf([fromHex("ffffffff00")]), { end: "anywhere" }))
        void record;
    };
    expect(await codeOf(huge())).toBe("stream-corrupt");
    const salt = new Uint8Array(32);
    const chunk = await sealChunk(key, STREAM_START, utf8("x"), { last: true, salt });
    expect(chunk.length).toBe(34 + 1 + 16);
  });
});

test("ACC-45: who receives a history may stop waiting for the rest, and what came whole is there", async () => {
  const [key, relayed, stop] = [
    new Uint8Array(32).fill(5),
    new Map<number, Uint8Array>(),
    new AbortController(),
  ];
  const dropped: string[] = [];
  // A relay that has nothing more after the first chunk, and says nothing.
  const relay: Pick<AccountClient, "putRelay" | "relay" | "dropRelay"> = {
    putRelay: async (_, number, chunk) => void relayed.set(number, chunk),
    relay: (_, number, { signal }) =>
      new Promise((resolve, reject) => {
        const chunk = number === 0 ? relayed.get(0) : undefined;
        if (chunk !== undefined) return resolve(chunk);
        signal?.addEventListener("abort", () => reject(signal.reason));
        stop.abort();
      }),
    dropRelay: async (transfer) => void dropped.push(transfer),
  };
  const server = relay as AccountClient;
  const records = [1, 2, 3].map((n) => new Uint8Array(600_000).fill(n));
  await sendHistory(server, key, records);
  expect(relayed.size).toBe(2);
  const came: (number | undefined)[] = [];
  for await (const record of receiveHistory(server, key, { signal: stop.signal })) came.push(record[0]);
  expect([came, dropped.length]).toEqual([[1], 1]);
});

test("ACC-46: a history outlives requests that fail; whoever is silent for ten minutes is given up", async () => {
  const [key, relayed] = [new Uint8Array(32).fill(5), new Map<number, Uint8Array>()];
  const fails = new Set(["put", "get", "drop"]);
  const once = (what: string): void => {
    if (fails.delete(what)) throw new WireError("unreachable", "no connection");
  };
  let asked = 0;
  const relay: Pick<AccountClient, "putRelay" | "relay" | "dropRelay"> = {
    putRelay: async (_, number, chunk) => {
      once("put");
      relayed.set(number, chunk);
    },
    relay: async (_, number) => {
      asked++;
      once("get");
      return relayed.get(number) ?? null;
    },
    dropRelay: async () => once("drop"),
  };
  const server = relay as AccountClient;
  await sendHistory(server, key, [Uint8Array.of(1), Uint8Array.of(2)]);
  const came: (number | undefined)[] = [];
  for await (const record of receiveHistory(server, key)) came.push(record[0]);
  expect([came, fails.size]).toEqual([[1, 2], 0]);
  relayed.clear();
  asked = 0;
  const silent = receiveHistory(server, key).next();
  expect(await codeOf(silent)).toBe("pairing-over");
  expect(asked).toBe(24);
  // What does not pass by itself ends it at once, and so does the first failure where somebody is in a hurry.
  const refused = new WireError("refused", "no room", { refusal: "quota" });
  relay.putRelay = () => Promise.reject(refused);
  expect(await codeOf(sendHistory(server, key, []))).toBe("refused");
  relay.putRelay = () => Promise.reject(new WireError("unreachable", "no connection"));
  const hurried = sendHistory(server, key, [], { hurry: AbortSignal.abort() });
  expect(await codeOf(hurried)).toBe("unreachable");
});

async function* asyncOf(contents: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const content of contents) yield content;
}

describe("requests to members", () => {
  test("ACC-60: the vectors; any altered bit, another audience, a missing or trailing byte is refused", () => {
    const refused = (document: Uint8Array, audience: string): void =>
      expect(() => verifyAccountRequest(document, audience)).toThrow(EnvelopeError);
    for (const { kind, audience, at, lost, document } of vectors.requests) {
      const bytes = fromHex(document);
      const request = verifyAccountRequest(bytes, audience);
      expect({ kind: request.kind, at: request.at, lost: request.lost.map((key) => hex(key)) }).toEqual({
        kind,
        at,
        lost,
      });
      for (let bit = 0; bit < 8 * bytes.length; bit += 37) refused(flipped(bytes, bit), audience);
      refused(bytes, "log.elsewhere.example");
      refused(bytes.slice(0, -1), audience);
      refused(new Uint8Array([...bytes, 0]), audience);
      refused(bytes.slice(0, 60), audience);
    }
  });
});
