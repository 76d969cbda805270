import { createServer } from "node:net";
import { unixSeconds } from "@porchlight/encoding";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createLogger, listen, ReplayClock, RuntimeError, systemClock } from "../src/index.ts";

test("a replay clock shows the latest time it took, whatever it was told", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { minLength: 1 }), (times) => {
      const clock = new ReplayClock(unixSeconds(times[0] as number));
      for (const time of times) {
        const before = clock.now();
        if (time < before) expect(() => clock.advance(unixSeconds(time))).toThrow(RuntimeError);
        else clock.advance(unixSeconds(time));
        expect(clock.now()).toBe(Math.max(before, time));
      }
    }),
    { numRuns: 50 },
  );
});

test("the system's clock counts whole seconds", () => {
  const at = systemClock().now();
  expect(Math.abs(at - Date.now() / 1000)).toBeLessThan(2);
});

test("a log line is JSON and withholds what could be content or a key", () => {
  const lines: string[] = [];
  const log = createLogger("keyholder-1", new ReplayClock(unixSeconds(0)), (line) => lines.push(line));
  log.event("released", {
    labels: 3,
    order: "ab".repeat(32),
    said: "Dear Mr Smith",
    state: "released",
    ok: true,
  });
  log.failure("order-failed", Object.assign(new Error("the secret is 1234"), { code: "bad" }));
  expect(JSON.parse(lines[0] as string)).toEqual({
    at: "1970-01-01T00:00:00Z",
    program: "keyholder-1",
    event: "released",
    labels: 3,
    order: "(withheld)",
    said: "(withheld)",
    state: "released",
    ok: true,
  });
  expect(lines[1]).not.toContain("1234");
  expect(JSON.parse(lines[1] as string)).toMatchObject({
    error: "Error",
    code: "bad",
    place: expect.stringMatching(/^clock\.test\.ts:[0-9]+$/) as string,
  });
});

test("a taken port is named", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const server = createServer();
  const app = {
    server,
    listen: (options: { host: string; port: number }) =>
      new Promise<string>((resolve, reject) => {
        server.once("error", reject);
        server.listen(options, () => resolve(""));
      }),
  };
  await expect(listen(app, port)).rejects.toMatchObject({
    code: "port-taken",
    message: `port ${port}: another program already listens there`,
  });
  const free = await listen(app, 0);
  expect(free).toBeGreaterThan(0);
  server.close();
  other.close();
});
