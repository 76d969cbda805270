import { Fields, parseJson, type UnixSeconds, unixSeconds, utf8 } from "@porchlight/encoding";
import { type Policy, parseCheckpoint, parseNote, type TlogSuite, verifyNote } from "@porchlight/tlog";
import type { StateStore } from "@porchlight/wire";
import type { Finding } from "./finding.ts";

/** When each witness of the policy last cosigned what this monitor saw (MON-5). */
export class WitnessBook {
  readonly #policy: Policy;
  readonly #suite: TlogSuite;
  readonly #store: StateStore;
  readonly #last: Map<string, UnixSeconds>;

  private constructor(policy: Policy, suite: TlogSuite, store: StateStore, last: Map<string, UnixSeconds>) {
    this.#policy = policy;
    this.#suite = suite;
    this.#store = store;
    this.#last = last;
  }

  /** Throws EncodingError where the saved book is damaged. */
  static async open(policy: Policy, suite: TlogSuite, store: StateStore): Promise<WitnessBook> {
    const saved = await store.load();
    const last = new Map<string, UnixSeconds>();
    if (saved !== null) {
      const fields = new Fields(parseJson(saved, "witnesses"), "witnesses");
      const known = new Fields(fields.json("last"), "witnesses.last");
      for (const { name } of policy.witnesses) {
        if (known.optional(name) !== undefined) last.set(name, unixSeconds(known.integer(name)));
      }
    }
    return new WitnessBook(policy, suite, store, last);
  }

  /** Cosignatures on a note that the policy accepted already. Returns how many witnesses signed it. */
  async take(note: string): Promise<number> {
    const { origin } = parseCheckpoint(parseNote(note).text);
    const { logs, witnesses } = this.#policy;
    const keys = [
      ...logs.map(({ key }) => key).filter(({ name }) => name === origin),
      ...witnesses.map((w) => w.key),
    ];
    const { signatures } = verifyNote(note, keys, this.#suite);
    let changed = false;
    const signed = new Set<string>();
    for (const { key, time } of signatures) {
      const witness = witnesses.find((one) => one.key === key);
      if (witness === undefined || time === null) continue;
      signed.add(witness.name);
      if (time <= (this.#last.get(witness.name) ?? 0)) continue;
      this.#last.set(witness.name, time);
      changed = true;
    }
    if (changed) await this.#store.save(utf8(JSON.stringify({ last: Object.fromEntries(this.#last) })));
    return signed.size;
  }

  /** Witnesses that did not sign within `maxAge` seconds before `now`. */
  stale(now: UnixSeconds, maxAge: number): Finding[] {
    return this.#policy.witnesses.flatMap(({ name }): Finding[] => {
      const last = this.#last.get(name) ?? null;
      const stale = last === null || now - last > maxAge;
      return stale ? [{ code: "stale-witness", witness: name, last }] : [];
    });
  }
}
