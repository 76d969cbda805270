import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { CharterBook, Member, type MemberContext } from "@porchlight/client";
import { fileStorage } from "@porchlight/client/node";
import {
  createPassphrase,
  makeDirectory,
  readFileOrNull,
  readPassphrase,
  SecretStore,
  writeFileDurable,
} from "@porchlight/durable";
import { type CharterId, charterId, Fields, parseJson, unixSeconds } from "@porchlight/encoding";
import { nodeMlsSuite } from "@porchlight/mls/node";
import { Service } from "@porchlight/parties";
import { nodeSuite } from "@porchlight/tlog/node";
import { httpLogSource, ServerClient } from "@porchlight/wire";
import { CommandError, EXIT } from "./exit-code.ts";

const FILE = "member.json";
const KEY_PACKAGES = 20;

/** What a member's directory says of itself: where the service is, and which log and witnesses it goes by. */
export type MemberPlace = {
  readonly url: string;
  /** The charter that its conversations are created under. */
  readonly charter: CharterId;
  /** The log's origin, which a login is bound to. */
  readonly origin: string;
  /** tlog-policy text, from the charter that the person named. */
  readonly policy: string;
  readonly clock: "system" | "replay";
};

export type OpenMember = { readonly member: Member; readonly place: MemberPlace; readonly book: CharterBook };

/**
 * Makes a device of a new account. Log, witnesses and charter come from the charter of that id, verified; without one the
 * only charter in force is taken, as by anyone who meets a service for the first time.
 */
export async function createMember(
  directory: string,
  options: {
    readonly url: string;
    readonly charter: CharterId | null;
    readonly workFactor?: number;
    readonly invitation?: Uint8Array;
  },
): Promise<OpenMember> {
  const path = join(directory, FILE);
  await makeDirectory(directory);
  if ((await readFileOrNull(path)) !== null) {
    throw new CommandError(EXIT.usage, "exists", `${directory} is a member's directory already`);
  }
  const { url } = options;
  const { charter } = await Service.open({
    url,
    directory: join(directory, "log"),
    charter: options.charter,
  });
  const { origin, policy } = charter.log;
  const place: MemberPlace = { url, charter: charter.id, origin, policy, clock: charter.clock };
  await createPassphrase(directory);
  const { workFactor } = options;
  const secrets = await openSecrets(directory, workFactor === undefined ? {} : { workFactor });
  const identity = (await secrets.read("identity-seed")) ?? new Uint8Array(randomBytes(32));
  await secrets.write("identity-seed", identity);
  const { context, book } = await contextOf(directory, place, secrets);
  const member = await Member.open(context).catch(async () => await Member.create(context, identity));
  const { invitation } = options;
  await member.login(origin, invitation === undefined ? {} : { invitation });
  await member.publishKeyPackages(KEY_PACKAGES);
  await writeFileDurable(path, `${JSON.stringify({ version: 1, ...place }, null, 2)}\n`);
  return { member, place, book };
}

/** The device of a directory, logged in. */
export async function openMember(directory: string): Promise<OpenMember> {
  const place = await readPlace(directory);
  const { context, book } = await contextOf(directory, place, await openSecrets(directory));
  const member = await Member.open(context);
  await member.login(place.origin);
  return { member, place, book };
}

export async function readPlace(directory: string): Promise<MemberPlace> {
  const bytes = await readFileOrNull(join(directory, FILE));
  if (bytes === null) {
    throw new CommandError(
      EXIT.usage,
      "not-created",
      `${directory} is no member's directory: make one with "porchlight member init"`,
    );
  }
  const fields = new Fields(parseJson(bytes, FILE), FILE);
  fields.literal("version", 1);
  const place = {
    url: fields.string("url"),
    charter: charterId(fields.string("charter")),
    origin: fields.string("origin"),
    policy: fields.string("policy", 100_000),
    clock: fields.literal("clock", "system", "replay"),
  };
  fields.end();
  return place;
}

async function openSecrets(
  directory: string,
  sealing: { readonly workFactor?: number } = {},
): Promise<SecretStore> {
  const passphrase = await readPassphrase(directory);
  return await SecretStore.open(join(directory, "secrets"), { passphrase, ...sealing });
}

async function contextOf(
  directory: string,
  place: MemberPlace,
  secrets: SecretStore,
): Promise<{ readonly context: MemberContext; readonly book: CharterBook }> {
  const key = (await secrets.read("storage-key")) ?? new Uint8Array(randomBytes(32));
  await secrets.write("storage-key", key);
  const storage = await fileStorage({ directory: join(directory, "records"), key });
  const { url } = place;
  const system = { now: () => unixSeconds(Math.floor(Date.now() / 1000)) };
  const book: CharterBook = await CharterBook.open({
    source: httpLogSource({ url: `${url.replace(/\/+$/, "")}/log` }),
    policy: place.policy,
    storage,
    // A replayed clock shows days of its own, which only the log tells.
    clock: place.clock === "system" ? system : { now: () => book?.checkpointTime ?? unixSeconds(0) },
    suite: nodeSuite,
  });
  await book.refresh();
  const clock = place.clock === "system" ? system : { now: () => book.checkpointTime ?? unixSeconds(0) };
  return {
    book,
    context: {
      server: new ServerClient({ url }),
      storage,
      clock,
      random: (length) => new Uint8Array(randomBytes(length)),
      suite: await nodeMlsSuite(),
      charters: book,
    },
  };
}
