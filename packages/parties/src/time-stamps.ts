import { randomBytes, type X509Certificate } from "node:crypto";
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
/** Of many authorities, one after the other. */
const MAX_FORMER = 2 ** 24;
const TIMEOUT_SECONDS = 20;

/** With the certificates of authorities that were configured before: what they stamped still holds. */
type Kept = TimeStampService & { readonly former: string };

/** Throws PartyError "time-stamps-invalid" for an address or certificates that are none. */
export async function writeTimeStampService(directory: string, service: TimeStampService): Promise<void> {
  check(service);
  const before = await readKept(directory).catch((error: unknown) => {
    // What is damaged is replaced: nothing can be taken over from it.
    if (error instanceof PartyError) return null;
    throw error;
  });
  const { url, anchors } = service;
  const former = before === null ? "" : without(`${before.former}\n${before.anchors}`, anchors);
  const text = `${JSON.stringify({ version: 1, url, anchors, ...(former === "" ? {} : { former }) }, null, 2)}\n`;
  await writeFileDurable(join(directory, FILE), text, { mode: 0o644 });
}

/** Each certificate once, but for those of `others`. PEM. */
function without(pem: string, others: string): string {
  const seen = new Set(readCertificates(others).map(({ fingerprint256 }) => fingerprint256));
  const left: string[] = [];
  for (const one of readCertificates(pem)) {
    if (!seen.has(one.fingerprint256)) left.push(one.toString());
    seen.add(one.fingerprint256);
  }
  return left.join("");
}

/** `null` where none is configured. Throws PartyError "time-stamps-invalid". */
export async function readTimeStampService(directory: string): Promise<TimeStampService | null> {
  const kept = await readKept(directory);
  return kept === null ? null : { url: kept.url, anchors: kept.anchors };
}

/**
 * Whom a package's time stamp may come from: the authority that is configured, and those that were. `null` where none is.
 * Throws PartyError "time-stamps-invalid".
 */
export async function readTimeAnchors(directory: string): Promise<X509Certificate[] | null> {
  const kept = await readKept(directory);
  return kept === null ? null : readCertificates(`${kept.anchors}\n${kept.former}`);
}

async function readKept(directory: string): Promise<Kept | null> {
  const bytes = await readFileOrNull(join(directory, FILE));
  if (bytes === null) return null;
  try {
    const fields = new Fields(parseJson(bytes, FILE), FILE);
    fields.literal("version", 1);
    const url = fields.string("url", 2000);
    const anchors = fields.string("anchors", MAX_ANCHORS);
    const former = fields.optional("former") === undefined ? "" : fields.string("former", MAX_FORMER);
    fields.end();
    check({ url, anchors });
    if (former !== "") check({ url, anchors: former });
    return { url, anchors, former };
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
