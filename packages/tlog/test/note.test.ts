import { fromHex, hex, unixSeconds } from "@porchlight/encoding";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  cosign,
  formatCheckpoint,
  formatSignerKey,
  formatVkey,
  logIndex,
  makeSigner,
  makeVerifierKey,
  mergeSignatures,
  parseCheckpoint,
  parseNote,
  parseSignerKey,
  parseVkey,
  signNote,
  TlogError,
  treeSize,
  verifyNote,
} from "../src/index.ts";
import { nodeSuite } from "../src/node-suite.ts";
import { vectors } from "./vectors.ts";

const { notes } = vectors;
const seed = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

test("TLOG-2: the example note of C2SP signed-note verifies", () => {
  const vkey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
  const note =
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
  expect(verifyNote(note, [parseVkey(vkey)]).text).toBe("This is an example message.\n");
  expect(formatVkey(parseVkey(vkey))).toBe(vkey);
});

test("TLOG-4: keys of the vectors", () => {
  for (const { name, type, seed: seedHex, publicKey, keyId, vkey, signerKey } of notes.keys) {
    const signer = makeSigner(type, name, fromHex(seedHex), nodeSuite);
    expect(formatVkey(signer.key)).toBe(vkey);
    expect([hex(signer.key.publicKey), hex(signer.key.id)]).toEqual([publicKey, keyId]);
    expect(parseVkey(vkey)).toEqual(signer.key);
    expect(formatSignerKey(type, name, fromHex(seedHex))).toBe(signerKey);
    expect(parseSignerKey(signerKey).key).toEqual(signer.key);
  }
  for (const vkey of notes.refusedVkeys) expect(() => parseVkey(vkey), vkey).toThrow(TlogError);
});

test("TLOG-4: unknown types, points of small order, off the curve and written another way are no keys", () => {
  const vkey = formatVkey(
    makeVerifierKey("ed25519", "name", makeSigner("ed25519", "name", seed(1)).key.publicKey),
  );
  expect(() => parseVkey(`name+00000000+${btoa("\u0006".padEnd(33, "x"))}`)).toThrow(
    expect.objectContaining({ code: "vkey-type-unsupported" }),
  );
  expect(() => parseVkey(vkey.replace("name", "other"))).toThrow(
    expect.objectContaining({ code: "vkey-malformed" }),
  );
  for (const point of [
    `01${"00".repeat(31)}`, // the identity
    "00".repeat(32), // order 4
    `ec${"ff".repeat(30)}7f`, // order 2
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
    `ee${"ff".repeat(30)}7f`, // y = p + 1
    `02${"00".repeat(31)}`, // no point has this y
  ]) {
    expect(() => makeVerifierKey("ed25519", "name", fromHex(point)), point).toThrow(
      expect.objectContaining({ code: "vkey-malformed" }),
    );
  }
  expect(() => makeSigner("ed25519", "name", new Uint8Array(31))).toThrow(TlogError);
  for (const wrong of ["", "PRIVATE+KEY+name", `PRIVATE+KEY+${vkey}`]) {
    expect(() => parseSignerKey(wrong)).toThrow(TlogError);
  }
});

test("TLOG-2: notes of the vectors are accepted with exactly these signatures", () => {
  for (const { note, known, verified, text } of notes.accepted) {
    const result = verifyNote(
      note,
      known.map((vkey) => parseVkey(vkey)),
      nodeSuite,
    );
    expect(result.signatures.map(({ key, time }) => ({ name: key.name, time }))).toEqual(verified);
    if (text !== undefined) expect(result.text).toBe(text);
  }
});

test("TLOG-1, TLOG-2: notes of the vectors are refused", () => {
  for (const { note, known, code } of notes.refused) {
    const keys = known.map((vkey) => parseVkey(vkey));
    expect(() => verifyNote(note, keys, nodeSuite), note).toThrow(expect.objectContaining({ code }));
  }
});

test("TLOG-1: the text ends at the last blank line", () => {
  const signer = makeSigner("ed25519", "name", seed(1));
  const inner = signNote("inner\n", [signer]);
  const outer = signNote(inner, [signer]);
  expect(parseNote(outer).text).toBe(inner);
  expect(() => signNote("no newline", [signer])).toThrow(expect.objectContaining({ code: "note-malformed" }));
  expect(() => signNote("text\n", [])).toThrow(expect.objectContaining({ code: "note-malformed" }));
});

test("TLOG-1: names with spaces of any script, a plus or control characters are no key names", () => {
  for (const name of [
    "",
    "a b",
    "a+b",
    "a\u00a0b",
    "a\u2003b",
    "a\u3000b",
    "a\u0085b",
    "a\tb",
    "a\u2028b",
    "\ud800",
  ]) {
    expect(() => makeSigner("ed25519", name, seed(1)), JSON.stringify(name)).toThrow(TlogError);
  }
  expect(makeSigner("ed25519", "schlüssel.example/läd", seed(1)).key.name).toBe("schlüssel.example/läd");
});

test("TLOG-1: at least 16 signatures are accepted", () => {
  const signers = Array.from({ length: 60 }, (_, i) =>
    makeSigner("ed25519", `name-${i}`, seed(i), nodeSuite),
  );
  const note = signNote("text\n", signers);
  const { signatures } = verifyNote(
    note,
    signers.map(({ key }) => key),
    nodeSuite,
  );
  expect(signatures).toHaveLength(60);
});

test("TLOG-2: a key known under the same name and id as another is refused, the same key twice is one", () => {
  const { key, sign } = makeSigner("ed25519", "name", seed(1));
  const note = signNote("text\n", [{ key, sign }]);
  expect(verifyNote(note, [key, { ...key }]).signatures).toHaveLength(1);
  const collision = { ...key, publicKey: makeSigner("ed25519", "name", seed(2)).key.publicKey };
  expect(() => verifyNote(note, [key, collision])).toThrow(
    expect.objectContaining({ code: "vkey-ambiguous" }),
  );
});

test("TLOG-2, TLOG-5: every flipped bit of a cosigned checkpoint is refused, changes nothing that is verified, or makes the line unknown", () => {
  const log = makeSigner("ed25519", "log", seed(1), nodeSuite);
  const witness = makeSigner("cosignature", "witness", seed(2), nodeSuite);
  const text = formatCheckpoint({ origin: "log", size: treeSize(7), root: seed(9) });
  const time = unixSeconds(1_700_000_000);
  const note = signNote(text, [log]) + cosign(text, witness, time);
  const bytes = new TextEncoder().encode(note);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const keys = [log.key, witness.key];
  let refused = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    let result: ReturnType<typeof verifyNote>;
    try {
      result = verifyNote(decoder.decode(flipped), keys, nodeSuite);
    } catch {
      refused++;
      continue;
    }
    // Only a line whose name or key id changed is ignored; what is left was signed as it stands.
    expect(result.text).toBe(text);
    expect(result.signatures).toHaveLength(1);
    expect(result.signatures.every((signature) => signature.time === null || signature.time === time)).toBe(
      true,
    );
  }
  expect(refused).toBeGreaterThan(bytes.length * 6);
});

test("TLOG-5: a cosignature of time zero, of a time out of range, or of another length is invalid", () => {
  const witness = makeSigner("cosignature", "witness", seed(2), nodeSuite);
  const text = "text\n";
  expect(() => verifyNote(`${text}\n${cosign(text, witness, unixSeconds(0))}`, [witness.key])).toThrow(
    expect.objectContaining({ code: "signature-invalid" }),
  );
  const far = cosign(text, witness, (2 ** 41) as never);
  expect(() => verifyNote(`${text}\n${far}`, [witness.key])).toThrow(
    expect.objectContaining({ code: "signature-invalid" }),
  );
  const plain = signNote(text, [makeSigner("ed25519", "witness", seed(2))]);
  expect(() => verifyNote(plain, [witness.key])).toThrow(
    expect.objectContaining({ code: "signature-missing" }),
  );
});

test("TLOG-18: a witness' answer is merged once, and only what it signed", () => {
  const log = makeSigner("ed25519", "log", seed(1), nodeSuite);
  const [w, other] = [2, 3].map((byte) => makeSigner("cosignature", `w${byte}`, seed(byte), nodeSuite));
  if (w === undefined || other === undefined) throw new Error("two cosigners");
  const text = formatCheckpoint({ origin: "log", size: treeSize(7), root: seed(9) });
  const note = signNote(text, [log]);
  const time = unixSeconds(5);
  const line = cosign(text, w, time);
  const merged = mergeSignatures(note, line + cosign(text, other, time) + line, [w.key], nodeSuite);
  expect(merged).toBe(note + line);
  expect(mergeSignatures(merged, line, [w.key], nodeSuite)).toBe(merged);
  for (const lines of [
    "",
    "\n",
    cosign(text, other, time),
    cosign("x\n", w, time),
    `x\n\n${cosign(`${text}\nx\n`, w, time)}`,
  ]) {
    expect(() => mergeSignatures(note, lines, [w.key], nodeSuite)).toThrow(TlogError);
  }
});

test("TLOG-6, TLOG-7: checkpoints of the vectors are refused, and any other round-trips", () => {
  for (const text of notes.refusedCheckpoints) {
    expect(() => parseCheckpoint(text), text).toThrow(
      expect.objectContaining({ code: "checkpoint-malformed" }),
    );
  }
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.webAuthority(),
      (n, root, origin) => {
        const text = formatCheckpoint({ origin, size: treeSize(n), root });
        expect(parseCheckpoint(text)).toEqual({ origin, size: n, root });
      },
    ),
    { numRuns: 100 },
  );
  expect(() => formatCheckpoint({ origin: "a\nb", size: treeSize(0), root: seed(0) })).toThrow(TlogError);
  expect(() => formatCheckpoint({ origin: "a", size: treeSize(0), root: new Uint8Array(31) })).toThrow(
    TlogError,
  );
  expect(() => logIndex(-1)).toThrow(TlogError);
});
