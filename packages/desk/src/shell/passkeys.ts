import { join } from "node:path";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import {
  base64url,
  EncodingError,
  Fields,
  fromBase64url,
  type Json,
  parseJson,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import {
  checkAnswer,
  checkMade,
  clientDataOf,
  type PasskeyAnswer,
  type PasskeyMade,
} from "@porchlight/runtime";
import type { Person } from "./desk.ts";
import { DeskError } from "./error.ts";

const FILE = "people.json";
const MAX_PEOPLE = 50;

/** Somebody who may work here, by a passkey. */
export type Registered = Person & {
  /** COSE key. */
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly added: UnixSeconds;
};

/** Where passkeys of this desk are good: nowhere else. */
export type Place = { readonly origin: string; readonly host: string };

/**
 * The passkeys of a desk, in `people.json` of its directory. What changes them is done one after the other, each on what
 * the one before left: whoever was removed is not written back by a counter that was being kept meanwhile (DESK-8).
 */
export class Passkeys {
  readonly #path: string;
  #people: readonly Registered[];
  #lane: Promise<unknown> = Promise.resolve();

  private constructor(path: string, people: readonly Registered[]) {
    this.#path = path;
    this.#people = people;
  }

  static async open(directory: string): Promise<Passkeys> {
    const path = join(directory, FILE);
    const bytes = await readFileOrNull(path);
    return new Passkeys(path, bytes === null ? [] : readPeople(bytes));
  }

  get people(): readonly Registered[] {
    return this.#people;
  }

  find(id: string): Registered | null {
    return this.#people.find((one) => one.id === id) ?? null;
  }

  /** Throws DeskError "passkey-refused". */
  async register(
    made: PasskeyMade,
    expected: {
      readonly challenge: string;
      readonly place: Place;
      readonly name: string;
      readonly at: UnixSeconds;
    },
  ): Promise<Registered> {
    const { challenge, place, name, at: added } = expected;
    const checked = await checkMade(made, { challenge, ...place });
    if (checked.kind === "refused") throw refused(checked);
    const { id, publicKey, counter } = checked;
    const person: Registered = { id, name, publicKey, counter, added };
    return await this.#alone(async () => {
      if (this.find(person.id) !== null || this.#people.length >= MAX_PEOPLE) throw refused();
      await this.#save([...this.#people, person]);
      return person;
    });
  }

  /**
   * By somebody else who is still there, so that two who remove each other do not leave nobody. `null` where that is not
   * so, or the passkey is not there.
   */
  async remove(id: string, by: string): Promise<Registered | null> {
    return await this.#alone(async () => {
      const one = this.find(id);
      if (one === null || id === by || this.find(by) === null) return null;
      await this.#save(this.#people.filter((other) => other !== one));
      return one;
    });
  }

  /** Whose answer it is, with user verification. Throws DeskError "passkey-refused". */
  async verify(
    assertion: PasskeyAnswer,
    expected: { readonly challenge: string; readonly place: Place },
  ): Promise<Registered> {
    return await this.#alone(async () => {
      const person = this.find(assertion.id);
      if (person === null) throw refused();
      const counter = await checkAssertion(assertion, person, expected);
      await this.#save(this.#people.map((one) => (one === person ? { ...one, counter } : one)));
      return person;
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lane.then(work);
    this.#lane = result.catch(() => {});
    return result;
  }

  async #save(people: readonly Registered[]): Promise<void> {
    const list = people.map(({ id, name, publicKey, counter, added }) => ({
      id,
      name,
      publicKey: base64url(publicKey),
      counter,
      added,
    }));
    await writeFileDurable(this.#path, `${JSON.stringify({ version: 1, people: list }, null, 2)}\n`);
    this.#people = people;
  }
}

/** The authenticator's counter after it. Throws DeskError "passkey-refused". */
export async function checkAssertion(
  assertion: PasskeyAnswer,
  key: { readonly publicKey: Uint8Array; readonly counter: number },
  { challenge, place }: { readonly challenge: string; readonly place: Place },
): Promise<number> {
  const checked = await checkAnswer(assertion, key, { challenge, ...place });
  if (checked.kind === "refused") throw refused(checked);
  return checked.counter;
}

/** Throws DeskError "passkey-refused" for what is no answer of a passkey. */
export function readAssertion(value: Json): PasskeyAnswer {
  return refusingForm(() => {
    const fields = new Fields(value, "assertion");
    const assertion = {
      id: fields.string("id", 2000),
      clientDataJSON: fields.string("clientDataJSON", 4000),
      authenticatorData: fields.string("authenticatorData", 4000),
      signature: fields.string("signature", 4000),
    };
    fields.end();
    return assertion;
  });
}

/** The challenge that the browser says was signed; whether it was, {@link checkAssertion} says. */
export function challengeOf(clientDataJSON: string): string {
  const data = clientDataOf(clientDataJSON);
  if (data === null) throw refused();
  return data.challenge;
}

export function refusingForm<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof EncodingError || cause instanceof SyntaxError) throw refused({ cause });
    throw cause;
  }
}

export function refused(options?: ErrorOptions): DeskError {
  return new DeskError("passkey-refused", "this passkey is not accepted here", options);
}

function readPeople(bytes: Uint8Array): Registered[] {
  const fields = new Fields(parseJson(bytes, FILE), FILE);
  fields.literal("version", 1);
  const people = fields.array("people", (item, where) => {
    const one = new Fields(item, where);
    const person = {
      id: one.string("id", 2000),
      name: one.string("name", 200),
      publicKey: fromBase64url(one.string("publicKey", 4000)),
      counter: one.integer("counter"),
      added: unixSeconds(one.integer("added")),
    };
    one.end();
    return person;
  });
  fields.end();
  return people;
}
