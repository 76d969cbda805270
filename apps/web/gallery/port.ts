import type { AppState, ClientError, EntryView, MemberView, Port } from "@porchlight/client/page";

/** What one scene shows: a state, and the entries of its open thread. */
export type Scene = {
  /** The address at which the app opens. */
  readonly at: string;
  readonly state: AppState;
  readonly entries?: readonly EntryView[];
  readonly members?: readonly MemberView[];
  /** Answers of further intents, by name. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** Refusals of further intents, by name. */
  readonly refuses?: Readonly<Record<string, ClientError["code"]>>;
  /** Intents that take longer than anybody looks. */
  readonly hangs?: readonly string[];
  /** What becomes of asking for the camera: no answer, a no, or a picture of a code with this text. */
  readonly camera?: "asks" | "refuses" | { readonly shows: string };
  /** What the person does, so that this is to be seen. */
  readonly does?: readonly Act[];
};

/** By accessible names. `sees`: waits for these words. `top`: to where the conversation begins. */
export type Act =
  | { readonly press: string }
  | { readonly fill: string; readonly with: string }
  | { readonly sees: string }
  | { readonly top: true };

/** A messenger that has one state and answers with invented data: for drawing states, and for nothing else. */
export function scenePort(scene: Scene): Port & {
  readonly takes: (more: readonly EntryView[]) => void;
  /** From now on this intent is refused; `null`: no more. */
  readonly refuses: (name: string, code: ClientError["code"] | null) => void;
  /** From now on this intent is answered so. */
  readonly answers: (name: string, result: unknown) => void;
  /** From now on this intent is answered when it is let go, and not before. */
  readonly holds: (name: string) => void;
  readonly letsGo: (name: string) => void;
  /** What this intent was asked with, in order. */
  readonly asked: (name: string) => readonly unknown[];
} {
  const listeners: ((event: Event) => void)[] = [];
  const reply = (data: unknown): void =>
    queueMicrotask(() => listeners.forEach((listener) => listener({ data } as unknown as Event)));
  const entries = [...(scene.entries ?? [])];
  let open: unknown = null;
  const refused = new Map(Object.entries(scene.refuses ?? {}));
  const known = new Map(Object.entries(scene.answers ?? {}));
  const held = new Map<string, (() => void)[]>();
  const asked: { readonly name: string; readonly input: unknown }[] = [];
  return {
    refuses: (name, code) => void (code === null ? refused.delete(name) : refused.set(name, code)),
    answers: (name, result) => void known.set(name, result),
    holds: (name) => void held.set(name, []),
    letsGo: (name) => {
      for (const answer of held.get(name) ?? []) answer();
      held.delete(name);
    },
    asked: (name) => asked.flatMap((one) => (one.name === name ? [one.input] : [])),
    // Comes in while the thread is open; an entry that is there already comes in its place.
    takes: (more) => {
      const from = entries.length;
      for (const one of more) {
        const place = entries.findIndex(({ key }) => key === one.key);
        entries.splice(place === -1 ? entries.length : place, place === -1 ? 0 : 1, one);
      }
      const change = { count: entries.length, ranges: [{ from: Math.max(0, from - 1), to: entries.length }] };
      reply({ kind: "thread", conversation: open, change });
    },
    addEventListener: (_type, listener) => listeners.push(listener),
    postMessage: (posted) => {
      const message = posted as {
        kind: string;
        request: number;
        name: string;
        input: { conversation: unknown; from: number; to: number };
      };
      if (message.kind === "hello") reply({ kind: "state", state: scene.state });
      if (message.kind !== "perform") return;
      const { request, name, input } = message;
      asked.push({ name, input });
      if (name === "openThread") open = input.conversation;
      const answers: Readonly<Record<string, () => unknown>> = {
        openThread: () => ({ count: entries.length, firstUnread: null }),
        entries: () => entries.slice(input.from, input.to),
        members: () => scene.members ?? [],
        passkeys: () => [],
        unlockWays: () => [],
      };
      if (scene.hangs?.includes(name) === true) return;
      const code = refused.get(name);
      if (code !== undefined) return reply({ kind: "refused", request, code, message: code });
      const result = known.has(name) ? known.get(name) : answers[name]?.();
      const answer = (): void => reply({ kind: "done", request, result });
      const waiting = held.get(name);
      if (waiting === undefined) answer();
      else waiting.push(answer);
    },
  };
}
