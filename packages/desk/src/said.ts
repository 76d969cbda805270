import { join } from "node:path";
import { makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { Fields, parseJson, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import type { DirectionKind } from "@porchlight/gate";

const FOLDER = "directions";

/** What an issuer or an inspector said of an order at this desk, for its own eyes: the log shows it as a number. */
export type Said = {
  /**
   * "passed": an inspector read it and did not object. "preserved": the provider answered that an order to preserve holds;
   * "lifted": that it was lifted.
   */
  readonly kind: DirectionKind | "passed" | "preserved" | "lifted";
  readonly at: UnixSeconds;
  /** YYYY-MM-DD, of an extension. */
  readonly until: string | null;
  readonly ground: string;
  /** Its entry in the log; `null` for what is said to nobody. */
  readonly index: number | null;
};

export async function readSaid(directory: string, name: string): Promise<readonly Said[]> {
  const bytes = await readFileOrNull(pathOf(directory, name));
  if (bytes === null) return [];
  const fields = new Fields(parseJson(bytes, "directions"), "directions");
  fields.literal("version", 1);
  return fields.array("said", (item, where) => {
    const one = new Fields(item, where);
    return {
      kind: one.literal(
        "kind",
        "revocation",
        "suspension",
        "resumption",
        "extension",
        "notice-release",
        "passed",
        "preserved",
        "lifted",
      ),
      at: unixSeconds(one.integer("at")),
      until: one.json("until") === null ? null : one.string("until", 10),
      ground: one.string("ground", 20_000),
      index: one.json("index") === null ? null : one.integer("index"),
    };
  });
}

/** The same again changes nothing. */
export async function addSaid(directory: string, name: string, said: Said): Promise<void> {
  const before = await readSaid(directory, name);
  if (said.index !== null && before.some(({ index }) => index === said.index)) return;
  await makeDirectory(join(directory, FOLDER));
  const all = { version: 1, said: [...before, said] };
  await writeFileDurable(pathOf(directory, name), `${JSON.stringify(all, null, 2)}\n`);
}

function pathOf(directory: string, name: string): string {
  return join(directory, FOLDER, `${name}.json`);
}
