import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { corpus } from "./corpus.ts";
import { mutate, mutation } from "./mutation.ts";
import { LEFT_OUT, PARSERS, type Parser } from "./parsers.ts";
import { makeSamples } from "./samples.ts";

/** Inputs of one parser; in the slow suite all parsers together get a million and more. */
const RUNS = process.env["PORCHLIGHT_SLOW"] === "1" ? 20_000 : 120;
const ROOT = join(import.meta.dirname, "..");
const SAMPLES_PER_PARSER = 8;
const MAX_SAMPLE = 16_000;

let all: readonly Uint8Array[] = [];
let made: Readonly<Record<string, Uint8Array>> = {};

beforeAll(async () => {
  all = corpus();
  const vkey = all
    .map((bytes) => new TextDecoder().decode(bytes))
    .find((line) => /^log\.test\.\S+\+\S+\+\S+$/.test(line));
  const policy = all
    .map((bytes) => new TextDecoder().decode(bytes))
    .find((line) => line.startsWith("log log.test."));
  made = await makeSamples(all, vkey ?? (/^log (\S+)/.exec(policy ?? "")?.[1] as string));
});

for (const parser of PARSERS) {
  test(`${parser.name}: typed errors only, without the input in them`, async () => {
    const samples = await samplesOf(parser);
    expect(samples.length, "a good sample in the vectors, or one made for it").toBeGreaterThan(0);
    await fc.assert(
      fc.asyncProperty(fc.nat(), mutation, async (choice, change) => {
        const input = mutate(samples[choice % samples.length] as Uint8Array, change);
        try {
          await parser.parse(input);
        } catch (error) {
          checkError(error, input);
        }
      }),
      { numRuns: RUNS },
    );
  }, 1_800_000);
}

test("whoever adds a parser of outside bytes adds it here", () => {
  const named = new Set(PARSERS.map(({ name }) => name.replace(/ \(.*$/, "")));
  const missing = sources()
    .flatMap((path) =>
      [...readFileSync(path, "utf8").matchAll(/^export (?:async )?function (parse[A-Z]\w*)[(<]/gm)].map(
        ([, name = ""]) => ({ name, path }),
      ),
    )
    .filter(({ name }) => !named.has(name) && LEFT_OUT[name] === undefined);
  expect(missing).toEqual([]);
});

async function samplesOf({ parse, sample }: Parser): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  const own = sample === undefined ? undefined : made[sample];
  if (own !== undefined) {
    await parse(own);
    found.push(own);
  }
  for (const bytes of all) {
    if (found.length >= SAMPLES_PER_PARSER) break;
    if (bytes.length > MAX_SAMPLE) continue;
    try {
      await parse(bytes);
      found.push(bytes);
    } catch (error) {
      checkError(error, bytes);
    }
  }
  return found;
}

/** A class of the project's with a code; nothing of what came in stands in the message. */
function checkError(error: unknown, input: Uint8Array): void {
  const { name, code, message } = error as { name?: unknown; code?: unknown; message?: unknown };
  const typed =
    typeof code === "string" &&
    typeof name === "string" &&
    /^(?:Encoding|Tlog|Quorum|Envelope|Charter|Gate|Notice|Mls|Wire|Client|Party|Evidence|Keyholder|Server|Runtime)Error$/.test(
      name,
    );
  if (!typed) throw error;
  const text = new TextDecoder("latin1").decode(input);
  for (const word of String(message).split(/[\s"':,()]+/)) {
    if (word.length >= 24 && text.includes(word))
      throw new Error(`the input stands in the message: ${name} ${code}`);
  }
}

function sources(): string[] {
  return ["packages", "apps"].flatMap((floor) =>
    readdirSync(join(ROOT, floor)).flatMap((room) => {
      const folder = join(ROOT, floor, room, "src");
      return readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts"))
        .map((name) => join(folder, name));
    }),
  );
}
