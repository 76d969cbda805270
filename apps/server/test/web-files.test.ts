import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fastify from "fastify";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pagePolicy, WebFiles } from "../src/web-files.ts";

const directory = mkdtempSync(join(tmpdir(), "porchlight-web-"));
const app = fastify();
/** What the server knows of mirrors and keyholders at the moment. */
let readable: readonly string[] = [];

beforeAll(async () => {
  mkdirSync(join(directory, "assets"));
  writeFileSync(join(directory, "index.html"), "<p>app</p>");
  writeFileSync(join(directory, "assets", "main-abc.js"), "main()");
  writeFileSync(join(directory, "assets", "main-abc.js.br"), brotliCompressSync("main()"));
  writeFileSync(join(directory, "assets", "main-abc.js.gz"), gzipSync("main()"));
  writeFileSync(join(directory, "secret.pem"), "no");
  (await WebFiles.open({ directory, connect: ["https://keyholder.example"] }, () => readable)).register(app);
});
afterAll(async () => {
  await app.close();
  rmSync(directory, { recursive: true });
});

test("WEB-1: every answer has the policy, without inline, without eval, with Trusted Types", async () => {
  for (const url of ["/", "/c/0a1b", "/c/0a1b/people", "/settings/devices", "/assets/main-abc.js"]) {
    const { statusCode, headers } = await app.inject(url);
    expect(statusCode).toBe(200);
    const policy = headers["content-security-policy"] as string;
    expect(policy).toBe(pagePolicy(["https://keyholder.example"]));
    expect(policy).not.toMatch(/unsafe|\*|data:/);
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    // Codes are scanned with the camera; nobody listens, and no frame of another origin sees.
    const allowed = (headers["permissions-policy"] as string)
      .split(", ")
      .filter((one) => !one.endsWith("=()"));
    expect(allowed).toEqual([
      "camera=(self)",
      "publickey-credentials-get=(self)",
      "publickey-credentials-create=(self)",
    ]);
  }
});

test("WEB-1, NOT-44: a page may speak to the mirrors and keyholders that there are when it is asked for", async () => {
  readable = ["https://mirror.example", "https://keyholder.example"];
  const policy = (await app.inject("/")).headers["content-security-policy"];
  expect(policy).toContain("connect-src 'self' https://keyholder.example https://mirror.example;");
  readable = [];
});

test("WEB-2: files with their hash in the name are kept for ever, the page is asked for each time", async () => {
  expect((await app.inject("/assets/main-abc.js")).headers["cache-control"]).toContain("immutable");
  expect((await app.inject("/")).headers["cache-control"]).toBe("no-cache");
});

test("WEB-2: what was compressed at the build is served to whoever takes it", async () => {
  const get = async (accepted: string) =>
    (await app.inject({ url: "/assets/main-abc.js", headers: { "accept-encoding": accepted } })).headers[
      "content-encoding"
    ];
  expect(await get("gzip, deflate, br")).toBe("br");
  expect(await get("gzip")).toBe("gzip");
  expect(await get("identity")).toBeUndefined();
});

test("WEB-2: nothing but the app's files and views is served", async () => {
  for (const url of [
    "/secret.pem",
    "/assets/../secret.pem",
    "/assets/%2e%2e/secret.pem",
    "/assets",
    "/other",
  ]) {
    expect((await app.inject(url)).statusCode).toBe(404);
  }
});

test("WEB-2: a directory without a built app is said at the start", async () => {
  await expect(WebFiles.open({ directory: join(directory, "assets"), connect: [] })).rejects.toMatchObject({
    code: "config-invalid",
  });
});
