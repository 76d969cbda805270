import { base64 } from "@porchlight/encoding";
import type { Session } from "./session.ts";

/** Of the text of one part of the file, in UTF-16 code units. */
const PART = 1_000_000;

/**
 * Everything that this device has of its person's, one JSON object a line, each with its `kind`: "account" (contacts,
 * settings and notices with it), each "charter" that the log showed, and of each "conversation" its entries, oldest first.
 * Bytes are base64, times Unix seconds. Files that were sent are not on this device, and not in it.
 */
export async function exported(session: Session): Promise<Blob> {
  const { me, contacts, notices, allClear, charters, conversations } = session.state;
  /** The views of a session are plain data, but for the bytes of pictures. */
  const line = (value: unknown): string =>
    `${JSON.stringify(value, (_key, inner: unknown) => (inner instanceof Uint8Array ? base64(inner) : inner))}\n`;
  let text = line({
    kind: "account",
    at: session.now(),
    me,
    settings: session.profile.settings,
    contacts,
    notices,
    allClear,
  });
  for (const charter of Object.values(charters)) text += line({ kind: "charter", charter });
  const parts: Blob[] = [];
  for (const [id, thread] of session.threads) {
    const members = [...new Set(session.seatOf(id)?.members.map(({ account }) => account))];
    text += line({ kind: "conversation", conversation: conversations[id], members });
    for await (const entry of thread.all()) {
      text += line({ kind: "entry", conversation: id, entry });
      if (text.length < PART) continue;
      parts.push(new Blob([text]));
      text = "";
    }
  }
  return new Blob([...parts, text], { type: "application/jsonl" });
}
