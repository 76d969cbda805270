// Whether a server serves the web app that the log says it serves.
import {
  type AppRelease,
  type AppReleaseEntry,
  INDEX_FILE,
  MAX_RELEASE_BYTES,
  parseAppRelease,
  RELEASE_FILE,
  type ReleaseFile,
} from "@porchlight/charter";
import { EncodingError, fromUtf8, hex, type UnixSeconds } from "@porchlight/encoding";
import {
  inclusionProof,
  leafHash,
  logIndex,
  type Policy,
  type TlogSuite,
  verifyInclusion,
} from "@porchlight/tlog";
import { auditLog, type LogSource, readLogFile } from "@porchlight/wire";
import { EntryLedger } from "./entry-ledger.ts";
import { connectableBy } from "./page-policy.ts";
import { namedByPage, namedByScript } from "./page-references.ts";

/** Every encoding in which a browser may ask for a file: each could hold something else. */
const ENCODINGS = ["identity", "gzip", "br"] as const;
export type AppEncoding = (typeof ENCODINGS)[number];

/** What a server answered, decoded. */
type AppAnswer = {
  readonly status: number;
  /** By lower-case name; `null` where there is none. */
  readonly header: (name: string) => string | null;
  readonly bytes: Uint8Array;
};

/** Gets a path of the origin ("/release.json") and reads at most `limit` bytes; throws what kept it from it. */
export type AppSource = (path: string, encoding: AppEncoding, limit: number) => Promise<AppAnswer>;

/** Why a served app is not believed (APP-8). */
type AppRefusal =
  | "log-stale"
  | "manifest-missing"
  | "manifest-malformed"
  | "release-unlogged"
  | "release-superseded"
  | "file-missing"
  | "file-differs"
  | "view-differs"
  | "reference-unknown"
  | "markup-refused"
  | "policy-weak"
  | "header-missing";

export type AppFinding = {
  readonly code: AppRefusal;
  /** The path that it is about; "" where it is about the whole. */
  readonly path: string;
};

/** A release that stands in the log. */
type LoggedRelease = {
  readonly index: number;
  readonly entry: AppReleaseEntry;
  readonly bytes: Uint8Array;
};

/** What was looked at. It is right where `findings` is empty. */
export type AppCheck = {
  readonly origin: string;
  readonly size: number;
  readonly witnessed: UnixSeconds;
  /** In the log's order. */
  readonly releases: readonly LoggedRelease[];
  /** The served one; `null` where no such release was logged. */
  readonly served: LoggedRelease | null;
  readonly manifest: { readonly digest: string; readonly release: AppRelease } | null;
  /** Files that were compared, in each encoding. */
  readonly compared: number;
  /** Hashes in the proof that the release's entry is in the witnessed tree. */
  readonly proof: number;
  /** Further origins that the pages may speak to. */
  readonly connect: readonly string[];
  readonly findings: readonly AppFinding[];
};

/** Addresses that the app's own router reads (APP-4). */
const VIEWS = ["/", "/join", "/settings", "/settings/devices", "/notices", "/notices/code", "/design"];
/** Views of one conversation or charter: any name will do. */
const NAMED_VIEWS = [`/c/${"0".repeat(64)}`, `/who/${"0".repeat(64)}`];
/** A header that every file has to carry (APP-7). */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-embedder-policy", "require-corp"],
  ["cross-origin-resource-policy", "same-origin"],
];

export type AppCheckOptions = {
  readonly app: AppSource;
  readonly log: LogSource;
  readonly policy: Policy;
  readonly clock: { readonly now: () => UnixSeconds };
  /** Seconds by which the log's witnessed time may lie behind the clock. */
  readonly maxAge: number;
  readonly suite: TlogSuite;
};

/**
 * Compares what a server serves with what it has logged (APP-3 to APP-8). Reads the whole log. Throws LogError and
 * WireError where the log cannot be believed or reached, and what `app` throws.
 */
export async function checkServedApp(options: AppCheckOptions): Promise<AppCheck> {
  const { app, log, policy, clock, maxAge, suite } = options;
  const releases: LoggedRelease[] = [];
  const bytesOf = new Map<number, Uint8Array>();
  const ledger = new EntryLedger(suite, ({ index, entry }) => {
    if (entry.type === "app-release") {
      releases.push({ index, entry, bytes: bytesOf.get(index) as Uint8Array });
    }
  });
  const audit = await auditLog({
    source: log,
    policy,
    clock,
    maxAge,
    suite,
    handle: async (entries) => {
      bytesOf.clear();
      for (const { index, bytes } of entries) bytesOf.set(index, bytes);
      await ledger.take(entries, clock.now());
    },
  });
  const { checkpoint } = audit;
  const findings: AppFinding[] = audit.kind === "stale" ? [{ code: "log-stale", path: "" }] : [];
  const { digest, release, finding } = await readManifest(app, suite);
  if (finding !== null) findings.push(finding);
  const served = releases.findLast(({ entry }) => entry.manifest === digest) ?? null;
  let proof = 0;
  if (served !== null) {
    const { index, bytes } = served;
    const hashes = await inclusionProof(
      (path) => readLogFile(log, path),
      checkpoint.size,
      logIndex(index),
      suite,
    );
    verifyInclusion(
      {
        size: checkpoint.size,
        root: checkpoint.root,
        index: logIndex(index),
        leafHash: leafHash(bytes, suite),
        proof: hashes,
      },
      suite,
    );
    proof = hashes.length;
  }
  const newest = releases.at(-1);
  if (digest !== null && served === null)
    findings.push({ code: "release-unlogged", path: `/${RELEASE_FILE}` });
  else if (served !== null && newest?.entry.manifest !== digest) {
    findings.push({ code: "release-superseded", path: `/${RELEASE_FILE}` });
  }
  const look = new Look(app, suite);
  if (release !== null) await look.at(release);
  return {
    origin: checkpoint.origin,
    size: checkpoint.size,
    witnessed: checkpoint.time,
    releases,
    served,
    manifest: digest === null || release === null ? null : { digest, release },
    compared: look.compared,
    proof,
    connect: [...look.connect],
    findings: [...findings, ...look.findings],
  };
}

async function readManifest(
  app: AppSource,
  suite: TlogSuite,
): Promise<{ digest: string | null; release: AppRelease | null; finding: AppFinding | null }> {
  const refused = (code: AppRefusal): { digest: null; release: null; finding: AppFinding } => ({
    digest: null,
    release: null,
    finding: { code, path: `/${RELEASE_FILE}` },
  });
  const { status, bytes } = await app(`/${RELEASE_FILE}`, "identity", MAX_RELEASE_BYTES);
  if (status !== 200) return refused("manifest-missing");
  try {
    return { digest: hex(suite.sha256(bytes)), release: parseAppRelease(bytes), finding: null };
  } catch (error) {
    if (error instanceof EncodingError) return refused("manifest-malformed");
    throw error;
  }
}

/** Compares every file and every view with the manifest. */
class Look {
  readonly #app: AppSource;
  readonly #suite: TlogSuite;
  readonly findings: AppFinding[] = [];
  readonly connect = new Set<string>();
  compared = 0;

  constructor(app: AppSource, suite: TlogSuite) {
    this.#app = app;
    this.#suite = suite;
  }

  async at(release: AppRelease): Promise<void> {
    const known = new Map(release.files.map((file) => [file.path, file]));
    for (const file of release.files) {
      for (const encoding of ENCODINGS) {
        const answer = await this.#compare(`/${file.path}`, file, encoding, "file-differs");
        if (encoding === "identity" && answer !== null) this.#references(file, answer.bytes, known);
      }
    }
    const index = known.get(INDEX_FILE) as ReleaseFile;
    for (const view of [...VIEWS, ...NAMED_VIEWS]) {
      for (const encoding of ENCODINGS) await this.#compare(view, index, encoding, "view-differs");
    }
  }

  async #compare(
    path: string,
    file: ReleaseFile,
    encoding: AppEncoding,
    code: "file-differs" | "view-differs",
  ): Promise<AppAnswer | null> {
    // One byte more than it may have tells that it has more.
    const answer = await this.#app(path, encoding, file.size + 1);
    if (answer.status !== 200) return this.#find("file-missing", path);
    this.compared++;
    const isSame = answer.bytes.length === file.size && hex(this.#suite.sha256(answer.bytes)) === file.sha256;
    if (!isSame) return this.#find(code, path);
    for (const [name, value] of HEADERS) {
      if (answer.header(name) !== value) return this.#find("header-missing", path);
    }
    // Scripts too: a worker is ruled by the policy that it came with.
    if (/\.(html|js)$/.test(file.path)) {
      const origins = connectableBy(answer.header("content-security-policy"));
      if (origins === null) return this.#find("policy-weak", path);
      for (const origin of origins) this.connect.add(origin);
    }
    return answer;
  }

  #references({ path }: ReleaseFile, bytes: Uint8Array, known: ReadonlyMap<string, ReleaseFile>): void {
    const isPage = path.endsWith(".html");
    if (!isPage && !path.endsWith(".js")) return;
    const text = fromUtf8(bytes);
    const named = isPage ? namedByPage(text) : namedByScript(text, path);
    if (named === null) return void this.#find("markup-refused", `/${path}`);
    for (const name of named) if (!known.has(name)) this.#find("reference-unknown", `/${name}`);
  }

  #find(code: AppRefusal, path: string): null {
    if (!this.findings.some((one) => one.code === code && one.path === path)) {
      this.findings.push({ code, path });
    }
    return null;
  }
}

const SENTENCES: Readonly<Record<AppRefusal, string>> = {
  "log-stale": "the log's newest checkpoint is too old: a newer release may be kept from you",
  "manifest-missing": "the server names no release: what it serves cannot be compared with anything",
  "manifest-malformed": "the list of the release's files is not in its only form",
  "release-unlogged": "this release is not in the log: the provider never stood by it in public",
  "release-superseded": "the log has a newer release than the one that is served",
  "file-missing": "a file of the release is not served",
  "file-differs": "a file is not the one that was released",
  "view-differs": "the page under this address is not the one that was released",
  "reference-unknown": "the release loads something that is no part of it",
  "markup-refused": "a file of the release has script or style of its own within, or loads from elsewhere",
  "policy-weak": "the page may do more than the app needs: its content security policy is not the app's",
  "header-missing": "a header that keeps other sites out is not there",
};

/** For a person: what was found, where. */
export function appSentence({ code, path }: AppFinding): string {
  return path === "" ? SENTENCES[code] : `${path}: ${SENTENCES[code]}`;
}
