import type { Script } from "@porchlight/markup/script";
import { csvFiles, reportPage } from "@porchlight/report";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";
import { downloadPage, homePage, lookUpPage, notFoundPage, openingsPage, waitingPage } from "./pages.ts";
import type { PublicLog } from "./public-log.ts";

/** What the program is told of a request that it could not answer. */
export type Failure = (event: string, error: unknown) => void;

const HTML = "text/html; charset=utf-8";
/** C2SP tlog-tiles: a checkpoint changes, a tile never. */
const SHORT = "public, max-age=5";
const LONG = "public, max-age=31536000, immutable";

const HEADERS: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
};

/** The site over HTTP (PUB-3 to PUB-6). Nothing that is asked for is remembered or logged. */
export function siteRoutes(site: PublicLog, script: Script, onFailure: Failure): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: 1024,
    forceCloseConnections: true,
    // Before any hook: an address that cannot be decoded is answered in no words of its sender's.
    frameworkErrors: (_error, _request, reply) => refuseAddress(reply),
  });
  app.addHook("onRequest", async (_request, reply) => {
    reply.headers(HEADERS);
  });
  app.setErrorHandler(async (error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) onFailure("request-failed", error);
    return await reply
      .code(status)
      .type("text/plain; charset=utf-8")
      .send(status >= 500 ? "the site could not read its copy of the log\n" : "malformed request\n");
  });
  const page = (reply: FastifyReply, text: string): FastifyReply =>
    // The page's own policy, and what a policy inside a page cannot say.
    reply.type(HTML).header("content-security-policy", "frame-ancestors 'none'").send(text);
  app.setNotFoundHandler(async (_request, reply) => await page(reply.code(404), notFoundPage()));

  app.get("/", async (_request, reply) => {
    const { reported, trouble } = site.standing;
    return await page(reply, reported === null ? waitingPage("/", trouble) : homePage(reported, trouble));
  });
  app.get("/openings", async (_request, reply) => {
    const { reported, trouble } = site.standing;
    return await page(
      reply,
      reported === null ? waitingPage("/openings", trouble) : openingsPage(reported, trouble),
    );
  });
  app.get("/look-up", async (_request, reply) => await page(reply, lookUpPage(script.path)));
  app.get("/download", async (_request, reply) => {
    const { reported, trouble } = site.standing;
    return await page(
      reply,
      reported === null ? waitingPage("/download", trouble) : downloadPage(reported, trouble),
    );
  });

  app.get("/report.html", async (_request, reply) => {
    const { reported } = site.standing;
    return reported === null
      ? await notYet(reply)
      : await reply.type(HTML).header("content-disposition", "attachment").send(reportPage(reported));
  });
  app.get<{ Params: { name: string } }>("/csv/:name", async (request, reply) => {
    const { reported } = site.standing;
    if (reported === null) return await notYet(reply);
    const text = csvFiles(reported.charters).get(request.params.name);
    return text === undefined
      ? reply.callNotFound()
      : await reply.type("text/csv; charset=utf-8").header("content-disposition", "attachment").send(text);
  });
  app.get<{ Params: { number: string } }>("/find/:number", async (request, reply) => {
    const { number } = request.params;
    const found = /^[0-9a-f]{64}$/.test(number) ? site.find(number) : [];
    return await reply.header("cache-control", "no-store").send({ indices: found });
  });
  app.get("/policy", async (_request, reply) => await reply.type("text/plain").send(site.policy));
  app.get(script.path, async (request, reply) => {
    const accepted = request.headers["accept-encoding"] ?? "";
    const [encoding, bytes] = /\bbr\b/.test(accepted)
      ? ["br", script.br]
      : /\bgzip\b/.test(accepted)
        ? ["gzip", script.gzip]
        : ["identity", script.plain];
    return await reply
      .type("text/javascript; charset=utf-8")
      .headers({ "cache-control": LONG, "content-encoding": encoding, vary: "accept-encoding" })
      .send(bytes);
  });

  // The copy itself, for anyone who would rather verify with tools of their own.
  app.get("/checkpoint", async (_request, reply) => {
    reply.headers({ "access-control-allow-origin": "*", "cache-control": SHORT });
    if (site.standing.reported === null) return await notYet(reply);
    return await reply.type("text/plain; charset=utf-8").send(await site.mirror.checkpoint());
  });
  app.get<{ Params: { "*": string } }>("/tile/*", async (request, reply) => {
    const bytes = await site.mirror.file(`tile/${request.params["*"]}`);
    reply.header("access-control-allow-origin", "*");
    if (bytes === null) return reply.callNotFound();
    return await reply
      .type("application/octet-stream")
      .header("cache-control", LONG)
      .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  });
  return app;
}

async function notYet(reply: FastifyReply): Promise<FastifyReply> {
  return await reply
    .code(503)
    .type("text/plain; charset=utf-8")
    .header("retry-after", "5")
    .send("the log has not been read yet: try again in a moment\n");
}

function refuseAddress(reply: FastifyReply): void {
  reply.code(400).headers(HEADERS).type("text/plain; charset=utf-8").send("malformed request\n");
}
