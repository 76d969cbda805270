// A Chromium that nobody watches while it works. Playwright is told of every request with its whole body, which costs more
// than a second for each megabyte that is sent: it comes when something is done by hand, and leaves for what takes long.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { chromiumProgram, FLAGS } from "../../tools/chromium.ts";
import { Person } from "./town.ts";

type Result = Readonly<Record<string, unknown>>;
/** `session`: of a target within the page, a worker's. */
type Listener = (method: string, params: Result, session: string | undefined) => void;

export class FreeBrowser {
  readonly profile = mkdtempSync(join(tmpdir(), "porchlight-free-"));
  readonly #name: string;
  readonly #origin: string;
  #process: ChildProcess | null = null;
  #address = "";

  private constructor(name: string, origin: string) {
    this.#name = name;
    this.#origin = origin;
  }

  static async start(name: string, origin: string): Promise<FreeBrowser> {
    const browser = new FreeBrowser(name, origin);
    const { path, env } = await chromiumProgram();
    const flags = ["--headless", "--remote-debugging-port=0", `--user-data-dir=${browser.profile}`];
    const started = spawn(path, [...FLAGS, ...flags, "--lang=en-GB", "about:blank"], {
      stdio: "ignore",
      env: { ...process.env, ...env },
    });
    browser.#process = started;
    const told = join(browser.profile, "DevToolsActivePort");
    while (!existsSync(told) || !readFileSync(told, "utf8").includes("/")) {
      if (started.exitCode !== null) throw new Error("the browser did not start");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    browser.#address = `127.0.0.1:${readFileSync(told, "utf8").split("\n")[0]}`;
    return browser;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** With Playwright, for as long as it takes. The page stays as it is afterwards. */
  async byHand<T>(act: (person: Person) => Promise<T>): Promise<T> {
    const browser = await chromium.connectOverCDP(`http://${this.#address}`);
    try {
      return await act(await Person.in(browser, this.#name, this.#origin));
    } finally {
      await browser.close();
    }
  }

  async link(): Promise<PageLink> {
    const targets = (await (await fetch(`http://${this.#address}/json/list`)).json()) as {
      readonly type: string;
      readonly webSocketDebuggerUrl: string;
    }[];
    const page = targets.find(({ type }) => type === "page");
    if (page === undefined) throw new Error("the browser shows no page");
    return await PageLink.open(page.webSocketDebuggerUrl);
  }

  async stop(): Promise<void> {
    const process = this.#process;
    if (process !== null && process.exitCode === null) {
      process.kill();
      await once(process, "exit");
    }
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A line to one page on which only what is asked for is said. */
export class PageLink {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: { result?: Result; error?: { message: string } }) => void>();
  readonly #listeners = new Set<Listener>();
  #requests = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(String(data)) as {
        id?: number;
        method?: string;
        params?: Result;
        sessionId?: string;
      };
      if (message.id !== undefined) return this.#waiting.get(message.id)?.(message as never);
      const { method = "", params = {}, sessionId } = message;
      for (const listener of this.#listeners) listener(method, params, sessionId);
    });
  }

  static async open(address: string): Promise<PageLink> {
    const socket = new WebSocket(address);
    await once(socket, "open");
    return new PageLink(socket);
  }

  /** Calls the listener with what the browser says unasked; returns how to stop. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async send(method: string, params: Result = {}, sessionId?: string): Promise<Result> {
    const id = ++this.#requests;
    const answer = await new Promise<{ result?: Result; error?: { message: string } }>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
    this.#waiting.delete(id);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer.result ?? {};
  }

  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await this.send("Runtime.evaluate", {
      expression,
      userGesture: true,
      returnByValue: true,
      awaitPromise: true,
    })) as { result?: { value?: T }; exceptionDetails?: { text: string } };
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result?.value as T;
  }

  /** The files as if they had been chosen: large ones are not sent through this line. */
  async choose(selector: string, files: readonly string[]): Promise<void> {
    const { root } = (await this.send("DOM.getDocument")) as { root: { nodeId: number } };
    const found = await this.send("DOM.querySelector", { nodeId: root.nodeId, selector });
    await this.send("DOM.setFileInputFiles", { nodeId: found["nodeId"], files });
  }

  /** Saves what the page downloads in this directory; the path of the next that is complete. */
  async download(directory: string, act: () => Promise<void>): Promise<string> {
    await this.send("Browser.setDownloadBehavior", {
      behavior: "allowAndName",
      downloadPath: directory,
      eventsEnabled: true,
    });
    const done = new Promise<string>((resolve, reject) => {
      this.listen((method, { state, guid }) => {
        if (method !== "Browser.downloadProgress") return;
        if (state === "completed") resolve(join(directory, String(guid)));
        if (state === "canceled") reject(new Error("the browser gave the download up"));
      });
    });
    await act();
    return await done;
  }

  close(): void {
    this.#socket.close();
  }
}
