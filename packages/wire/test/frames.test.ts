import { readFileSync } from "node:fs";
import { accountId, conversationId, EncodingError, fromHex, hex, unixSeconds } from "@porchlight/encoding";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ClientFrame,
  encodeClientFrame,
  encodeServerFrame,
  LIMITS,
  readClientFrames,
  readServerFrames,
  type ServerFrame,
} from "../src/index.ts";

type Shown = { readonly frame: unknown; readonly bytes: string };
const path = new URL("../../../vectors/frames.json", import.meta.url);
const vectors = JSON.parse(readFileSync(path, "utf8")) as {
  client: Shown[];
  server: Shown[];
  refusedByServer: { why: string; bytes: string; code: string }[];
};
const RUNS = process.env["PORCHLIGHT_SLOW"] === "1" ? 100_000 : 1000;

function shown(frame: unknown): unknown {
  return JSON.parse(
    JSON.stringify(frame, (_, value: unknown) => (value instanceof Uint8Array ? hex(value) : value)),
  );
}

function refusal(run: () => unknown): string {
  try {
    run();
    return "accepted";
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    return error.code;
  }
}

test.each(vectors.client)("DEL-80: a client's frame is that of the vectors: $bytes", ({ frame, bytes }) => {
  const [read, ...more] = readClientFrames(fromHex(bytes));
  expect([shown(read), more]).toEqual([frame, []]);
  expect(hex(encodeClientFrame(read as ClientFrame))).toBe(bytes);
});

test.each(vectors.server)("DEL-80: a server's frame is that of the vectors: $bytes", ({ frame, bytes }) => {
  const [read, ...more] = readServerFrames(fromHex(bytes));
  expect([shown(read), more]).toEqual([frame, []]);
  expect(hex(encodeServerFrame(read as ServerFrame))).toBe(bytes);
});

test.each(vectors.refusedByServer)("DEL-80: refused: $why", ({ bytes, code }) => {
  expect(refusal(() => readClientFrames(fromHex(bytes)))).toBe(code);
});

test("DEL-80: a message is whole frames: every prefix and every longer message is refused", () => {
  for (const [list, read] of [
    [vectors.client, readClientFrames],
    [vectors.server, readServerFrames],
  ] as const) {
    const all = fromHex(list.map(({ bytes }) => bytes).join(""));
    expect(read(all)).toHaveLength(list.length);
    const ends = new Set<number>();
    let end = 0;
    for (const { bytes } of list) ends.add((end += bytes.length / 2));
    for (let length = 0; length <= all.length; length++) {
      const expected = ends.has(length) ? "accepted" : expect.not.stringMatching(/^accepted$/);
      expect(refusal(() => read(all.subarray(0, length)))).toEqual(expected);
    }
  }
});

const conversation = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => conversationId(hex(bytes)));
const account = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => accountId(hex(bytes)));
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const request = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const body = fc.uint8Array({ maxLength: LIMITS.ephemeral });
const key = fc.stringMatching(/^[A-Za-z0-9_-]{8,64}$/);
const clientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({
    type: fc.constant("subscribe" as const),
    request,
    all: fc.boolean(),
    cursors: fc.array(fc.record({ conversation, after: whole }), { maxLength: 5 }),
  }),
  fc.record({
    type: fc.constant("submit" as const),
    request,
    conversation,
    items: fc.array(
      fc.record({
        kind: fc.constantFrom("message" as const, "envelope" as const),
        key,
        epoch: whole,
        bytes: body,
      }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({ type: fc.constant("ephemeral" as const), conversation, body }),
  fc.record({ type: fc.constant("credit" as const), consumed: whole }),
);
const serverFrame: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({
    type: fc.constant("item" as const),
    conversation,
    item: fc.record({
      seq: whole,
      kind: fc.constantFrom("commit" as const, "message" as const, "envelope" as const),
      epoch: whole,
      submitter: account,
      at: fc.nat({ max: 2 ** 40 }).map(unixSeconds),
      bytes: body,
    }),
  }),
  fc.record({
    type: fc.constant("acknowledged" as const),
    request,
    seqs: fc.array(whole, { maxLength: 20 }),
  }),
  fc.record({ type: fc.constant("ephemeral" as const), conversation, sender: account, body }),
);

test("DEL-80: what is written is read back, however many frames share a message", () => {
  fc.assert(
    fc.property(fc.array(clientFrame, { minLength: 1, maxLength: 4 }), (frames) => {
      const message = new Uint8Array(Buffer.concat(frames.map(encodeClientFrame)));
      expect(shown(readClientFrames(message))).toEqual(shown(frames));
    }),
    { numRuns: RUNS / 10 },
  );
  fc.assert(
    fc.property(fc.array(serverFrame, { minLength: 1, maxLength: 4 }), (frames) => {
      const message = new Uint8Array(Buffer.concat(frames.map(encodeServerFrame)));
      expect(shown(readServerFrames(message))).toEqual(shown(frames));
    }),
    { numRuns: RUNS / 10 },
  );
});

test("DEL-80: any bytes, and any altered frame, are read or refused by name, and have one spelling", () => {
  const seeds = [...vectors.client, ...vectors.server].map(({ bytes }) => fromHex(bytes));
  const altered = fc
    .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
    .map(([seed, changes]) => {
      const bytes = seed.slice();
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), altered), (bytes) => {
      for (const [read, encode] of [
        [readClientFrames, encodeClientFrame],
        [readServerFrames, encodeServerFrame],
      ] as const) {
        let frames: readonly (ClientFrame | ServerFrame)[];
        try {
          frames = read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(EncodingError);
          continue;
        }
        // A refusal's JSON may be spelt differently; everything else has one spelling.
        if (frames.some(({ type }) => type === "refused")) continue;
        expect(hex(Buffer.concat(frames.map((frame) => encode(frame as never))))).toBe(hex(bytes));
      }
    }),
    { numRuns: RUNS },
  );
});

test("DEL-81: what is larger than its limit is neither written nor read", () => {
  const submit = (length: number): ClientFrame => ({
    type: "submit",
    request: 1,
    conversation: conversationId("00".repeat(32)),
    items: [{ kind: "envelope", key: "k1234567", epoch: 0, bytes: new Uint8Array(length) }],
  });
  expect(readClientFrames(encodeClientFrame(submit(LIMITS.envelope)))).toHaveLength(1);
  expect(refusal(() => readClientFrames(encodeClientFrame(submit(LIMITS.envelope + 1))))).toBe("too-long");
  expect(refusal(() => encodeClientFrame(submit(LIMITS.streamSubmit)))).toBe("out-of-range");
  const ephemeral = (length: number): ClientFrame => ({
    type: "ephemeral",
    conversation: conversationId("00".repeat(32)),
    body: new Uint8Array(length),
  });
  expect(refusal(() => encodeClientFrame(ephemeral(LIMITS.ephemeral + 1)))).toBe("out-of-range");
});
