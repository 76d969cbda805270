// People's devices as the SDK makes them, at a real server. For tests only.
import { randomBytes } from "node:crypto";
import { type Charter, formatEntry } from "@porchlight/charter";
import { periodOf, type UnixSeconds } from "@porchlight/encoding";
import { nodeSuite } from "@porchlight/tlog/node";
import { httpLogSource, ServerClient } from "@porchlight/wire";
import {
  Account,
  type AccountContext,
  CharterBook,
  type ConversationEvent,
  memoryStorage,
  type Seat,
} from "../../../packages/client/src/index.ts";
import { nodeMlsSuite } from "../../../packages/mls/src/node-provider.ts";
import { keysDocument, POLICY, signedKeys } from "../../../vectors/fixture/deployment.ts";
import { DAY, ORIGIN, type TestServer } from "./deployment.ts";

const suite = await nodeMlsSuite();
export const AUDIENCE = ORIGIN;
export const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

/** One request as it left a device. */
export type Sent = { readonly method: string; readonly path: string; readonly body: Uint8Array };

export type Home = AccountContext & { readonly server: ServerClient; readonly sent: readonly Sent[] };

/** Logs the keys of the charter's current period, so that members can seal under it. */
export async function publishKeys(server: TestServer, charter: Charter): Promise<void> {
  const document = await signedKeys(keysDocument(charter, periodOf(DAY)));
  await server.client().appendEntry(formatEntry({ type: "keys", document }));
}

/** An empty device: storage, clock, and a client that keeps a copy of whatever it sends. */
export async function home(
  server: TestServer,
  options: { readonly charters?: boolean; readonly url?: string } = {},
): Promise<Home> {
  const sent: Sent[] = [];
  const storage = memoryStorage();
  const clock = { now: (): UnixSeconds => server.now };
  const client = new ServerClient({
    url: options.url ?? server.url,
    fetch: (input, init) => {
      const { pathname, search } = new URL(String(input));
      const body = init?.body instanceof Uint8Array ? init.body : new Uint8Array(0);
      sent.push({ method: init?.method ?? "GET", path: pathname + search, body });
      return fetch(input, init);
    },
  });
  const charters =
    options.charters === true
      ? await CharterBook.open({
          source: httpLogSource({ url: `${server.url}/log` }),
          policy: POLICY,
          storage,
          clock,
          suite: nodeSuite,
        })
      : null;
  return { server: client, storage, clock, random, suite, charters, sent };
}

export async function newcomer(
  server: TestServer,
  options: {
    readonly charters?: boolean;
    readonly deviceName?: string;
    readonly invitation?: Uint8Array;
  } = {},
): Promise<{ readonly account: Account; readonly home: Home }> {
  const place = await home(server, options);
  const { deviceName, invitation } = options;
  const account = await Account.create(place, {
    audience: AUDIENCE,
    ...(deviceName === undefined ? {} : { deviceName }),
    ...(invitation === undefined ? {} : { invitation }),
  });
  return { account, home: place };
}

/** Texts of the messages among events, with those that were sent from here. */
export function textsIn(events: readonly ConversationEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === "message" || event.kind === "delivered" ? [event.content.text] : [],
  );
}

let ids = 0;
export async function say(seat: Seat, text: string, at: UnixSeconds): Promise<void> {
  await seat.send([{ id: `m${++ids}`, at, text }]);
}
