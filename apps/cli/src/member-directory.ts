import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Account, type AccountContext, CharterBook, type Member, startPairing } from "@porchlight/client";
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

export type OpenMember = {
  readonly account: Account;
  readonly member: Member;
  readonly place: MemberPlace;
  readonly book: CharterBook;
};

/** A service that a directory does not know yet. Without a charter the only one in force is taken. */
export type NewPlace = {
  readonly url: string;
  readonly charter: CharterId | null;
  readonly deviceName?: string;
  readonly workFactor?: number;
};

type Prepared = {
  readonly context: AccountContext;
  readonly book: CharterBook;
  readonly place: MemberPlace;
  /** For the account: the log's origin as the audience, and the device's name. */
  readonly options: { readonly audience: string; readonly deviceName?: string };
};

/**
 * Makes a device of a new account. Log, witnesses and charter come from the charter of that id, verified; without one the
 * only charter in force is taken, as by anyone who meets a service for the first time.
 */
export async function createMember(
  directory: string,
  about: NewPlace & { readonly invitation?: Uint8Array },
): Promise<OpenMember> {
  const prepared = await prepare(directory, about);
  const { invitation } = about;
  const options = { ...prepared.options, ...(invitation === undefined ? {} : { invitation }) };
  return await keep(directory, prepared, await Account.create(prepared.context, options));
}

/** Makes a further device of an account that is somewhere else (ACC-30). Throws ClientError as pairings do. */
export async function pairMember(
  directory: string,
  about: NewPlace & { readonly deviceName: string },
  show: { readonly code: (code: string) => void; readonly digits: (digits: string) => void },
): Promise<OpenMember> {
  const prepared = await prepare(directory, about);
  const { context, place } = prepared;
  const guest = await startPairing(context, { audience: place.origin, deviceName: about.deviceName });
  show.code(guest.code);
  show.digits(await guest.digits());
  return await keep(directory, prepared, (await guest.finish()).account);
}

/** Makes the only device of an account again, from its recovery code (ACC-50 to ACC-60). */
export async function restoreMember(
  directory: string,
  about: NewPlace,
  code: string,
): Promise<OpenMember & { readonly asked: number; readonly lost: number }> {
  const prepared = await prepare(directory, about);
  const { account, lost } = await Account.restore(prepared.context, code, prepared.options);
  const opened = await keep(directory, prepared, account);
  const asked = await account.heal();
  return { ...opened, asked: asked.length, lost: lost.length };
}

async function prepare(directory: string, about: NewPlace): Promise<Prepared> {
  await makeDirectory(directory);
  if ((await readFileOrNull(join(directory, FILE))) !== null) {
    throw new CommandError(EXIT.usage, "exists", `${directory} is a member's directory already`);
  }
  const { url, workFactor, deviceName } = about;
  const { charter } = await Service.open({ url, directory: join(directory, "log"), charter: about.charter });
  const { origin, policy } = charter.log;
  const place: MemberPlace = { url, charter: charter.id, origin, policy, clock: charter.clock };
  await createPassphrase(directory);
  const secrets = await openSecrets(directory, workFactor === undefined ? {} : { workFactor });
  const { context, book } = await contextOf(directory, place, secrets);
  const options = { audience: origin, ...(deviceName === undefined ? {} : { deviceName }) };
  return { context, book, place, options };
}

async function keep(directory: string, { place, book }: Prepared, account: Account): Promise<OpenMember> {
  await writeFileDurable(join(directory, FILE), `${JSON.stringify({ version: 1, ...place }, null, 2)}\n`);
  return { account, member: account.member, place, book };
}

/** The device of a directory, logged in. */
export async function openMember(directory: string): Promise<OpenMember> {
  const place = await readPlace(directory);
  const { context, book } = await contextOf(directory, place, await openSecrets(directory));
  const account = await Account.open(context, { audience: place.origin });
  return { account, member: account.member, place, book };
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
): Promise<{ readonly context: AccountContext; readonly book: CharterBook }> {
  let key = await secrets.read("storage-key");
  if (key === null) {
    key = new Uint8Array(randomBytes(32));
    await secrets.write("storage-key", key);
  }
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
