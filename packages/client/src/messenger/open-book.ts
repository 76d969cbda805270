import { httpLogSource } from "@porchlight/wire";
import { CharterBook } from "../charter-book.ts";
import { httpMirrors } from "../log-reader.ts";
import type { Storage } from "../storage.ts";
import type { MessengerConfig, Platform } from "./platform.ts";

/** The deployment's log: as its provider serves it, and at its mirrors while that is away. */
export async function openBook(
  { log, clock, tlogSuite }: Platform,
  { url, policy, mirrors }: MessengerConfig,
  storage: Storage,
): Promise<CharterBook> {
  return await CharterBook.open({
    source: log?.(url) ?? httpLogSource({ url: `${url}/log` }),
    ...(mirrors === undefined ? {} : { mirrors: httpMirrors(mirrors) }),
    policy,
    storage,
    clock,
    ...(tlogSuite === undefined ? {} : { suite: tlogSuite }),
  });
}
