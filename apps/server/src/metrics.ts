import type { RefusalCode } from "@porchlight/wire";
import fastify, { type FastifyInstance } from "fastify";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Database } from "./database.ts";
import type { Delivery } from "./delivery.ts";
import type { Hints } from "./hints.ts";
import type { Keeping } from "./keeping.ts";
import type { Meter } from "./meter.ts";
import type { Streams } from "./stream/streams.ts";

/** Seconds. */
const LATENCIES = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/**
 * Figures for the operator in Prometheus' format. No label holds an account, a conversation, an address or anything
 * else of a person: a route's pattern, a method, a status, a code.
 */
export class Metrics implements Meter {
  readonly registry = new Registry();
  readonly #requests: Histogram<"method" | "route" | "status">;
  readonly #accepted: Counter;
  readonly #commits: Histogram;
  readonly #delivered: Counter;
  readonly #refusals: Counter<"code">;

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    const registers = [this.registry];
    this.#requests = new Histogram({
      name: "porchlight_request_seconds",
      help: "Time until an HTTP request was answered; long polls wait in it.",
      labelNames: ["method", "route", "status"],
      buckets: LATENCIES,
      registers,
    });
    this.#accepted = new Counter({
      name: "porchlight_items_accepted_total",
      help: "Commits, envelopes and messages that were stored.",
      registers,
    });
    this.#commits = new Histogram({
      name: "porchlight_commit_seconds",
      help: "Time of a delivery transaction, its durable commit included.",
      buckets: LATENCIES,
      registers,
    });
    this.#delivered = new Counter({
      name: "porchlight_items_delivered_total",
      help: "Items handed to readers, each as often as it was handed out.",
      registers,
    });
    this.#refusals = new Counter({
      name: "porchlight_refusals_total",
      help: "Refused requests by code.",
      labelNames: ["code"],
      registers,
    });
  }

  readonly committed = (items: number, seconds: number): void => {
    this.#accepted.inc(items);
    this.#commits.observe(seconds);
  };

  readonly delivered = (items: number): void => this.#delivered.inc(items);

  readonly refused = (code: RefusalCode): void => this.#refusals.inc({ code });

  /** A figure that is looked up whenever somebody asks. */
  gauge(name: string, help: string, value: () => number | null): void {
    const gauge = new Gauge({
      name: `porchlight_${name}`,
      help,
      registers: [this.registry],
      collect: () => {
        const found = value();
        // Absent rather than 0: no checkpoint is not a fresh one.
        if (found === null) gauge.remove();
        else gauge.set(found);
      },
    });
  }

  /** Everything that can be looked up in the parts of a server. */
  watch(parts: {
    readonly http: FastifyInstance;
    readonly database: Database;
    readonly delivery: Delivery;
    readonly streams: Streams;
    readonly hints: Hints;
    readonly keeping: Keeping;
  }): void {
    const { http, database, delivery, streams, hints, keeping } = parts;
    http.addHook("onResponse", async ({ method, routeOptions }, { statusCode, elapsedTime }) => {
      const labels = { method, route: routeOptions.url ?? "none", status: String(statusCode) };
      this.#requests.observe(labels, elapsedTime / 1000);
    });
    let connections = 0;
    http.server.on("connection", (socket) => {
      connections++;
      socket.once("close", () => connections--);
    });
    this.gauge("connections", "Open connections of clients.", () => connections);
    this.gauge("streams", "Open streams of clients.", () => streams.count);
    this.gauge("lanes", "Conversations with submissions under way.", () => delivery.load.lanes);
    this.gauge("lane_queue", "Submissions that wait for a transaction.", () => delivery.load.queued);
    this.gauge("database_connections", "Connections to PostgreSQL.", () => database.load.open);
    this.gauge("database_waiting", "Statements that wait for a connection.", () => database.load.waiting);
    this.gauge("hints_connected", "1 while word from other processes arrives.", () =>
      Number(hints.connected),
    );
    this.gauge("log_entries", "Entries of the log.", () => keeping.figures()?.size ?? null);
    this.gauge(
      "log_published",
      "Entries that the published checkpoint covers.",
      () => keeping.figures()?.published ?? null,
    );
    this.gauge(
      "checkpoint_age_seconds",
      "Age of the published checkpoint.",
      () => keeping.figures()?.checkpointAge ?? null,
    );
    this.gauge(
      "log_on_hold",
      "1 while the log takes nothing: see its status.",
      () => keeping.figures()?.hold ?? null,
    );
  }

  /** A listener of its own, so that the figures are where only the operator gets. */
  listener(): FastifyInstance {
    const app = fastify({ logger: false, forceCloseConnections: true });
    app.get("/metrics", async (_request, reply) => {
      return reply.type(this.registry.contentType).send(await this.registry.metrics());
    });
    return app;
  }
}
