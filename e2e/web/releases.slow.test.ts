// A browser that lives through three releases of the app, and starts without a network after the last.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { expect, test } from "vitest";
import { mayNotify, openProfile, startBrowser } from "./browser.ts";
import { buildWeb } from "./build.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".webmanifest": "application/manifest+json",
};

test("the log's policy stays as it was seen first, over three releases and without a network; a push shows nothing of what it carries", async () => {
  const directory = await buildWeb();
  const worker = readFileSync(join(directory, "sw.js"), "utf8");
  const [id] = /[0-9a-f]{64}/.exec(worker) ?? [];
  if (id === undefined) throw new Error("the service worker names no release");
  let release = "1";
  let policies = 0;
  // The built files as they are; of another release only the service worker's name for it is another one.
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (path === "/log/policy") {
      policies++;
      return void response.setHeader("content-type", "text/plain").end(`log town.example+${release}\n`);
    }
    const name = path === "/" ? "/index.html" : path;
    try {
      const bytes =
        name === "/sw.js" ? worker.replace(id, id.slice(1) + release) : readFileSync(join(directory, name));
      response.setHeader("content-type", TYPES[extname(name)] ?? "application/octet-stream");
      response.setHeader("cache-control", "no-store").end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const { browser, stop } = await startBrowser();
  try {
    const { context } = await openProfile(browser, { origin });
    const page = await context.newPage();
    const isIn = () => page.getByRole("button", { name: "I have a recovery code" }).waitFor();
    for (release of ["1", "2", "3"]) {
      await page.goto(origin);
      await isIn();
      await page.evaluate(async () => await (await navigator.serviceWorker.ready).update());
      // Activated: its cache is there and it has this page.
      await page.waitForFunction(
        async (suffix) => (await caches.keys()).some((name) => name.endsWith(suffix)),
        id.slice(1) + release,
      );
      await page.waitForFunction(() => navigator.serviceWorker.controller?.state === "activated");
    }
    const kept = await page.evaluate(
      async () => await (await (await caches.open("porchlight-trust")).match("/log/policy"))?.text(),
    );
    expect(kept).toBe("log town.example+1\n");
    expect(policies).toBe(1);

    // PUSH-1: whatever a push carries, the notification says that there is something, and nothing of it.
    if (await mayNotify(page, origin)) {
      const session = await context.newCDPSession(page);
      const registered = new Promise<string>((resolve) => {
        session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations: [one] }) => {
          if (one !== undefined) resolve(one.registrationId);
        });
      });
      await session.send("ServiceWorker.enable");
      const registrationId = await registered;
      const other = await context.newPage();
      await other.bringToFront();
      await page.goto("about:blank");
      const data = JSON.stringify({ title: "from Bea", body: "a secret" });
      await session.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
      await page.goto(origin);
      await isIn();
      const shown = await page.waitForFunction(async () => {
        const all = (await (await navigator.serviceWorker.ready).getNotifications()).map(
          ({ title, body }) => [title, body],
        );
        return all.length > 0 ? all : null;
      });
      expect(await shown.jsonValue()).toEqual([["New message", ""]]);
    }

    server.closeAllConnections();
    server.close();
    await page.reload();
    await isIn();
  } finally {
    await stop();
    server.close();
  }
});
