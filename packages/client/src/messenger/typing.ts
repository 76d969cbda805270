import type { AccountId, ConversationId } from "@porchlight/encoding";

/** Milliseconds for which somebody is shown typing after the last word of it. */
const SHOWN = 8_000;

type Timers = Map<AccountId, ReturnType<typeof setTimeout>>;

type Context = {
  settings(): { readonly typing: boolean };
  others(conversation: ConversationId): ReadonlySet<AccountId>;
  /** To whoever listens now, kept nowhere. */
  tell(conversation: ConversationId, body: Uint8Array): void;
  changed(conversation: ConversationId): void;
};

/** Who is typing where, as far as this device was told (CON-30). Who does not tell is not told. */
export class Typing {
  readonly #context: Context;
  readonly #timers = new Map<ConversationId, Timers>();

  constructor(context: Context) {
    this.#context = context;
  }

  of(conversation: ConversationId): AccountId[] {
    return [...(this.#timers.get(conversation)?.keys() ?? [])];
  }

  heard(conversation: ConversationId, sender: AccountId, body: Uint8Array): void {
    const { settings, others, changed } = this.#context;
    if (!others(conversation).has(sender) || !settings().typing) return;
    this.over(conversation, sender);
    if (body.length === 1 && body[0] === 1) {
      const timers: Timers = this.#timers.get(conversation) ?? new Map();
      this.#timers.set(conversation, timers);
      const stop = (): void => {
        this.over(conversation, sender);
        changed(conversation);
      };
      timers.set(sender, setTimeout(stop, SHOWN));
    }
    changed(conversation);
  }

  /** Their message is there. Who asks tells of the change. */
  over(conversation: ConversationId, sender: AccountId): void {
    const timers = this.#timers.get(conversation);
    clearTimeout(timers?.get(sender));
    timers?.delete(sender);
  }

  tell(conversation: ConversationId, isTyping: boolean): void {
    const { settings, tell } = this.#context;
    if (settings().typing) tell(conversation, Uint8Array.of(isTyping ? 1 : 0));
  }

  stop(): void {
    for (const timers of this.#timers.values()) for (const timer of timers.values()) clearTimeout(timer);
  }
}
