import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { EncodingError, Fields, parseJson, type UnixSeconds } from "@porchlight/encoding";
import { readCertificates, timeStampRequest, timeStampWords, verifyTimeStamp } from "@porchlight/evidence";
import type { Fetch } from "@porchlight/wire";
import { PartyError } from "./error.ts";

/** Where an agency has its packages stamped (RFC 3161), and which authorities it trusts. */
export type TimeStampService = { readonly url: string /** Certificates in PEM. */; readonly anchors: string };

/** What became of a package's time stamp; a package without one is whole, and can get one later. */
export type Stamped =
  | {
      readonly kind: "stamped";
      readonly reply: Uint8Array;
      readonly at: UnixSeconds;
      readonly authority: string;
    }
  | { readonly kind: "not-stamped"; readonly why: string };

const FILE = "time-stamps.json";
const TYPE = "application/timestamp-reply";
const MAX_REPLY = 65_535;
const MAX_ANCHORS = 2 ** 20;
const TIMEOUT_SECONDS = 20;

/** Throws PartyError "time-stamps-invalid" for an address or certificates that are none. */
export async function writeTimeStampService(directory: string, service: TimeStampService): Promise<void> {
  check(service);
  const text = `${JSON.stringify({ version: 1, ...service }, null, 2)}\n`;
  await writeFileDurable(join(directory, FILE), text, { mode: 0o644 });
}

/** `null` where none is configured. Throws PartyError "time-stamps-invalid". */
export async function readTimeStampService(directory: string): Promise<TimeStampService | null> {
  const bytes = await readFileOrNull(join(directory, FILE));
  if (bytes === null) return null;
  try {
    const fields = new Fields(parseJson(bytes, FILE), FILE);
    fields.literal("version", 1);
    const service = { url: fields.string("url", 2000), anchors: fields.string("anchors", MAX_ANCHORS) };
    fields.end();
    check(service);
    return service;
  } catch (cause) {
    if (cause instanceof EncodingError) throw invalid(`${FILE} is damaged`, cause);
    throw cause;
  }
}

function check({ url, anchors }: TimeStampService): void {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ""))
    throw invalid("the authority's address is no http address");
  try {
    if (readCertificates(anchors).length > 0) return;
  } catch (cause) {
    throw invalid("a certificate to be trusted is none", cause);
  }
  throw invalid("no certificate to be trusted was given");
}

function invalid(what: string, cause?: unknown): PartyError {
  return new PartyError(
    "time-stamps-invalid",
    `${what}: give the authority's address and its root certificate in PEM`,
    {
      cause,
    },
  );
}

/**
 * A time stamp over `digest`, verified against the service's anchors before it counts. Never throws for what the
 * authority does: it is somebody else's server. It learns the digest and when it was asked, nothing of the package.
 */
export async function requestTimeStamp(
  { url, anchors }: TimeStampService,
  digest: Uint8Array,
  fetch: Fetch = globalThis.fetch,
): Promise<Stamped> {
  const nonce = new Uint8Array(randomBytes(16));
  let reply: Uint8Array;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/timestamp-query", accept: TYPE },
      body: timeStampRequest(digest, nonce) as Uint8Array<ArrayBuffer>,
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
    if (response.status !== 200)
      return { kind: "not-stamped", why: `the authority answered ${response.status}` };
    if (response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() !== TYPE) {
      return { kind: "not-stamped", why: timeStampWords("malformed") };
    }
    const bytes = await limited(response);
    if (bytes === null) return { kind: "not-stamped", why: "the authority's answer is too long" };
    reply = bytes;
  } catch {
    return { kind: "not-stamped", why: "the authority cannot be reached" };
  }
  const stamp = verifyTimeStamp(reply, { digest, nonce, anchors: readCertificates(anchors) });
  if (stamp.kind === "refused") return { kind: "not-stamped", why: timeStampWords(stamp.fault) };
  return { kind: "stamped", reply, at: stamp.at, authority: stamp.authority };
}

/** The body, `null` where it is longer than any answer. */
async function limited(response: Response): Promise<Uint8Array | null> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > MAX_REPLY) return null;
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}
