// Somebody at a desk without a browser: one origin, one cookie, one passkey.
import { request } from "node:http";
import { createPassphrase } from "@porchlight/durable";
import { type Desk } from "../src/shell/desk.ts";
import { type ServedDesk, type ServeOptions, serveDesk } from "../src/shell/serve.ts";
import { Passkey } from "./passkey.ts";

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
};

/** What an act's page asked to be confirmed. */
export type Asked = {
  readonly path: string;
  readonly csrf: string;
  readonly challenge: string;
  readonly text: string;
};

const FORM = "application/x-www-form-urlencoded";

export class DeskClient {
  readonly desk: ServedDesk;
  readonly passkey = new Passkey();
  cookie = "";

  constructor(desk: ServedDesk) {
    this.desk = desk;
  }

  /** One request as it is; `headers` win over what a browser would send. */
  async send(
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Answer> {
    const { origin, port } = this.desk;
    const all = {
      host: new URL(origin).host,
      ...(method === "GET" ? {} : { origin, "sec-fetch-site": "same-origin" }),
      ...(this.cookie === "" ? {} : { cookie: this.cookie }),
      ...headers,
    };
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return await new Promise((resolve, reject) => {
      const call = request(
        { host: "127.0.0.1", port, method, path, headers: sent as Record<string, string> },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("end", () => {
            const set = answer.headers["set-cookie"]?.[0];
            if (set !== undefined) this.cookie = set.split(";")[0] as string;
            const text = Buffer.concat(chunks).toString();
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text });
          });
        },
      );
      call.on("error", reject);
      call.end(body);
    });
  }

  async get(path: string): Promise<Answer> {
    return await this.send("GET", path);
  }

  async json(path: string, body: unknown): Promise<Answer> {
    return await this.send("POST", path, JSON.stringify(body), { "content-type": "application/json" });
  }

  /** Makes the passkey with a link's secret. */
  async enter(link: string, name = "Ada Clerk"): Promise<Answer> {
    const secret = new URL(link).hash.slice(1);
    const options = await this.json("/enter/options", { secret, name });
    if (options.status !== 200) return options;
    const { challenge } = JSON.parse(options.text) as { challenge: string };
    return await this.json("/enter/passkey", {
      secret,
      name,
      made: this.passkey.make(challenge, this.desk.origin),
    });
  }

  async signIn(): Promise<Answer> {
    const options = await this.json("/sign-in/options", {});
    const { challenge } = JSON.parse(options.text) as { challenge: string };
    return await this.json("/sign-in/passkey", {
      assertion: this.passkey.answer(challenge, this.desk.origin),
    });
  }

  /** The token that this session's pages carry. */
  async token(): Promise<string> {
    const { text } = await this.get("/journal");
    return /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? "";
  }

  /** Sends a form with the session's token, or with `csrf` of the fields. */
  async post(path: string, fields: Readonly<Record<string, string | readonly string[]>>): Promise<Answer> {
    const body = new URLSearchParams();
    if (!("csrf" in fields)) body.append("csrf", await this.token());
    for (const [name, value] of Object.entries(fields)) {
      for (const one of typeof value === "string" ? [value] : value) body.append(name, one);
    }
    return await this.send("POST", path, body.toString(), { "content-type": FORM });
  }

  async follow(answer: Answer): Promise<Answer> {
    return answer.status === 303 ? await this.get(String(answer.headers["location"])) : answer;
  }

  /** What the page of a proposed act asks the passkey. */
  asked({ text }: Answer): Asked {
    const path = /action="(\/acts\/[^"]+)"/.exec(text)?.[1];
    const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1];
    const options = /data-options="([^"]+)"/.exec(text)?.[1]?.replaceAll("&quot;", '"');
    if (path === undefined || csrf === undefined || options === undefined) throw new Error(`no act: ${text}`);
    return { path, csrf, text, challenge: (JSON.parse(options) as { challenge: string }).challenge };
  }

  async confirm(asked: Asked, assertion: object = this.passkey.answer(asked.challenge, this.desk.origin)) {
    return await this.post(asked.path, { csrf: asked.csrf, assertion: JSON.stringify(assertion) });
  }

  /** Proposes an act, confirms what was shown, and goes where it leads. */
  async act(path: string, fields: Readonly<Record<string, string | readonly string[]>>): Promise<Answer> {
    const proposed = await this.post(path, fields);
    return await this.follow(await this.confirm(this.asked(proposed)));
  }
}

/** A desk that listens, and somebody who has made a passkey there. */
export async function signedIn(
  desk: Desk,
  options: Omit<ServeOptions, "port">,
  onFailure: (event: string, error: unknown) => void = (_event, error) => {
    throw error;
  },
): Promise<DeskClient> {
  await createPassphrase(options.directory);
  const served = await serveDesk(desk, { port: 0, workFactor: 2, ...options }, onFailure);
  const client = new DeskClient(served);
  await client.enter(served.link());
  return client;
}
