import { MAX_REQUEST_LENGTH } from "@porchlight/tlog";
import type { Cosigner } from "@porchlight/wire";
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from "fastify";

const TEXT = "text/plain; charset=utf-8";

/** What the program is told of a request that it could not answer. */
export type Failure = (event: string, error: unknown) => void;

function malformed(reply: FastifyReply, status: number): FastifyReply {
  return reply.code(status).type(TEXT).send("malformed request\n");
}

/** C2SP tlog-witness over HTTP, with submission and monitoring prefix `/`; `GET /` names the witness. */
export function witnessRoutes(cosigner: Cosigner, onFailure: Failure): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: MAX_REQUEST_LENGTH,
    forceCloseConnections: true,
    // An address that cannot be decoded, or with a part that is too long: the framework's own words would repeat it.
    frameworkErrors: (_error, _request, reply) => {
      malformed(reply, 400);
    },
  });
  app.removeAllContentTypeParsers();
  // C2SP names no content type for requests: whatever it says, the body is bytes.
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler(async (error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) onFailure("request-failed", error);
    if (status < 500) return await malformed(reply, status);
    return await reply
      .code(status)
      .type(TEXT)
      .send("not cosigned: the witness could not read or keep its state\n");
  });
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).type(TEXT).send("not found\n"));

  app.get("/", async (_request, reply) => await reply.type(TEXT).send(`${cosigner.vkey}\n`));
  app.post("/add-checkpoint", async (request, reply) => {
    const body = request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
    const answer = await cosigner.addCheckpoint(body);
    return await reply.code(answer.status).type(answer.contentType).send(answer.body);
  });
  app.get<{ Params: { origin: string } }>("/:origin/checkpoint", async (request, reply) => {
    const note = await cosigner.checkpoint(request.params.origin);
    if (note === null) return await reply.code(404).type(TEXT).send("no checkpoint\n");
    return await reply.type(TEXT).header("cache-control", "max-age=5").send(note);
  });
  return app;
}
