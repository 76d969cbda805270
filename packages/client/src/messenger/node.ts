// The messenger in Node: bots, command lines, tests.
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { nodeSuite as attachmentSuite } from "@porchlight/attachment/node";
import {
  DurableError,
  lockDirectory,
  makeDirectory,
  readFileOrNull,
  removeFileDurable,
  writeFileDurable,
} from "@porchlight/durable";
import { unixSeconds } from "@porchlight/encoding";
import { nodeMlsSuite } from "@porchlight/mls/node";
import { nodeSuite as tlogSuite } from "@porchlight/tlog/node";
import { StreamingClient } from "@porchlight/wire";
import { fileStorage } from "../file-storage.ts";
import { Messenger } from "./messenger.ts";
import type { MessengerConfig, Platform } from "./platform.ts";

const DOOR = "door.json";
const RECORDS = "records";

/** State in files below `directory` (0700), everything but the door sealed under the device's storage key. */
export async function nodePlatform(directory: string): Promise<Platform> {
  await makeDirectory(directory);
  return {
    lock: async () => {
      try {
        const lock = lockDirectory(directory);
        return () => lock.release();
      } catch (error) {
        if (error instanceof DurableError && error.code === "locked") return null;
        throw error;
      }
    },
    door: {
      load: () => readFileOrNull(join(directory, DOOR)),
      save: (record) => writeFileDurable(join(directory, DOOR), record),
    },
    storage: (key) => fileStorage({ directory: join(directory, RECORDS), key }),
    erase: async () => {
      await removeFileDurable(join(directory, DOOR));
      await rm(join(directory, RECORDS), { recursive: true, force: true });
    },
    connect: (url, listener) => new StreamingClient({ url, listener }),
    clock: { now: () => unixSeconds(Math.floor(Date.now() / 1000)) },
    random: (length) => new Uint8Array(randomBytes(length)),
    suite: await nodeMlsSuite(),
    tlogSuite,
    attachmentSuite,
  };
}

/** The messenger of one device, whose state is in `directory`. One program at a time: another one is "elsewhere". */
export async function startMessenger(
  options: MessengerConfig & { readonly directory: string },
): Promise<Messenger> {
  const { directory, ...config } = options;
  return await Messenger.start(await nodePlatform(directory), config);
}
