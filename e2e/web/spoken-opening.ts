// An opening that begins after people have talked for a day: what is refused in it is refused over real messages.

import { expect } from "vitest";
import type { CharterKind } from "../../packages/charter/src/index.ts";
import { silent } from "../../packages/deployment/src/progress.ts";
import { replayChat } from "../../packages/deployment/src/replay.ts";
import {
  type AccountId,
  type ConversationId,
  type DayNumber,
  dayNumber,
  dayStart,
  formatInstant,
  unixSeconds,
} from "../../packages/encoding/src/index.ts";
import type { DeskVisitor } from "./desk-visitor.ts";
import { Opening } from "./opening.ts";

/** Who says what, an hour after one another from ten o'clock on. */
type Said = readonly (readonly [speaker: string, text: string])[];

const SAID: Said = ["rook", "noor", "ines", "tomas"].map((speaker) => [speaker, `${speaker} speaks`]);

/** The day on which they talked; everything here begins on the next. */
export const DAY = dayNumber(20_500);
export const day = (count: number): DayNumber => dayNumber(DAY + count);

export class SpokenOpening {
  readonly opening: Opening;
  readonly conversation: ConversationId;
  readonly #accounts: ReadonlyMap<string, AccountId>;
  readonly #prefix: string;

  private constructor(
    opening: Opening,
    spoken: { readonly conversation: ConversationId; readonly accounts: ReadonlyMap<string, AccountId> },
    prefix: string,
  ) {
    this.opening = opening;
    this.conversation = spoken.conversation;
    this.#accounts = spoken.accounts;
    this.#prefix = prefix;
  }

  /** `name`: of the deployment, and of the pictures that are taken. */
  static async open(
    name: string,
    options: { readonly kind?: CharterKind; readonly said?: Said } = {},
  ): Promise<SpokenOpening> {
    const { kind = "court", said = SAID } = options;
    const from = unixSeconds(dayStart(DAY) + 3 * 3600);
    const opening = await Opening.open({ name: `${name}.example`, from, kind });
    const { deployment } = opening;
    const lines = said.map(([speaker, text], i) => {
      const time = unixSeconds(dayStart(DAY) + 36_000 + 3600 * i);
      return { at: formatInstant(time), time, from: speaker, text };
    });
    const spoken = await replayChat(
      {
        url: deployment.url,
        charter: deployment.charter,
        tick: async (at) => await deployment.tick(at),
        keysOf: async (period) => await deployment.keysOf(period),
      },
      [{ day: DAY, lines }],
      { seed: null, sampleDay: DAY, progress: silent },
    );
    await opening.until(day(1));
    await opening.agencyOf("agency");
    return new SpokenOpening(opening, spoken, name);
  }

  async close(): Promise<void> {
    await this.opening.close();
  }

  account(name: string): AccountId {
    return this.#accounts.get(name) ?? expect.fail(`nobody is ${name}`);
  }

  /** What an order here says where nothing else is asked: one person, one conversation, one day, secret for a while. */
  get about() {
    return { days: [DAY] as const, conversations: this.conversation, secretUntil: day(20) };
  }

  /** The provider says whose accounts these are. */
  async statement(...names: readonly string[]): Promise<Uint8Array> {
    return await this.opening.statement(
      Object.fromEntries(names.map((name) => [this.account(name), `${name} Example`])),
    );
  }

  /** That this is what the visitor reads, of a page that stands as it should in every form. */
  async says(visitor: DeskVisitor, name: string, ...words: readonly (string | RegExp)[]): Promise<void> {
    const text = await visitor.text();
    for (const one of words) {
      if (typeof one === "string") expect(text).toContain(one);
      else expect(text).toMatch(one);
    }
    await this.opening.look(visitor, `${this.#prefix}-${name}`);
  }
}
