import {
  type AccountId,
  accountId,
  base64,
  charterId,
  conversationId,
  EncodingError,
  Fields,
  formatDay,
  formatInstant,
  fromBase64,
  fromHex,
  fromUtf8,
  hex,
  type Json,
  parseDay,
  parseInstant,
  parseJson,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { type AccessLabel, accessLabel, EnvelopeError } from "@porchlight/envelope";
import { EvidenceError } from "./error.ts";
import type { Files } from "./files.ts";

/** A message as the provider stored it. `seq`, `submitter` and `at` are the provider's word; everything in `wire` is the sender's. */
export type StoredMessage = {
  readonly seq: number;
  readonly epoch: number;
  /** Account whose session handed it in. */
  readonly submitter: AccountId;
  /** When the provider accepted it. */
  readonly at: UnixSeconds;
  /** Bytes of the MLSMessage. */
  readonly wire: Uint8Array;
};

/** An envelope as it was sent, and its inner layer as the provider peeled it. */
export type StoredEnvelope = {
  readonly seq: number;
  readonly epoch: number;
  readonly at: UnixSeconds;
  readonly envelope: Uint8Array;
  readonly inner: Uint8Array;
};

/** One released label: its key (48 B) and what the provider delivered for it. Both lists have ascending `seq`. */
export type ReleasedLabel = {
  readonly label: AccessLabel;
  readonly labelKey: Uint8Array;
  readonly envelopes: readonly StoredEnvelope[];
  readonly messages: readonly StoredMessage[];
};

export const LABEL_KEYS = "data/label-keys.json";

/** `data/wire/007.jsonl` for the seventh label of data/label-keys.json. */
export function numbered(folder: "wire" | "envelopes", position: number): string {
  return `data/${folder}/${String(position + 1).padStart(3, "0")}.jsonl`;
}

/** The order of labels in a package (EVI-14): conversation, day, account. */
export function sortLabels(labels: readonly ReleasedLabel[]): ReleasedLabel[] {
  const key = ({ label }: ReleasedLabel): string =>
    `${label.conversation} ${String(label.day).padStart(10, "0")} ${label.account}`;
  const sorted = [...labels].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  if (new Set(sorted.map(key)).size !== sorted.length) throw new EvidenceError("malformed", LABEL_KEYS);
  return sorted;
}

/** EVI-14: data/label-keys.json, and for each label a file of wire messages and one of envelopes. */
export function labelFiles(labels: readonly ReleasedLabel[]): Files {
  const sorted = sortLabels(labels);
  const keys = sorted.map(({ label, labelKey }) => ({
    conversation: label.conversation,
    account: label.account,
    day: formatDay(label.day),
    label: hex(accessLabel(label)),
    key: hex(labelKey),
  }));
  const files = new Map([[LABEL_KEYS, utf8(`${JSON.stringify(keys, null, 1)}\n`)]]);
  const lines = (records: readonly object[]): Uint8Array =>
    utf8(records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  sorted.forEach(({ envelopes, messages }, position) => {
    files.set(
      numbered("wire", position),
      lines(
        messages.map(({ seq, epoch, submitter, at, wire }) => ({
          seq,
          epoch,
          submitter,
          at: formatInstant(at),
          wire: base64(wire),
        })),
      ),
    );
    files.set(
      numbered("envelopes", position),
      lines(
        envelopes.map(({ seq, epoch, at, envelope, inner }) => ({
          seq,
          epoch,
          at: formatInstant(at),
          envelope: base64(envelope),
          inner: base64(inner),
        })),
      ),
    );
  });
  return files;
}

/** Strict inverse of {@link labelFiles}; what it has read leaves `left`. Throws EvidenceError. */
export function readLabels(files: Files, left: Set<string>): ReleasedLabel[] {
  const keys = reading(LABEL_KEYS, () => {
    const list = parseJson(take(files, LABEL_KEYS, left), LABEL_KEYS);
    return new Fields({ labels: list }, LABEL_KEYS).array("labels", readKey, 100_000);
  });
  const labels = keys.map(({ label, labelKey }, position) => ({
    label,
    labelKey,
    messages: readLines(files, numbered("wire", position), left, (fields, file) => ({
      seq: fields.integer("seq"),
      epoch: fields.integer("epoch"),
      submitter: accountId(fields.string("submitter", 64)),
      at: parseInstant(fields.string("at"), file),
      wire: fromBase64(fields.string("wire", 2 ** 24), undefined, file),
    })),
    envelopes: readLines(files, numbered("envelopes", position), left, (fields, file) => ({
      seq: fields.integer("seq"),
      epoch: fields.integer("epoch"),
      at: parseInstant(fields.string("at"), file),
      envelope: fromBase64(fields.string("envelope", 2 ** 20), undefined, file),
      inner: fromBase64(fields.string("inner", 2 ** 16), undefined, file),
    })),
  }));
  return labels;
}

function readKey(value: Json, where: string): { label: AccessLabel; labelKey: Uint8Array } {
  const fields = new Fields(value, where);
  const conversation = conversationId(fields.string("conversation", 64));
  const account = accountId(fields.string("account", 64));
  const day = parseDay(fields.string("day", 10), where);
  const bytes = fromHex(fields.string("label", 300), 121, where);
  const labelKey = fromHex(fields.string("key", 96), 48, where);
  fields.end();
  const charter = charterId(hex(bytes.subarray(21, 53)));
  const label = { charter, conversation, account, day };
  if (hex(accessLabel(label)) !== hex(bytes)) throw new EncodingError("not-canonical", where);
  return { label, labelKey };
}

function readLines<T extends { readonly seq: number }>(
  files: Files,
  file: string,
  left: Set<string>,
  read: (fields: Fields, file: string) => T,
): T[] {
  const bytes = take(files, file, left);
  return reading(file, () => {
    const text = fromUtf8(bytes, file);
    if (text !== "" && !text.endsWith("\n")) throw new EncodingError("truncated", file);
    const records: T[] = [];
    for (const line of text.split("\n").slice(0, -1)) {
      const fields = new Fields(parseJson(utf8(line), file), file);
      const record = read(fields, file);
      fields.end();
      if (record.seq <= (records.at(-1)?.seq ?? -1)) throw new EncodingError("not-canonical", file);
      records.push(record);
    }
    return records;
  });
}

/** A file that must be there; it leaves `left`. */
export function take(files: Files, path: string, left: Set<string>): Uint8Array {
  const bytes = files.get(path);
  if (bytes === undefined) throw new EvidenceError("not-a-package", path);
  left.delete(path);
  return bytes;
}

/** Runs a parser; what it refuses becomes EvidenceError "malformed" naming the file. */
export function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof EncodingError || cause instanceof EnvelopeError) {
      throw new EvidenceError("malformed", file, { cause });
    }
    throw cause;
  }
}
