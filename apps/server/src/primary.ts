import { join } from "node:path";
import { readFileOrNull, readPassphrase, STRONG_WORK_FACTOR, writeFileDurable } from "@porchlight/durable";
import { Fields, parseJson } from "@porchlight/encoding";
import { type ProgramContext, serveAdmin } from "@porchlight/runtime";
import { parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { handleAdmin } from "./admin.ts";
import type { AttachmentFiles } from "./attachment-files.ts";
import { Attachments } from "./attachments.ts";
import { type BackupSummary, writeBackup } from "./backup.ts";
import { chartersOfLog, storeCharters } from "./charters.ts";
import { type Network, type PushConfig, readMirrors, readNetwork, type ServerConfig } from "./config.ts";
import { Contests } from "./contests.ts";
import type { Database } from "./database.ts";
import { AtRest } from "./hi1/at-rest.ts";
import { Hi1Endpoint } from "./hi1/endpoint.ts";
import { Following } from "./hi1/following.ts";
import { ObjectStore } from "./hi1/object-store.ts";
import { Hi1Officer } from "./hi1/officer.ts";
import { Registrations } from "./hi1/registrations.ts";
import { loadIdentity } from "./identity.ts";
import { Invitations } from "./invitations.ts";
import type { Keeping } from "./keeping.ts";
import { Log } from "./log.ts";
import { LogEntries } from "./log-entries.ts";
import { LogLease } from "./log-lease.ts";
import { LogPublisher } from "./log-publisher.ts";
import { LoggedKeys } from "./logged-keys.ts";
import { MaterialDesk } from "./material.ts";
import { NoticeCards } from "./notice-cards.ts";
import { OrderStore } from "./order-store.ts";
import { Orders } from "./orders.ts";
import { Persons } from "./persons.ts";
import { Preservations } from "./preservations.ts";
import { Publicity } from "./publicity.ts";
import { PushSender, vapidKeys } from "./push/sender.ts";
import type { PushSubscriptions } from "./push/subscriptions.ts";
import { Retention } from "./retention.ts";
import { Roles } from "./roles.ts";
import { disclosureRoutes } from "./routes/disclosure.ts";
import { hi1Routes } from "./routes/hi1.ts";
import { logRoutes } from "./routes/log.ts";
import type { Waiters } from "./waiters.ts";

/** Where a policy that the operator set later is kept; it goes before the configuration's. */
const NETWORK_FILE = "network.json";
/** The same of the log's mirrors. */
const MIRRORS_FILE = "mirrors.json";

/**
 * The process that keeps the log: it alone has the provider's keys, the log's files, orders and the
 * operator's commands.
 */
export async function openPrimary(
  { config, directory, clock, clockKind, log: logger }: ProgramContext<ServerConfig>,
  database: Database,
  files: AttachmentFiles,
  waiters: Waiters,
  push: PushSubscriptions,
  fatal: (error: unknown) => void,
): Promise<Keeping> {
  const identity = await loadIdentity(directory, config.origin, config.workFactor);
  const logDirectory = join(directory, "log");
  const { origin } = config;
  const log = await Log.open(
    logDirectory,
    (tree) => LogLease.take({ database, origin, directory: logDirectory, tree, log: logger, onLost: fatal }),
    waiters,
    fatal,
  );
  await storeCharters(database, log.catalogue);

  const publish = async (network: Network): Promise<void> => {
    await log.publisher?.close();
    const options = { store: log.tree, signer: identity.log, clock, log: logger, waiters };
    const policy = parsePolicy(network.policy, nodeSuite);
    const path = join(logDirectory, "checkpoint");
    const { cosigners } = network;
    const publisher = await LogPublisher.open(path, policy, { ...options, cosigners }, log.isRestored);
    log.publishWith(publisher, network.policy);
  };
  const networkPath = join(directory, NETWORK_FILE);
  const saved = await readFileOrNull(networkPath);
  const network =
    saved === null ? config.network : readNetwork(new Fields(parseJson(saved, "network"), "network"));
  if (network !== undefined) await publish(network);

  const mirrorsPath = join(directory, MIRRORS_FILE);
  const savedMirrors = await readFileOrNull(mirrorsPath);
  let mirrors =
    savedMirrors === null
      ? config.mirrors
      : readMirrors(new Fields(parseJson(savedMirrors, "mirrors"), "mirrors"));
  const setMirrors = async (changed: readonly string[]): Promise<void> => {
    await writeFileDurable(mirrorsPath, `${JSON.stringify({ mirrors: changed }, null, 2)}\n`);
    mirrors = changed;
  };

  /** As it was made of a log of this size and these mirrors: every file of the app asks for it. */
  let readable: {
    readonly size: number;
    readonly mirrors: readonly string[];
    readonly origins: readonly string[];
  } = { size: -1, mirrors, origins: [] };

  const persons = new Persons(database, identity, clock);
  const invitations = new Invitations(database, clock, config.invitations);
  const roles = new Roles(database, clock);
  const setNetwork = async (changed: Network): Promise<void> => {
    await writeFileDurable(networkPath, `${JSON.stringify(changed, null, 2)}\n`);
    await publish(changed);
  };
  const backup = async (path: string): Promise<BackupSummary> => {
    const sealing = {
      passphrase: await readPassphrase(directory),
      workFactor: config.workFactor ?? STRONG_WORK_FACTOR,
    };
    return await writeBackup({ database, directory, log, origin, at: clock.now() }, path, sealing);
  };
  const openPush = async ({ contact, allow }: PushConfig): Promise<PushSender> => {
    const keys = vapidKeys(identity.provider.seed);
    await push.useKey(keys.publicKey);
    return new PushSender({ subscriptions: push, waiters, keys, contact, allowed: allow, log: logger });
  };
  const { retentionDays: defaultDays } = config;
  const preservations = new Preservations({ database, log, identity, clock });
  const retention = new Retention({
    database,
    files,
    log,
    preservations,
    identity,
    clock,
    logger,
    defaultDays,
  });
  const keys = new LoggedKeys(log);
  const store = new OrderStore(database, log, identity, keys);
  const orders = new Orders({ database, store, log, keys, identity, clock, persons });
  const publicity = new Publicity({ store, log, identity, clock, logger });
  const atRest = new AtRest(identity);
  const objects = new ObjectStore(atRest);
  const registrations = new Registrations({ database, log, identity, clock, atRest });
  const following = new Following({ database, store: objects, orders: store, preservations, log, clock });
  const common = { database, store: objects, registrations, following, persons, log, identity, clock };
  const endpoint = new Hi1Endpoint({ ...common, config: config.hi1 ?? null });
  const officer = new Hi1Officer({ ...common, endpoint, orders, preservations });
  const hi1 = { endpoint, officer, registrations };
  const admin = await serveAdmin(
    directory,
    (request) =>
      handleAdmin(
        {
          ...{ identity, log, clock, persons, orders, invitations, roles, hi1, backup, retention },
          ...{ setNetwork, setMirrors },
        },
        request,
      ),
    (error) => logger.failure("admin-failed", error),
  );
  const sender = config.push === undefined ? null : await openPush(config.push);
  if (sender === null) await push.stopSending();
  const services = {
    log,
    mirrors: () => mirrors,
    entries: new LogEntries(log, identity, clock, clockKind, database),
    orders,
    contests: new Contests({ database, store, cards: new NoticeCards(database), log, identity, clock }),
    preservations,
    material: new MaterialDesk({
      ...{ database, store, log, identity, clock },
      attachments: new Attachments(database, clock, files, config.attachments),
      given: (order) => store.markGiven(order, clock.now()),
    }),
    hi1: endpoint,
  };
  return {
    charters: chartersOfLog(log.catalogue),
    routes: [...logRoutes(services), ...disclosureRoutes(services), ...hi1Routes(services)],
    readable: () => {
      const { size } = log.store;
      if (readable.size !== size || readable.mirrors !== mirrors)
        readable = { size, mirrors, origins: originsOf(mirrors, log.catalogue) };
      return readable.origins;
    },
    health: () => {
      const { size } = log.store;
      const published = log.published?.size ?? 0;
      const isCovered = log.published !== null && published === size;
      return { status: isCovered ? "ok" : "degraded", log: { size, published: published as typeof size } };
    },
    onTime: () => {
      log.publisher?.refresh();
      retention.onTime();
      publicity.onTime();
    },
    figures: () => ({
      size: log.store.size,
      published: log.published?.size ?? null,
      checkpointAge: log.published === null ? null : clock.now() - log.published.time,
      hold: log.hold === null ? 0 : 1,
    }),
    closeCommands: () => admin.close(),
    close: async () => {
      await sender?.close();
      await retention.close();
      await publicity.close();
      await log.close();
    },
  };
}

/** Of the mirrors, and of the keyholders of the log's charters as the successions leave them. */
function originsOf(mirrors: readonly string[], catalogue: Log["catalogue"]): readonly string[] {
  const keyholders = catalogue.verifiedCharters.flatMap(
    (charter) => (catalogue.presentCharter(charter.id) ?? charter).keyholders,
  );
  const urls = [...mirrors, ...keyholders.map(({ url }) => url)];
  return [...new Set(urls.map((url) => new URL(url).origin))];
}
