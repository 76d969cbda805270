import { chmodSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { EncodingError, Fields, type Json, parseJson } from "@porchlight/encoding";
import { RuntimeError } from "./error.ts";

const MAX_LINE = 16 * 1024 * 1024;
// sockaddr_un holds 107 bytes and a zero on Linux, 103 on macOS.
const MAX_PATH = 100;

/** Thrown by a handler to refuse a request; code and message reach the client. */
export class AdminRefusal extends Error {
  override readonly name = "AdminRefusal";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type AdminRequest = { readonly command: string; readonly [name: string]: Json };

export type AdminServer = { close(): Promise<void> };

/** Name of the socket in a party's directory. */
export const ADMIN_SOCKET = "admin.sock";

/**
 * Serves `admin.sock` (0600) in the party's directory: line-delimited JSON, a request `{"command": …}` a line, an
 * answer `{"ok":true,"result":…}` or `{"ok":false,"code":…,"message":…}` a line. Who may open the file may command:
 * the operating system's permission is the login. The caller holds the directory's lock, so that a socket file that is
 * there belongs to nobody.
 */
export async function serveAdmin(
  directory: string,
  handle: (request: AdminRequest) => Promise<Json>,
  onFailure: (error: unknown) => void = () => {},
): Promise<AdminServer> {
  const path = join(directory, ADMIN_SOCKET);
  rmSync(path, { force: true });
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => connections.delete(socket));
    eachLine(socket, async (line) => {
      const answer = await answerTo(line, handle, onFailure);
      if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    const short = shortPath(path);
    // Binding happens in this turn; the socket must never exist with wider permissions.
    const mask = process.umask(0o177);
    try {
      server.listen(short.path, resolve);
    } finally {
      process.umask(mask);
      short.release();
    }
  });
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          rmSync(path, { force: true });
          resolve();
        });
        for (const socket of connections) socket.destroy();
      }),
  };
}

async function answerTo(
  line: Uint8Array,
  handle: (request: AdminRequest) => Promise<Json>,
  onFailure: (error: unknown) => void,
): Promise<Json> {
  try {
    const request = parseJson(line, "request");
    new Fields(request, "request").string("command", 100);
    return { ok: true, result: await handle(request as AdminRequest) };
  } catch (error) {
    // A mistake of who asks is answered; it is no fault of the program's.
    if (!(error instanceof AdminRefusal || error instanceof EncodingError)) onFailure(error);
    const code = (error as { code?: unknown }).code;
    return {
      ok: false,
      code: typeof code === "string" ? code : "internal",
      message: error instanceof Error ? error.message : "failed",
    };
  }
}

/**
 * Sends one request to the program whose directory this is. Throws RuntimeError "admin-unreachable" where none listens,
 * and AdminRefusal with the program's own code and message.
 */
export async function callAdmin(directory: string, request: AdminRequest): Promise<Json> {
  const path = join(directory, ADMIN_SOCKET);
  const reply = await new Promise<Uint8Array>((resolve, reject) => {
    const short = shortPath(path);
    const socket = createConnection(short.path);
    const unreachable = (error?: Error): void => {
      short.release();
      reject(
        new RuntimeError("admin-unreachable", path, { cause: error, detail: "no program answers there" }),
      );
    };
    socket.once("connect", () => {
      short.release();
      socket.write(`${JSON.stringify(request)}\n`);
    });
    socket.on("error", unreachable);
    socket.on("close", () => unreachable());
    eachLine(socket, (line) => {
      resolve(line);
      socket.end();
      return Promise.resolve();
    });
  });
  const fields = new Fields(parseJson(reply, "reply"), "reply");
  if (fields.boolean("ok")) return fields.json("result");
  throw new AdminRefusal(fields.string("code", 100), fields.string("message", 10_000));
}

/** Lines of a socket, one after the other: the next is handled when the handler of the one before has finished. */
function eachLine(socket: Socket, handle: (line: Uint8Array) => Promise<void>): void {
  let pending = Buffer.alloc(0);
  let order = Promise.resolve();
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (let end = pending.indexOf(10); end >= 0; end = pending.indexOf(10)) {
      const line = new Uint8Array(pending.subarray(0, end));
      pending = pending.subarray(end + 1);
      order = order.then(() => handle(line)).catch(() => void socket.destroy());
    }
    if (pending.length > MAX_LINE) socket.destroy();
  });
}

/**
 * A path to the same place that fits a socket address: a deep directory is reached through a symbolic link in the
 * temporary directory, which `release` removes.
 */
function shortPath(path: string): { readonly path: string; readonly release: () => void } {
  if (Buffer.byteLength(path) <= MAX_PATH) return { path, release: () => {} };
  const home = mkdtempSync(join(tmpdir(), "pl-"));
  symlinkSync(dirname(path), join(home, "d"));
  return {
    path: join(home, "d", ADMIN_SOCKET),
    release: () => rmSync(home, { recursive: true, force: true }),
  };
}
