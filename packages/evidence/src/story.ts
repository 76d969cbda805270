import type { EvidenceMessage } from "./messages.ts";

/** As much of a message as its story needs. */
export type StoryLine = Pick<EvidenceMessage, "kind" | "id" | "about"> & {
  readonly conversation: string;
  readonly account: string;
};

/** What a message says of another one (EVI-27). `place` counts the package's messages from 0; null: it is not in it. */
export type Reference = {
  readonly kind: "answers" | "changes" | "takes-back" | "reacts-to";
  readonly place: number | null;
};

/** What later messages say of this one, by their places. */
export type Later = {
  readonly changedBy: readonly number[];
  readonly takenBackBy: number | null;
  readonly reactedBy: readonly number[];
};

export type Story = {
  readonly references: readonly (Reference | null)[];
  readonly later: readonly Later[];
};

const VERBS: Readonly<Record<string, Reference["kind"]>> = {
  edit: "changes",
  deletion: "takes-back",
  reaction: "reacts-to",
};

/**
 * EVI-27: which messages of the package belong together. An edit and a deletion count only from the account that wrote
 * their target (CON-5), and an id means the first message of the conversation that has it (CON-11): what honest devices
 * did not heed is no part of the story, and stands in it as a line of its own all the same.
 */
export function storyOf(messages: readonly StoryLine[]): Story {
  const places = new Map<string, number>();
  messages.forEach(({ conversation, id, kind }, place) => {
    const name = `${conversation} ${id}`;
    if (id !== undefined && VERBS[kind ?? ""] === undefined && !places.has(name)) places.set(name, place);
  });
  const changedBy = new Map<number, number[]>();
  const takenBackBy = new Map<number, number>();
  const reactedBy = new Map<number, number[]>();
  const references = messages.map((message, at): Reference | null => {
    if (message.about === undefined || message.kind === "receipt") return null;
    const kind = VERBS[message.kind ?? ""] ?? "answers";
    const place = places.get(`${message.conversation} ${message.about}`) ?? null;
    if (place === null || place >= at) return { kind, place: null };
    const isOwn = messages[place]?.account === message.account;
    if (kind === "changes" && isOwn && !takenBackBy.has(place)) push(changedBy, place, at);
    if (kind === "takes-back" && isOwn && !takenBackBy.has(place)) takenBackBy.set(place, at);
    if (kind === "reacts-to") push(reactedBy, place, at);
    return { kind, place };
  });
  const later = messages.map((_, place) => ({
    changedBy: changedBy.get(place) ?? [],
    takenBackBy: takenBackBy.get(place) ?? null,
    reactedBy: reactedBy.get(place) ?? [],
  }));
  return { references, later };
}

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
