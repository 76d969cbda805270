import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Server as TlsServer } from "node:tls";
import { lockDirectory } from "@porchlight/durable";
import { listen, startProgram } from "@porchlight/runtime";
import type { FastifyInstance } from "fastify";
import { forgetOld, openAccounts } from "./account-services.ts";
import { Addresses } from "./addresses.ts";
import { AttachmentFiles } from "./attachment-files.ts";
import { Attachments } from "./attachments.ts";
import { readConfig, type ServerConfig } from "./config.ts";
import { Conversations } from "./conversations.ts";
import { Database } from "./database.ts";
import { Delivery } from "./delivery.ts";
import { ServerError } from "./error.ts";
import { openFront } from "./front.ts";
import { NatsHints, noHints } from "./hints.ts";
import { createHttp } from "./http.ts";
import { Metrics } from "./metrics.ts";
import { NoticeCards } from "./notice-cards.ts";
import { openApiRoutes } from "./open-api.ts";
import { startPostgres } from "./postgres.ts";
import { openPrimary } from "./primary.ts";
import { PushSubscriptions } from "./push/subscriptions.ts";
import { RateLimits } from "./rate-limits.ts";
import { operationRoutes, welcomeRoutes } from "./routes/operations.ts";
import { routes } from "./routes.ts";
import { Streams } from "./stream/streams.ts";
import { Sweep } from "./sweep.ts";
import { Certificate } from "./tls.ts";
import { Waiters } from "./waiters.ts";
import { WebFiles } from "./web-files.ts";

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
  main: async (context) => {
    const { config, directory, clock, log: logger, onTime, signal } = context;
    const lock = lockDirectory(directory);
    const { DATABASE_URL: databaseUrl, NATS_URL: natsUrl } = process.env;
    if (config.role.kind === "front" && databaseUrl === undefined) {
      throw new ServerError(
        "config-invalid",
        "a front shares the primary's database: set DATABASE_URL, for both the same",
      );
    }
    const postgres = await startPostgres(directory, logger, databaseUrl);
    postgres.failed.catch(fatal);
    const database = await Database.open(postgres.connection);
    const hints = natsUrl === undefined ? noHints() : new NatsHints(natsUrl, config.deployment, logger);
    const waiters = new Waiters(hints);
    // A database of one's own has no other writers.
    const sweep = databaseUrl === undefined ? null : new Sweep(database, waiters, hints, logger);
    const files = await AttachmentFiles.open(config.attachments.directory ?? join(directory, "files"));
    const push = new PushSubscriptions(database, clock, config.push?.allow ?? []);
    const keeping =
      config.role.kind === "front"
        ? openFront(config.role.primary, database)
        : await openPrimary(context, database, files, waiters, push, fatal);

    const members = openAccounts({ config, database, clock, waiters });
    const { accounts } = members;
    const noticeCards = new NoticeCards(database);
    const metrics = new Metrics();
    const delivery = new Delivery(database, clock, waiters, keeping.charters, noticeCards, metrics);
    const addresses = new Addresses(config.trustedProxies);
    const limits = new RateLimits(config.limits);
    const services = {
      ...members,
      noticeCards,
      conversations: new Conversations(database, clock, waiters, keeping.charters, metrics),
      delivery,
      attachments: new Attachments(database, clock, files, config.attachments),
      limits,
      push,
    };
    const web = config.web === undefined ? null : await WebFiles.open(config.web, keeping.readable);
    const areas = [
      ...keeping.routes,
      ...routes(services),
      ...operationRoutes(database, hints, keeping, signal),
      ...(web === null ? welcomeRoutes() : []),
    ];
    const table = [...areas, ...openApiRoutes(areas)];
    const certificate =
      config.tls === undefined ? null : await Certificate.open(config.tls, directory, logger);
    const http = createHttp(table, (header, roles) => accounts.authenticate(header, roles), logger, {
      ...(certificate === null ? {} : { tls: certificate.pair }),
      addresses,
      limits,
      refused: metrics.refused,
    });
    web?.register(http);
    const streams = new Streams({
      ...{ accounts, delivery, database, waiters, hints, clock, addresses, limits, push },
      ...{ meter: metrics, log: logger },
      config: config.streams,
    });
    http.server.on("upgrade", streams.upgrade);
    const renew = (): void => {
      if (certificate !== null) void certificate.renew(http.server as unknown as TlsServer);
    };
    process.on("SIGHUP", renew);
    metrics.watch({ http, database, delivery, streams, hints, keeping });
    const figures = config.metrics === undefined ? null : metrics.listener();
    if (config.metrics !== undefined && figures !== null) {
      const port = await listen(figures, config.metrics.port, config.metrics.host);
      logger.event("metrics-ready", { port });
    }
    onTime(() => {
      keeping.onTime();
      renew();
      push.forgetOld().catch((error: unknown) => logger.failure("push-failed", error));
      forgetOld(members).catch((error: unknown) => logger.failure("sessions-failed", error));
    });
    const port = await listen(http, config.port, config.host);
    return {
      port,
      stop: async () => {
        // Balancers see at /readyz that nothing more is to be sent here, before connections are refused.
        await sleep(1000 * config.drainSeconds);
        await keeping.closeCommands();
        waiters.close();
        await streams.close();
        await closeHttp(http);
        await figures?.close();
        await delivery.close();
        await keeping.close();
        await sweep?.close();
        await hints.close();
        await database.close();
        await postgres.stop();
        lock.release();
      },
    };
  },
});
