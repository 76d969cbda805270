// The keyholder's desk where its keyholder's process is down: e2e/keyholder-desk.test.ts has it beside real ones.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openKeyholder } from "../src/keyholder/desk.ts";
import { type DeskClient, signedIn } from "./desk-client.ts";

const directory = mkdtempSync(join(tmpdir(), "desk-keyholder-"));
let client: DeskClient;

beforeAll(async () => {
  writeFileSync(join(directory, "config.json"), JSON.stringify({ name: "keyholder-9" }));
  const desk = await openKeyholder({ directory, url: null, charter: null });
  client = await signedIn(desk, { directory, label: "keyholder-9" });
});
afterAll(async () => {
  await client.desk.close();
  rmSync(directory, { recursive: true });
});

async function bring(succession: object) {
  const boundary = "----succession";
  const part = (head: string, body: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
  const body = [
    part('name="csrf"', await client.token()),
    part('name="succession"; filename="s.json"', JSON.stringify(succession)),
    part('name="charter-of-it"; filename="c.json"', "{}"),
    `--${boundary}--\r\n`,
  ].join("");
  return await client.send("POST", "/successions/read", body, {
    "content-type": `multipart/form-data; boundary=${boundary}`,
  });
}

test("CHA-21, DESK-6: what is no succession is not shown to be accepted, and no member of it becomes markup", async () => {
  const evil = { markup: "<form action=//evil.example><button>Accept</button></form>" };
  const keyholder = { index: 1, name: "k", owner: "o", payer: "p", jurisdiction: "j", url: "http://k" };
  for (const succession of [
    { version: 1, charter: "0".repeat(64), keyholder, ground: evil, at: 1 },
    { version: 1, charter: evil, keyholder, ground: "lost", at: 1 },
    { keyholder: {}, ground: "lost" },
  ]) {
    const refused = await client.follow(await bring(succession));
    expect([refused.status, refused.text.includes("Nothing was done")]).toEqual([409, true]);
    expect(refused.text).not.toContain("evil.example");
  }
});
