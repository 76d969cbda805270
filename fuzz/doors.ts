// What anyone may send to a program: requests that were good once, spoilt. Each program's own test says what it may answer.
import { createConnection } from "node:net";
import fc from "fast-check";
import { mutate, mutation } from "./mutation.ts";

/** A request that the program takes, or refuses for a reason of its own: what is spoilt starts from there. */
export type GoodRequest = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: Uint8Array | null;
};

type Answer = { readonly status: number; readonly type: string; readonly text: string };

const JUNK = [
  "",
  "0",
  "-1",
  "01",
  "1e3",
  "9007199254740993",
  "__proto__",
  "..",
  "\u0000",
  "９",
  "%",
  "a".repeat(9000),
];
const place = fc.nat(1000);

const spoilt = (good: readonly GoodRequest[]): fc.Arbitrary<GoodRequest> =>
  fc
    .record({
      which: place,
      // Most go to the right address, where more is looked at.
      segment: fc.option(
        fc.tuple(place, fc.oneof(fc.constantFrom(...JUNK), fc.string({ unit: "grapheme" }))),
        { freq: 2 },
      ),
      change: mutation,
    })
    .map(({ which, segment, change }) => {
      const { method, path, body } = good[which % good.length] as GoodRequest;
      const parts = path.split("/");
      if (segment !== null) {
        const [at, text] = segment;
        parts[1 + (at % (parts.length - 1))] = encodeURIComponent(text.toWellFormed());
      }
      return { method, path: parts.join("/"), body: body === null ? null : mutate(body, change) };
    });

type Runs = { readonly runs: number; readonly seconds: number };

/** Sends spoilt requests, one after the other; `check` throws for an answer that may not be. Counts what was asked, by status. */
export async function knock(
  url: string,
  good: readonly GoodRequest[],
  check: (answer: Answer, request: GoodRequest) => void,
  { runs, seconds }: Runs,
): Promise<ReadonlyMap<number, number>> {
  const statuses = new Map<number, number>();
  const property = fc.asyncProperty(spoilt(good), async (request) => {
    const answer = await send(url, request);
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    check(answer, request);
  });
  await fc.assert(property, { numRuns: runs, interruptAfterTimeLimit: 1000 * seconds });
  return statuses;
}

export async function send(url: string, { method, path, body }: GoodRequest): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    ...(body === null ? {} : { body: new Uint8Array(body) }),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type") ?? "",
    text: await response.text(),
  };
}

/** Sends spoilt commands to an admin socket. Each is answered by one line, and a refusal has a code of its own. */
export async function command(
  socket: string,
  good: readonly { readonly command: string; readonly [name: string]: unknown }[],
  { runs, seconds }: Runs,
): Promise<ReadonlyMap<string, number>> {
  const codes = new Map<string, number>();
  const samples = good.map((one) => new TextEncoder().encode(JSON.stringify(one)));
  const property = fc.asyncProperty(place, mutation, async (which, change) => {
    const line = mutate(samples[which % samples.length] as Uint8Array, change).filter((byte) => byte !== 10);
    const answer = JSON.parse(await exchange(socket, line)) as {
      ok: boolean;
      code?: string;
      message?: string;
    };
    const code = answer.ok ? "ok" : (answer.code ?? "none");
    codes.set(code, (codes.get(code) ?? 0) + 1);
    if (code === "none" || code === "internal" || /^[A-Z_]+$/.test(code)) {
      throw new Error(`${code}: ${answer.message} to ${new TextDecoder().decode(line.slice(0, 300))}`);
    }
  });
  await fc.assert(property, { numRuns: runs, interruptAfterTimeLimit: 1000 * seconds });
  return codes;
}

function exchange(socket: string, line: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket, () => {
      connection.write(line);
      connection.write("\n");
    });
    let text = "";
    connection.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes("\n")) return;
      connection.destroy();
      resolve(text);
    });
    connection.on("error", reject);
    connection.on("close", () => reject(new Error("the socket was closed without an answer")));
  });
}
