import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { Doorway } from "../src/doorway.ts";

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) void one.close();
});

async function program(says: string): Promise<{ port: number }> {
  const server: Server = createServer((request, answer) => answer.end(`${says} ${request.headers.host}`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  open.push(server);
  return { port: (server.address() as AddressInfo).port };
}

test("a desk's program starts with the first visit, once, and with every visit after it has ended", async () => {
  const started: string[] = [];
  const doorway = await Doorway.at(0, async (linkHash) => {
    started.push(linkHash);
    return await program(`program ${started.length}`);
  });
  open.push(doorway);
  const visit = async (): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${doorway.port}/`, { headers: { connection: "close" } })).text();
  expect(started).toEqual([]);
  const address = `127.0.0.1:${doorway.port}`;
  expect(await Promise.all([visit(), visit(), visit()])).toEqual(Array(3).fill(`program 1 ${address}`));
  doorway.forget();
  expect(await visit()).toBe(`program 2 ${address}`);
  // The program learns the hash of the link's secret and never the secret.
  expect(new Set(started).size).toBe(1);
  expect(started[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(doorway.secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
});

test("a program that does not start is said to be, and tried again at the next visit; a taken port is named", async () => {
  let isBroken = true;
  const doorway = await Doorway.at(0, async () => {
    if (isBroken) throw new Error("no");
    return await program("here");
  });
  open.push(doorway);
  const url = `http://127.0.0.1:${doorway.port}/`;
  const refused = await fetch(url);
  expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining("did not start")]);
  isBroken = false;
  expect(await (await fetch(url)).text()).toContain("here");
  await expect(Doorway.at(doorway.port, async () => await program(""))).rejects.toMatchObject({
    code: "port-taken",
  });
});
