import { readdir, readFile } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ServerError } from "./error.ts";

/** Addresses that are views of the app and not files: the app's own router reads them. */
const VIEWS = [
  "/",
  "/join",
  "/c/*",
  "/settings",
  "/settings/*",
  "/notices",
  "/notices/*",
  "/who/*",
  "/design",
];
const INDEX = "index.html";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

type WebFile = {
  readonly type: string;
  readonly cache: string;
  readonly plain: Buffer;
  readonly br?: Buffer;
  readonly gzip?: Buffer;
};

/** Where the web app's files are, and which other origins it may speak to (keyholders and mirrors of the log). */
export type WebConfig = { readonly directory: string; readonly connect: readonly string[] };

/**
 * What a page of this origin may do (WEB-1): its own scripts and styles, pictures that it decrypted itself, this server
 * and the configured origins. Nothing inline, nothing evaluated, no string becomes code.
 */
export function pagePolicy(connect: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "media-src blob:",
    ["connect-src 'self'", ...connect].join(" "),
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types porchlight",
  ].join("; ");
}

function headersOf(policy: string): Readonly<Record<string, string>> {
  return {
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy":
      "camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), display-capture=(), publickey-credentials-get=(self), publickey-credentials-create=(self)",
  };
}

const NOTHING_ELSE: readonly string[] = [];

/** The web app as it was built: read once, held in memory, served compressed. */
export class WebFiles {
  readonly #files: ReadonlyMap<string, WebFile>;
  readonly #connect: readonly string[];
  readonly #readable: () => readonly string[];
  /** Made once for what can be read at the moment. */
  #made: { readonly of: readonly string[]; readonly headers: Readonly<Record<string, string>> } | null = null;

  private constructor(
    files: ReadonlyMap<string, WebFile>,
    connect: readonly string[],
    readable: () => readonly string[],
  ) {
    this.#files = files;
    this.#connect = connect;
    this.#readable = readable;
  }

  get #headers(): Readonly<Record<string, string>> {
    const readable = this.#readable();
    if (this.#made?.of !== readable) {
      const policy = pagePolicy([...new Set([...this.#connect, ...readable])]);
      this.#made = { of: readable, headers: headersOf(policy) };
    }
    return this.#made.headers;
  }

  /**
   * `readable`: origins beside the configured ones, as they are when a page is asked for; another list where they have
   * changed. Throws ServerError
   * "config-invalid" where the directory has no built app.
   */
  static async open(
    { directory, connect }: WebConfig,
    readable: () => readonly string[] = () => NOTHING_ELSE,
  ): Promise<WebFiles> {
    const files = new Map<string, WebFile>();
    const read = async (path: string): Promise<Buffer | undefined> =>
      await readFile(join(directory, path)).catch(() => undefined);
    const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name)
        .slice(directory.length + 1)
        .split(sep)
        .join("/");
      const type = TYPES[extname(path)];
      if (!entry.isFile() || type === undefined) continue;
      const [plain, br, gzip] = await Promise.all([read(path), read(`${path}.br`), read(`${path}.gz`)]);
      if (plain === undefined) continue;
      files.set(`/${path}`, {
        type,
        // The name of a file in assets/ has its hash in it.
        cache: path.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
        plain,
        ...(br === undefined ? {} : { br }),
        ...(gzip === undefined ? {} : { gzip }),
      });
    }
    if (!files.has(`/${INDEX}`)) {
      throw new ServerError(
        "config-invalid",
        `there is no built web app in config.web: run npm run build:web`,
      );
    }
    return new WebFiles(files, connect, readable);
  }

  /** Adds the app's files and views; everything else is answered as before. */
  register(app: FastifyInstance): void {
    for (const path of this.#files.keys()) {
      app.get(path, (request, reply) => this.#send(path, request, reply));
    }
    for (const view of VIEWS) {
      app.get(view, (request, reply) => this.#send(`/${INDEX}`, request, reply));
    }
  }

  #send(path: string, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const file = this.#files.get(path) as WebFile;
    const accepted = String(request.headers["accept-encoding"] ?? "");
    const encoding =
      file.br !== undefined && /\bbr\b/.test(accepted)
        ? "br"
        : file.gzip !== undefined && /\bgzip\b/.test(accepted)
          ? "gzip"
          : null;
    const body = encoding === "br" ? file.br : encoding === "gzip" ? file.gzip : file.plain;
    return reply
      .headers(this.#headers)
      .headers({ "cache-control": file.cache, vary: "accept-encoding" })
      .headers(encoding === null ? {} : { "content-encoding": encoding })
      .type(file.type)
      .send(body);
  }
}
