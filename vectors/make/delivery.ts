// What a device signs to log in, and the frames that the log's entries are stored in.
import { createHash } from "node:crypto";
import { hex } from "../../packages/encoding/src/index.ts";
import { encodeEntries } from "../../packages/tlog/src/index.ts";
import { sessionStatement } from "../../packages/wire/src/index.ts";

const bytes = (length: number, from = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (from + i) % 256);

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
