import { join } from "node:path";
import { lockDirectory, readFileOrNull, writeFileDurable } from "@porchlight/durable";
import { Fields, parseJson } from "@porchlight/encoding";
import { listen, serveAdmin, startProgram } from "@porchlight/runtime";
import { parsePolicy } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import type { FastifyInstance } from "fastify";
import { Accounts } from "./accounts.ts";
import { handleAdmin } from "./admin.ts";
import { Board } from "./board.ts";
import { type Network, readConfig, readNetwork, type ServerConfig } from "./config.ts";
import type { CharterDates } from "./conversation-state.ts";
import { Conversations } from "./conversations.ts";
import { Database } from "./database.ts";
import { Delivery } from "./delivery.ts";
import { createHttp } from "./http.ts";
import { loadIdentity } from "./identity.ts";
import { Log } from "./log.ts";
import { LogEntries } from "./log-entries.ts";
import { LogPublisher } from "./log-publisher.ts";
import { Orders } from "./orders.ts";
import { Persons } from "./persons.ts";
import { startPostgres } from "./postgres.ts";
import { routes } from "./routes.ts";
import { Waiters } from "./waiters.ts";

/** Where a policy that the operator set later is kept; it goes before the configuration's. */
const NETWORK_FILE = "network.json";

/** What cannot be repaired while running ends the program: it starts again from what the disk holds. */
function fatal(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Milliseconds for which answers that are under way are waited for. */
const ANSWER_LIMIT = 8_000;

/** Takes nothing new, answers what is under way, and does not wait for clients that keep their connections open. */
async function closeHttp(http: FastifyInstance): Promise<void> {
  const started = performance.now();
  const closing = setInterval(() => {
    if (performance.now() - started < ANSWER_LIMIT) http.server.closeIdleConnections();
    else http.server.closeAllConnections();
  }, 20);
  try {
    await http.close();
  } finally {
    clearInterval(closing);
  }
}

startProgram<ServerConfig>({
  name: "server",
  configure: readConfig,
  main: async ({ config, directory, clock, clockKind, log: logger, onTime }) => {
    const lock = lockDirectory(directory);
    const identity = await loadIdentity(directory, `log.${config.deployment}`, config.workFactor);
    const waiters = new Waiters();
    const postgres = await startPostgres(directory, logger, process.env["DATABASE_URL"]);
    postgres.failed.catch(fatal);
    const database = await Database.open(postgres.connection);
    const log = await Log.open(join(directory, "log"), waiters, fatal);
    const dates: CharterDates = (charter) => log.charter(charter);

    const publish = async (network: Network): Promise<void> => {
      await log.publisher?.close();
      const options = { store: log.store, signer: identity.log, clock, log: logger, waiters };
      const policy = parsePolicy(network.policy, nodeSuite);
      const path = join(directory, "log", "checkpoint");
      const { cosigners } = network;
      log.publishWith(await LogPublisher.open(path, policy, { ...options, cosigners }));
    };
    const networkPath = join(directory, NETWORK_FILE);
    const saved = await readFileOrNull(networkPath);
    const network =
      saved === null ? config.network : readNetwork(new Fields(parseJson(saved, "network"), "network"));
    if (network !== undefined) await publish(network);

    const accounts = new Accounts(database, clock, identity.log.key.name);
    const delivery = new Delivery(database, clock, waiters, dates);
    const persons = new Persons(database, identity, clock);
    const services = {
      database,
      log,
      entries: new LogEntries(log, identity, clock, clockKind),
      board: new Board(database, log, waiters),
      orders: new Orders(database, log, identity, clock),
      accounts,
      conversations: new Conversations(database, clock, waiters, dates),
      delivery,
    };
    const http = createHttp(routes(services), (header) => accounts.authenticate(header), logger);
    const setNetwork = async (changed: Network): Promise<void> => {
      await writeFileDurable(networkPath, `${JSON.stringify(changed, null, 2)}\n`);
      await publish(changed);
    };
    const admin = await serveAdmin(
      directory,
      (request) => handleAdmin({ identity, log, persons, setNetwork }, request),
      (error) => logger.failure("admin-failed", error),
    );
    onTime(() => {
      log.publisher?.refresh();
      accounts.forgetExpired().catch((error: unknown) => logger.failure("sessions-failed", error));
    });
    const port = await listen(http, config.port, config.host);
    return {
      port,
      stop: async () => {
        await admin.close();
        waiters.close();
        await closeHttp(http);
        await delivery.close();
        await log.close();
        await database.close();
        await postgres.stop();
        lock.release();
      },
    };
  },
});
