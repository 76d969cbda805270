// EVI-28: the messages as one RSMF 2.0 file (Relativity Short Message Format), which review platforms load. Its words
// are RSMF's; what RSMF has no member for stands under `custom`.
import {
  type AccountId,
  type ConversationId,
  concat,
  formatDay,
  type UnixSeconds,
  utf8,
} from "@porchlight/encoding";
import { strToU8, zipSync } from "fflate";
import type { EvidenceMessage } from "./messages.ts";
import { orderWord } from "./order-words.ts";
import type { OpenedRelease } from "./release.ts";
import { storyOf } from "./story.ts";

const LINE = 76;
const BOUNDARY = "porchlight-rsmf-2.0.0";

type Custom = { readonly name: string; readonly value: string };

/** The manifest: participants, conversations and events of the package's messages. */
function rsmfManifest(release: OpenedRelease, fileNames: ReadonlyMap<string, string>): object {
  const { messages, warrant, commitment } = release;
  const { references, later } = storyOf(messages);
  const accounts = [...new Set(messages.map(({ account }) => account))];
  const participant = new Map(accounts.map((account, i) => [account, `P${i + 1}`]));
  const names = new Map(messages.map(({ account, from }) => [account, from]));
  const members = new Map<ConversationId, Set<AccountId>>();
  for (const { conversation: id, account } of messages) {
    members.set(id, (members.get(id) ?? new Set()).add(account));
  }
  const conversation = new Map([...members.keys()].map((id, i) => [id, `C${i + 1}`]));
  const idOf = (place: number): string => `M${place + 1}`;
  const who = ({ account }: EvidenceMessage): string => participant.get(account) as string;

  const events = messages.map((message, place) => {
    const { kind, text, at } = message;
    const reference = references[place] ?? null;
    const { changedBy, takenBackBy, reactedBy } = later[place] as (typeof later)[number];
    const isSpeech = kind === undefined || kind === "action";
    const parent = isSpeech && reference?.kind === "answers" ? reference.place : null;
    return {
      id: idOf(place),
      type: isSpeech ? "message" : "unknown",
      ...(parent === null ? {} : { parent: idOf(parent) }),
      body: text,
      participant: who(message),
      conversation: conversation.get(message.conversation) as string,
      // The sender's own word; RSMF takes dates only, so another text stands under `custom` alone.
      ...(isInstant(at) ? { timestamp: at } : {}),
      ...(takenBackBy === null ? {} : { deleted: true }),
      ...withAttachments(message, fileNames),
      ...(changedBy.length === 0 ? {} : { edits: editsOf(messages, place, changedBy, who) }),
      ...(reactedBy.length === 0 ? {} : { reactions: reactionsOf(messages, reactedBy, who) }),
      direction: "outgoing",
      custom: customOf(message, reference, idOf),
    };
  });
  return {
    version: "2.0.0",
    participants: accounts.map((account) => ({
      id: participant.get(account) as string,
      display: names.get(account) as string,
      account_id: account,
    })),
    conversations: [...members].map(([id, senders]) => ({
      id: conversation.get(id) as string,
      platform: "Porchlight",
      type: "channel",
      participants: [...senders].map((account) => participant.get(account) as string),
      custom: [
        { name: "Conversation id", value: id },
        {
          name: "Holds",
          value: "Only what the persons named here sent; other members' messages are not included",
        },
      ],
    })),
    events,
    eventcollectionid: `${warrant.document.reference} ${commitment}`,
  };
}

/** The file itself: a MIME message around rsmf.zip. Same release, same bytes (EVI-18): nothing in it is packed. */
export function rsmfFile(release: OpenedRelease, packagedAt: UnixSeconds): Uint8Array {
  const { messages, warrant, charter } = release;
  const files = attachedFiles(release);
  const names = new Map(files.map(({ ref, name }) => [ref, name]));
  const manifest = strToU8(JSON.stringify(rsmfManifest(release, names)));
  // In ZIP's own fields, which have no time zone: the first instant that they can say.
  const zip = zipSync(
    {
      "rsmf_manifest.json": manifest,
      ...Object.fromEntries(files.map(({ name, content }) => [name, content])),
    },
    { level: 0, mtime: new Date(1980, 0, 1) },
  );
  const people = [...new Set(messages.map(({ from }) => from))];
  const summary = `${messages.length} messages disclosed under ${orderWord(charter)} ${warrant.document.reference}\n`;
  const lines = [
    `From: ${header(warrant.document.requester.name)} <evidence@porchlight.invalid>`,
    `Subject: ${header(warrant.document.reference)}`,
    `Date: ${new Date(packagedAt * 1000).toUTCString().replace("GMT", "+0000")}`,
    "X-RSMF-Generator: Porchlight",
    "X-RSMF-Version: 2.0.0",
    `X-RSMF-EventCount: ${messages.length}`,
    ...bounds(messages),
    `X-RSMF-Participants: ${header(people.join(", "))}`,
    "MIME-Version: 1.0",
    `Content-Type: multipart/mixed; boundary="${BOUNDARY}"`,
    "",
    `--${BOUNDARY}`,
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: base64",
    "",
    utf8Lines(summary),
    `--${BOUNDARY}`,
    'Content-Type: application/zip; name="rsmf.zip"',
    'Content-Disposition: attachment; filename="rsmf.zip"',
    "Content-Transfer-Encoding: base64",
    "",
    "",
  ];
  const end = utf8(`--${BOUNDARY}--\r\n`);
  return concat(utf8(lines.join("\r\n")), base64Lines(zip), end);
}

/** The files that messages name and that are here, in the order in which they are named, each once. */
function attachedFiles({ messages, attachments }: OpenedRelease): {
  readonly ref: string;
  readonly name: string;
  readonly content: Uint8Array;
}[] {
  const named = new Map(
    messages.flatMap((message) => (message.attachments ?? []).map((one) => [one.ref, one] as const)),
  );
  return [...named.values()]
    .flatMap((one) => {
      const collected = attachments?.get(one.ref);
      return collected?.state === "held"
        ? [{ ref: one.ref, sent: one.name ?? "", content: collected.content }]
        : [];
    })
    .map(({ ref, sent, content }, i) => {
      // Review programs go by the extension: the sender's, where it is one.
      const extension = /\.[A-Za-z0-9]{1,8}$/.exec(sent)?.[0] ?? "";
      return { ref, name: `A${i + 1}${extension}`, content };
    });
}

function withAttachments(
  { attachments = [] }: EvidenceMessage,
  names: ReadonlyMap<string, string>,
): { readonly attachments?: readonly object[] } {
  const here = attachments.flatMap(({ ref, name, size }) => {
    const id = names.get(ref);
    return id === undefined ? [] : [{ id, display: name ?? "without a name", size }];
  });
  return here.length === 0 ? {} : { attachments: here };
}

function isInstant(at: string): boolean {
  return /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(at) && !Number.isNaN(Date.parse(at));
}

function editsOf(
  messages: readonly EvidenceMessage[],
  place: number,
  changedBy: readonly number[],
  who: (message: EvidenceMessage) => string,
): object[] {
  let previous = messages[place]?.text ?? "";
  return changedBy.map((at) => {
    const edit = messages[at] as EvidenceMessage;
    const made = {
      participant: who(edit),
      ...(isInstant(edit.at) ? { timestamp: edit.at } : {}),
      previous,
      new: edit.text,
    };
    previous = edit.text;
    return made;
  });
}

/** The newest reaction of each account that is not empty (CON-6). */
function reactionsOf(
  messages: readonly EvidenceMessage[],
  reactedBy: readonly number[],
  who: (message: EvidenceMessage) => string,
): object[] {
  const newest = new Map(
    reactedBy.map((at) => messages[at] as EvidenceMessage).map((one) => [one.account, one]),
  );
  const values = new Map<string, string[]>();
  for (const one of newest.values()) {
    if (one.text !== "") values.set(one.text, [...(values.get(one.text) ?? []), who(one)]);
  }
  return [...values].map(([value, participants]) => ({ value, count: participants.length, participants }));
}

function customOf(
  message: EvidenceMessage,
  reference: ReturnType<typeof storyOf>["references"][number],
  idOf: (place: number) => string,
): Custom[] {
  const { seq, day, device, epoch, generation, franked, at, kind, attachments = [] } = message;
  const values: [string, string][] = [
    ["Number in the conversation", String(seq)],
    ["Day (UTC)", formatDay(day)],
    ["Time as the sender wrote it", at === "" ? "none" : at],
    ["Device", device],
    ["Epoch", String(epoch)],
    ["Generation", String(generation)],
    ["Can be reported", franked ? "yes" : "no"],
  ];
  if (kind !== undefined) values.push(["Kind", kind === "" ? "none" : kind]);
  if (reference !== null) {
    const target = reference.place === null ? "a message that is not in this file" : idOf(reference.place);
    values.push([
      { answers: "Answers", changes: "Changes", "takes-back": "Takes back", "reacts-to": "Reacts to" }[
        reference.kind
      ],
      target,
    ]);
  }
  for (const { name, type, size, digest } of attachments) {
    values.push([
      "Attachment",
      `${name ?? "without a name"}, ${type}, ${size} bytes, ciphertext SHA-256 ${digest}`,
    ]);
  }
  return values.map(([name, value]) => ({ name, value }));
}

function bounds(messages: readonly EvidenceMessage[]): string[] {
  const times = messages
    .map(({ at }) => at)
    .filter(isInstant)
    .sort();
  return times.length === 0 ? [] : [`X-RSMF-BeginDate: ${times[0]}`, `X-RSMF-EndDate: ${times.at(-1)}`];
}

/** RFC 2047 encoded words, so that no name can begin a header of its own. At most 45 bytes each, whole characters. */
function header(text: string): string {
  const words: string[] = [];
  let word = "";
  for (const char of text) {
    if (utf8(word + char).length > 45) {
      words.push(word);
      word = "";
    }
    word += char;
  }
  words.push(word);
  return words.map((one) => `=?utf-8?B?${Buffer.from(one).toString("base64")}?=`).join("\r\n ");
}

function utf8Lines(text: string): string {
  return Buffer.from(base64Lines(utf8(text)))
    .toString("latin1")
    .trimEnd();
}

/** In pieces: one string cannot hold what a package can. */
function base64Lines(bytes: Uint8Array): Uint8Array {
  const piece = ((LINE * 3) / 4) * 4096;
  return concat(
    ...Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) => {
      const text = Buffer.from(bytes.subarray(i * piece, (i + 1) * piece)).toString("base64");
      return utf8(text.replace(/.{1,76}/g, "$&\r\n"));
    }),
  );
}
