import { join } from "node:path";
import { makeDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { EncodingError, Fields, parseJson, type UnixSeconds, unixSeconds, utf8 } from "@porchlight/encoding";
import type { DirectionKind } from "@porchlight/gate";

const FOLDER = "directions";
/** Characters: whatever a form can send (DESK-4). Earlier versions wrote notes longer than prose can be. */
const MAX_GROUND = 64 * 1024;

/** What an issuer or an inspector said of an order at this desk, for its own eyes: the log shows it as a number. */
export type Said = {
  /**
   * "passed": an inspector read it and did not object. "sent": the provider was sent an order to preserve. "preserved": the provider answered that an order to preserve holds;
   * "lifted": that it was lifted.
   */
  readonly kind: DirectionKind | "passed" | "sent" | "preserved" | "lifted";
  readonly at: UnixSeconds;
  /** YYYY-MM-DD, of an extension. */
  readonly until: string | null;
  readonly ground: string;
  /** Its entry in the log; `null` for what is said to nobody. */
  readonly index: number | null;
};

export async function readSaid(directory: string, name: string): Promise<readonly Said[]> {
  const bytes = await readFileOrNull(pathOf(directory, name));
  return bytes === null ? [] : parseSaid(bytes);
}

/** The same; `null` where the file is damaged. */
export async function saidOrNull(directory: string, name: string): Promise<readonly Said[] | null> {
  return await readSaid(directory, name).catch((error: unknown) => {
    if (error instanceof EncodingError) return null;
    throw error;
  });
}

function parseSaid(bytes: Uint8Array): readonly Said[] {
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
        "sent",
        "preserved",
        "lifted",
      ),
      at: unixSeconds(one.integer("at")),
      until: one.json("until") === null ? null : one.string("until", 10),
      ground: one.string("ground", MAX_GROUND),
      index: one.json("index") === null ? null : one.integer("index"),
    };
  });
}

/** The same again changes nothing. What could not be read again is not written: EncodingError. */
export async function addSaid(directory: string, name: string, said: Said): Promise<void> {
  const before = await readSaid(directory, name);
  if (said.index !== null && before.some(({ index }) => index === said.index)) return;
  const all = utf8(`${JSON.stringify({ version: 1, said: [...before, said] }, null, 2)}\n`);
  parseSaid(all);
  await makeDirectory(join(directory, FOLDER));
  await writeFileDurable(pathOf(directory, name), all);
}

function pathOf(directory: string, name: string): string {
  return join(directory, FOLDER, `${name}.json`);
}
