import { createHash } from "node:crypto";
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

/** `damaged`: the file whose words are missing here, as FOLDER/NAME; `null` where none are. */
type AllSaid = { readonly said: readonly Said[]; readonly damaged: string | null };

/** What is damaged keeps nobody from deciding: it only says which button was pressed here, and when. */
export async function readSaid(directory: string, name: string): Promise<AllSaid> {
  const bytes = await readFileOrNull(pathOf(directory, name));
  if (bytes === null) return { said: [], damaged: null };
  return parsedOrNull(bytes) ?? { said: [], damaged: join(FOLDER, `${name}.json`) };
}

function parsedOrNull(bytes: Uint8Array): AllSaid | null {
  try {
    return parseSaid(bytes);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

function parseSaid(bytes: Uint8Array): AllSaid {
  const fields = new Fields(parseJson(bytes, "directions"), "directions");
  fields.literal("version", 1);
  const damaged = fields.optional("damaged") !== undefined ? fields.string("damaged", 200) : null;
  const said = fields.array("said", (item, where) => {
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
  return { said, damaged };
}

/**
 * The same again changes nothing. What could not be read again is not written: EncodingError. A damaged file is kept under another
 * name, which the new one says.
 */
export async function addSaid(directory: string, name: string, said: Said): Promise<void> {
  const path = pathOf(directory, name);
  const bytes = await readFileOrNull(path);
  const before = bytes === null ? { said: [], damaged: null } : parsedOrNull(bytes);
  if (said.index !== null && before?.said.some(({ index }) => index === said.index)) return;
  const hash = bytes === null ? "" : createHash("sha256").update(bytes).digest("hex");
  const damaged = before === null ? join(FOLDER, `${name}.json.damaged-${hash.slice(0, 8)}`) : before.damaged;
  const more = damaged === null ? {} : { damaged };
  const all = utf8(
    `${JSON.stringify({ version: 1, ...more, said: [...(before?.said ?? []), said] }, null, 2)}\n`,
  );
  parseSaid(all);
  await makeDirectory(join(directory, FOLDER));
  if (before === null && bytes !== null && damaged !== null)
    await writeFileDurable(join(directory, damaged), bytes);
  await writeFileDurable(path, all);
}

function pathOf(directory: string, name: string): string {
  return join(directory, FOLDER, `${name}.json`);
}
