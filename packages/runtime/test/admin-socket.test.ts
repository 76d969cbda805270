import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AdminRefusal, type AdminServer, callAdmin, serveAdmin } from "../src/index.ts";

let directory = "";
let server: AdminServer | null = null;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "admin-"));
});
afterEach(async () => {
  await server?.close();
  server = null;
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

test("requests are answered, refused by code, and faults are told without ending the server", async () => {
  const failures: unknown[] = [];
  server = await serveAdmin(
    directory,
    async (request) => {
      if (request.command === "echo") return await Promise.resolve(request["value"] ?? null);
      if (request.command === "refuse") throw new AdminRefusal("not-yours", "Only the owner may do that.");
      throw new Error("a fault");
    },
    (error) => failures.push(error),
  );
  expect(statSync(join(directory, "admin.sock")).mode & 0o777).toBe(0o600);
  expect(await callAdmin(directory, { command: "echo", value: { text: "näïve\nline" } })).toEqual({
    text: "näïve\nline",
  });
  await expect(callAdmin(directory, { command: "refuse" })).rejects.toMatchObject({
    name: "AdminRefusal",
    code: "not-yours",
    message: "Only the owner may do that.",
  } satisfies Partial<AdminRefusal>);
  await expect(callAdmin(directory, { command: "break" })).rejects.toMatchObject({ code: "internal" });
  expect(failures.length).toBe(1);
  expect(await callAdmin(directory, { command: "echo", value: 1 })).toBe(1);
});

test("a directory too deep for a socket address works, and leaves no link behind", async () => {
  // Where no other program's links come and go.
  vi.stubEnv("TMPDIR", directory);
  const deep = join(directory, ...Array.from({ length: 8 }, (_, i) => `${i}`.repeat(30)));
  await mkdir(deep, { recursive: true });
  expect(deep.length).toBeGreaterThan(200);
  const before = await readdir(directory);
  server = await serveAdmin(deep, async () => await Promise.resolve("deep"));
  expect(await callAdmin(deep, { command: "x" })).toBe("deep");
  expect(await readdir(directory)).toEqual(before);
  await server.close();
  expect(existsSync(join(deep, "admin.sock"))).toBe(false);
  server = null;
  await expect(callAdmin(deep, { command: "x" })).rejects.toMatchObject({ code: "admin-unreachable" });
});

test("a socket file left by a crash is replaced", async () => {
  await writeFile(join(directory, "admin.sock"), "");
  server = await serveAdmin(directory, async () => await Promise.resolve(true));
  expect(await callAdmin(directory, { command: "x" })).toBe(true);
});

test("lines of one connection are answered in their order, whatever the chunks", async () => {
  const order: number[] = [];
  server = await serveAdmin(directory, async (request) => {
    await new Promise((resolve) => setTimeout(resolve, request["wait"] as number));
    order.push(request["wait"] as number);
    return request["wait"] as number;
  });
  const socket = createConnection(join(directory, "admin.sock"));
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  for (const char of '{"command":"a","wait":30}\n{"command":"a","wait":1}\nnot json\n') socket.write(char);
  while (text.split("\n").length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
  socket.destroy();
  expect(order).toEqual([30, 1]);
  expect(text.split("\n")[0]).toBe('{"ok":true,"result":30}');
  expect(text.split("\n")[2]).toContain('"code":"not-json"');
});
