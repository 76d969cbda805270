// A Chromium with a profile of its own, and a page of localhost with a bundle in it. For tests only.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { chromiumProgram, FLAGS } from "../../../tools/chromium.ts";

export class Browser {
  readonly profile = mkdtempSync(join(tmpdir(), "porchlight-chromium-"));
  readonly #server: Server;
  #context: BrowserContext | null = null;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `entry`: a file beside this one. */
  static async start(entry: string): Promise<Browser> {
    const made = await build({
      entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      logLevel: "error",
    });
    const bundle = made.outputFiles[0]?.text ?? "";
    const server = createServer((request, response) => {
      const isScript = request.url === "/bundle.js";
      response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html; charset=utf-8" });
      response.end(isScript ? bundle : '<!doctype html><script type="module" src="/bundle.js"></script>');
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const browser = new Browser(server);
    await browser.open();
    return browser;
  }

  /** Starts Chromium on the profile: after {@link crash}, with what the disk has. */
  async open(): Promise<void> {
    const { path, env } = await chromiumProgram();
    this.#context = await chromium.launchPersistentContext(this.profile, {
      executablePath: path,
      args: [...FLAGS],
      headless: true,
      env: { ...(process.env as Record<string, string>), ...env },
    });
  }

  async page(): Promise<Page> {
    if (this.#context === null) throw new Error("closed");
    const page = await this.#context.newPage();
    await page.goto(`http://localhost:${(this.#server.address() as AddressInfo).port}/`);
    await page.waitForFunction("globalThis.porchlight !== undefined");
    return page;
  }

  async close(): Promise<void> {
    await this.#context?.close();
    this.#context = null;
  }

  async stop(): Promise<void> {
    await this.close();
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
