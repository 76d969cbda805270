// What a device signs to log in, and the frames that the log's entries are stored in.
import { createHash } from "node:crypto";
import { hex } from "../../packages/encoding/src/index.ts";
import { encodeEntries } from "../../packages/tlog/src/index.ts";
import { sessionStatement } from "../../packages/wire/src/index.ts";

const bytes = (length: number, from = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (from + i) % 256);

const place = (day: number) => ({ conversation: "11".repeat(32), account: "22".repeat(32), day });

/** DEL-53, DEL-73: what is asked, and what stands in the sealed answer. */
function material(): object {
  const first = {
    ...place(20_711),
    envelopes: [{ seq: 4, epoch: 2, at: 1_789_459_200, envelope: "AQID", inner: "BAUG" }],
    messages: [{ seq: 5, epoch: 2, submitter: "22".repeat(32), at: 1_789_459_201, wire: "BwgJ" }],
    complete: true,
  };
  const begun = { ...first, ...place(20_712), complete: false };
  return {
    request: {
      good: [{ labels: [place(20_711)] }, { labels: [place(20_711), place(20_712)], after: 5 }],
      bad: [
        { labels: [] },
        { labels: Array.from({ length: 101 }, (_, day) => place(day)) },
        { labels: [place(20_711)], after: -1 },
        { labels: [{ ...place(20_711), charter: "33".repeat(32) }] },
        place(20_711),
      ],
    },
    answer: {
      good: [
        { version: 2, labels: [first] },
        { version: 2, labels: [first, begun] },
      ],
      bad: [
        { version: 1, ...first },
        { version: 2, labels: [] },
        { version: 2, labels: [{ ...place(20_711), envelopes: [], messages: [] }] },
        { version: 2, labels: [{ ...first, messages: [{ ...first.messages[0], wire: "not base64" }] }] },
      ],
    },
  };
}

export function make(): unknown {
  const first = 512;
  const entries = [bytes(1), bytes(300, 7)];
  const payload = encodeEntries(entries);
  const digest = createHash("sha256")
    .update(Buffer.from(first.toString(16).padStart(16, "0"), "hex"))
    .update(payload)
    .digest();
  return {
    description: "Delivery (spec/delivery.md). Bytes are hexadecimal.",
    sessionStatement: ["log.example.org", "log.test.porchlight.example", "ü"].map((audience, i) => {
      const nonce = bytes(32, i);
      return { audience, nonce: hex(nonce), statement: hex(sessionStatement(audience, nonce)) };
    }),
    material: material(),
    frame: {
      firstIndex: first,
      entries: entries.map((entry) => hex(entry)),
      digest: digest.toString("hex"),
      frame:
        payload.length.toString(16).padStart(8, "0") +
        entries.length.toString(16).padStart(4, "0") +
        digest.toString("hex") +
        hex(payload),
    },
  };
}
