import { createHash, randomBytes } from "node:crypto";
import { asName } from "@porchlight/charter";
import { base64url, EncodingError, Fields, type Json, parseJson, utf8 } from "@porchlight/encoding";
import type { Script } from "@porchlight/markup/script";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { challengeOfAct, PendingActs } from "./acts.ts";
import { CHALLENGE_LIFETIME, Challenges } from "./challenges.ts";
import {
  type Act,
  type Desk,
  type GoTo,
  isGoTo,
  type Performed,
  type Person,
  type Rooms,
  type View,
  type Visit,
} from "./desk.ts";
import { DeskError } from "./error.ts";
import { type Form, readForm } from "./form.ts";
import { cookieOf, guard } from "./guard.ts";
import type { DeskJournal } from "./journal.ts";
import type { Links } from "./links.ts";
import {
  confirmPage,
  enterPage,
  type Frame,
  framed,
  journalPage,
  linkPage,
  peoplePage,
  refusedPage,
  signInPage,
  tokenField,
} from "./pages.ts";
import { challengeOf, type Passkeys, type Place, readAssertion, refused, refusingForm } from "./passkeys.ts";
import { explain } from "./sentences.ts";
import { equalText, type Session, Sessions, type Stopwatch } from "./sessions.ts";

/** What the program is told of a request that it could not answer: nothing of its content. */
export type Failure = (event: string, error: unknown) => void;

const HTML = "text/html; charset=utf-8";
const FORM_LIMIT = 64 * 1024;
const JSON_LIMIT = 16 * 1024;
const ALGORITHMS = [-8, -7, -257];
const JOURNAL_ACTS = 100;

const HEADERS: Readonly<Record<string, string>> = {
  // The page's own policy stands in the page (EVI-51); this is what a policy there cannot say.
  "content-security-policy": "frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
  "cache-control": "no-store",
};

export type Served = {
  readonly desk: Desk;
  /** One label of a host name: the cookie's name. */
  readonly label: string;
  /** Known once it listens. */
  readonly place: () => Place;
  readonly passkeys: Passkeys;
  readonly journal: DeskJournal;
  readonly links: Links;
  readonly scripts: readonly Script[];
  readonly stopwatch: Stopwatch;
  readonly onFailure: Failure;
};

/** A desk over HTTP (spec/desk.md). Nothing that is asked for is logged. */
export function deskRoutes(served: Served): FastifyInstance {
  const { desk, label, place, passkeys, journal, links, scripts, stopwatch, onFailure } = served;
  const cookie = `porchlight-${label}`;
  const sessions = new Sessions(stopwatch);
  const pending = new PendingActs(desk.party, stopwatch);
  const challenges = new Challenges(stopwatch);
  const script = (scripts[0] as Script).path;
  const app = fastify({
    logger: false,
    bodyLimit: FORM_LIMIT,
    forceCloseConnections: true,
    // Before any hook: an address that cannot be decoded is answered in no words of its sender's.
    frameworkErrors: (_error, _request, reply) => refuseAddress(reply),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));

  // Never as a whole address: one that begins with // is another host's, or none at all.
  const queryOf = ({ url }: FastifyRequest): URLSearchParams =>
    new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")) : "");
  const isAgain = (request: FastifyRequest): boolean =>
    request.method === "GET" && queryOf(request).has(AGAIN);
  const sessionOf = (request: FastifyRequest): Session | null => {
    const value = cookieOf(request, cookie);
    // A page that loads itself again is nobody's use of it (DESK-3).
    const session = value === null ? null : sessions.find(value, !isAgain(request));
    if (session === null || passkeys.find(session.person.id) !== null) return session;
    sessions.end(session);
    return null;
  };
  const pathOf = (request: FastifyRequest): string => request.url.split("?")[0] as string;
  /** It stands on the next page that somebody asks for, and stays there while that loads itself again: it is to be read. */
  const saidOn = (request: FastifyRequest, session: Session): string | null => {
    const { said } = session;
    if (said === null) return null;
    const at = pathOf(request);
    if (isAgain(request)) return said.at === at ? said.text : null;
    session.said = said.at === null ? { ...said, at } : null;
    return session.said === null ? null : said.text;
  };
  const frameOf = (request: FastifyRequest, session: Session | null): Frame => ({
    desk,
    script,
    session,
    at: pathOf(request),
    said: session === null ? null : saidOn(request, session),
  });
  const send = (reply: FastifyReply, text: string): FastifyReply => reply.type(HTML).send(text);
  const show = async (
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session,
    view: View,
  ): Promise<FastifyReply> => {
    return await send(reply.code(view.status ?? 200), framed(frameOf(request, session), view));
  };
  const go = (reply: FastifyReply, session: Session | null, { to, said }: GoTo): FastifyReply => {
    // Nothing that anybody typed leads away from here.
    if (!/^\/(?![/\\])/.test(to)) throw new TypeError("a way out of the desk");
    if (session !== null) session.said = said === undefined ? null : { text: said, at: null };
    return reply.code(303).header("location", to).send("");
  };
  /** Nothing waits between this look and the session: a removal came before it, or ends the session (DESK-8). */
  const signIn = (reply: FastifyReply, person: Person): void => {
    if (passkeys.find(person.id) === null) throw refused();
    const value = sessions.begin({ id: person.id, name: person.name });
    const secure = place().origin.startsWith("https:") ? "; Secure" : "";
    reply.header("set-cookie", `${cookie}=${value}; Path=/; HttpOnly; SameSite=Strict${secure}`);
  };
  // What is served before anybody is signed in. All else is refused before its body is read (DESK-4).
  const open = new Set([
    "/",
    "/sign-in",
    "/enter",
    "/enter/options",
    "/enter/passkey",
    "/sign-in/options",
    "/sign-in/passkey",
    ...scripts.map(({ path }) => path),
  ]);

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(HEADERS);
    guard(request, place().origin);
    if (!open.has(request.routeOptions.url ?? "") && sessionOf(request) === null) throw signedOut();
  });
  app.setErrorHandler(async (error: unknown, request, reply) => {
    const tooLarge = (error as { readonly code?: unknown }).code === "FST_ERR_CTP_BODY_TOO_LARGE";
    const status = (error as { readonly statusCode?: unknown }).statusCode;
    const shown = tooLarge
      ? new DeskError("form-too-large", "more was sent than this form takes")
      : typeof status === "number" && status < 500
        ? new DeskError("form-invalid", "the request is not one that a page of this desk makes")
        : error;
    const explained = explain(shown, desk.sentences);
    if (explained.isFault) onFailure("request-failed", error);
    reply.code(explained.status);
    if (request.headers["content-type"] === "application/json") {
      const { code, title, next } = explained;
      return await reply.send({ code, message: `${title}. ${next}` });
    }
    // A foreign page's visitor learns nothing of who is signed in.
    const isForeign = explained.code === "host-foreign" || explained.code === "origin-foreign";
    const session = isForeign ? null : sessionOf(request);
    return await send(reply, refusedPage(frameOf(request, session), explained));
  });
  app.setNotFoundHandler(() => {
    throw new DeskError("not-found", "no page of this desk has this address");
  });

  /** What has begun and is not in the journal yet: the desk closes after it. */
  const unfinished = new Set<Promise<unknown>>();
  app.addHook("onClose", async () => void (await Promise.allSettled(unfinished)));
  const ending = <T>(work: Promise<T>): Promise<T> => {
    unfinished.add(work);
    const end = (): void => void unfinished.delete(work);
    work.then(end, end);
    return work;
  };
  /** What came of an act. Where that cannot be written the act stays what it is: the journal knows no outcome, and takes no more. */
  const came = async (of: string, code: string): Promise<boolean> => {
    try {
      await journal.add({ kind: code === "" ? "done" : "failed", at: desk.now(), of, code });
      return true;
    } catch (error) {
      onFailure("outcome-not-journalled", error);
      return false;
    }
  };

  // ---- Before sign-in

  for (const one of scripts) {
    app.get(one.path, async (request, reply) => {
      const accepted = request.headers["accept-encoding"] ?? "";
      const [encoding, bytes] = /\bbr\b/.test(accepted)
        ? ["br", one.br]
        : /\bgzip\b/.test(accepted)
          ? ["gzip", one.gzip]
          : ["identity", one.plain];
      return await reply
        .type("text/javascript; charset=utf-8")
        .headers({
          "cache-control": "private, max-age=31536000, immutable",
          "content-encoding": encoding,
          vary: "accept-encoding",
        })
        .send(bytes);
    });
  }
  app.get("/sign-in", async (request, reply) => {
    if (sessionOf(request) !== null) return go(reply, null, { to: "/" });
    return await send(reply, signInPage(frameOf(request, null), passkeys.people.length === 0));
  });
  app.get("/enter", async (request, reply) => await send(reply, enterPage(frameOf(request, null))));

  const asked = (request: FastifyRequest): Fields =>
    refusingForm(() => {
      const body = request.body as Buffer | undefined;
      if (
        request.headers["content-type"] !== "application/json" ||
        body === undefined ||
        body.length > JSON_LIMIT
      ) {
        throw new EncodingError("not-json", "body");
      }
      return new Fields(parseJson(new Uint8Array(body), "body"), "body");
    });
  const spent = (): DeskError => new DeskError("link-spent", "nobody can enter by this link any more");

  // The challenge is for the name too: who makes the passkey says it, nobody later can change it.
  app.post("/enter/options", { bodyLimit: JSON_LIMIT }, async (request) => {
    const { secret, name } = refusingForm(() => {
      const fields = asked(request);
      return { secret: fields.string("secret", 100), name: fields.string("name", 200).trim() };
    });
    if (!links.isOpen(secret)) throw spent();
    try {
      asName(name, "name", 80);
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      throw new DeskError("form-invalid", "write your name as people know it, in one line", { cause });
    }
    const { host } = place();
    return {
      challenge: challenges.issue(entering(secret, name)),
      rp: { id: host, name: `Porchlight: ${desk.heading}, ${desk.party}` },
      user: { id: base64url(randomBytes(16)), name, displayName: name },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      excludeCredentials: passkeys.people.map(({ id }) => ({ type: "public-key", id })),
      attestation: "none",
      timeout: 1000 * CHALLENGE_LIFETIME,
    };
  });
  app.post("/enter/passkey", { bodyLimit: JSON_LIMIT }, async (request, reply) => {
    const { secret, name, made } = refusingForm(() => {
      const fields = asked(request);
      const from = fields.object("made");
      return {
        secret: fields.string("secret", 100),
        name: fields.string("name", 200).trim(),
        made: {
          id: from.string("id", 2000),
          clientDataJSON: from.string("clientDataJSON", 4000),
          attestationObject: from.string("attestationObject", 12_000),
        },
      };
    });
    const challenge = challengeOf(made.clientDataJSON);
    const at = desk.now();
    const person = await challenges.answer(challenge, entering(secret, name), async () => {
      // Before anything is kept: of two who open one link at once, one comes in.
      if (!links.take(secret)) throw spent();
      return await passkeys.register(made, { challenge, place: place(), name, at });
    });
    await journal.add({ kind: "person-added", at, id: person.id, name });
    signIn(reply, person);
    return { entered: true };
  });
  app.post("/sign-in/options", { bodyLimit: JSON_LIMIT }, async () => ({
    challenge: challenges.issue(SIGN_IN),
    rpId: place().host,
    userVerification: "required",
    timeout: 1000 * CHALLENGE_LIFETIME,
  }));
  app.post("/sign-in/passkey", { bodyLimit: JSON_LIMIT }, async (request, reply) => {
    const assertion = readAssertion(refusingForm(() => asked(request).json("assertion")));
    const challenge = challengeOf(assertion.clientDataJSON);
    const person = await challenges.answer(
      challenge,
      SIGN_IN,
      async () => await passkeys.verify(assertion, { challenge, place: place() }),
    );
    await journal.add({ kind: "signed-in", at: desk.now(), id: person.id, name: person.name });
    signIn(reply, person);
    return { entered: true };
  });

  // ---- Signed in

  const entered = (request: FastifyRequest): Session => {
    const session = sessionOf(request);
    if (session === null) throw signedOut();
    return session;
  };
  const visitOf = (request: FastifyRequest, session: Session, params?: Visit["params"]): Visit => ({
    person: session.person,
    now: desk.now(),
    params: params ?? (request.params as Record<string, string>),
    query: queryOf(request),
    csrf: tokenField(session),
  });
  /** The form of a page of this very session (DESK-4). */
  const formOf = async (request: FastifyRequest, session: Session): Promise<Form> => {
    const form = await readForm(
      request.headers["content-type"] ?? "",
      (request.body as Buffer) ?? Buffer.alloc(0),
    );
    if (!equalText(form.text("csrf"), session.token)) {
      throw new DeskError("form-stale", "the form was not made for this sign-in");
    }
    return form;
  };
  const offer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    session: Session,
    act: Act<Json>,
  ): Promise<FastifyReply> => {
    const visit = visitOf(request, session);
    const answer = await act.propose(visit, await formOf(request, session));
    if (isGoTo(answer)) return go(reply, session, answer);
    if (!("payload" in answer)) return await show(request, reply, session, answer);
    const waiting = pending.propose(session, act, answer, visit.params);
    const options = JSON.stringify({
      challenge: challengeOfAct(waiting.nonce, waiting.statement),
      rpId: place().host,
      allowCredentials: [{ type: "public-key", id: session.person.id }],
      userVerification: "required",
      timeout: 300_000,
    });
    return await send(reply, confirmPage({ ...frameOf(request, session), session }, waiting, options));
  };

  app.get("/", async (request, reply) => {
    if (sessionOf(request) === null) return go(reply, null, { to: "/sign-in" });
    return go(reply, null, { to: desk.places[0]?.path ?? "/journal" });
  });
  app.post("/sign-out", async (request, reply) => {
    const session = entered(request);
    await formOf(request, session);
    sessions.end(session);
    reply.header("set-cookie", `${cookie}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`);
    return go(reply, null, { to: "/sign-in" });
  });
  app.post<{ Params: { id: string } }>("/acts/:id", async (request, reply) => {
    const session = entered(request);
    const form = await formOf(request, session);
    const taken = pending.take(request.params.id, session);
    if (taken === null) throw new DeskError("act-lapsed", "what was shown is not waiting to be confirmed");
    const assertion = readAssertion(refusingForm(() => parseJson(utf8(form.text("assertion")), "assertion")));
    const challenge = challengeOfAct(taken.nonce, taken.statement);
    if (assertion.id !== session.person.id || challengeOf(assertion.clientDataJSON) !== challenge) {
      throw new DeskError("passkey-refused", "the passkey confirmed something else than what was shown");
    }
    const { publicKey } = await passkeys.verify(assertion, { challenge, place: place() });
    const of = base64url(taken.nonce);
    await journal.add({
      kind: "act",
      at: desk.now(),
      act: taken.act.name,
      name: session.person.name,
      statement: taken.statement,
      nonce: taken.nonce,
      place: place(),
      publicKey,
      assertion,
    });
    return await ending(
      (async () => {
        let done: Performed;
        try {
          done = await taken.act.perform(visitOf(request, session, taken.params), taken.proposal.payload);
        } catch (error) {
          await came(of, explain(error, desk.sentences).code);
          throw error;
        }
        const { outcome, ...where } = done;
        if (outcome === undefined) {
          const isKept = await came(of, "");
          return go(reply, session, isKept ? where : { to: where.to, said: UNKEPT });
        }
        const code = outcome.catch((error: unknown) => explain(error, desk.sentences).code);
        void ending(code.then(async (end) => await came(of, end)));
        return go(reply, session, where);
      })(),
    );
  });
  app.get("/journal", async (request, reply) => {
    const session = entered(request);
    return await send(reply, await journalPage(frameOf(request, session), journal.acts(JOURNAL_ACTS)));
  });
  app.get("/people", async (request, reply) => {
    const session = entered(request);
    return await send(reply, peoplePage({ ...frameOf(request, session), session }, passkeys.people));
  });

  // A link is shown once, to whom it was made for: it waits here for the page that shows it.
  const made = new Map<string, string>();
  const acts: Readonly<Record<string, Act<Json>>> = {
    "/people/invite": {
      name: "invite-person",
      propose: async () => ({
        title: "Make a one-time link",
        button: "Make the link",
        shown: [{ term: "What it does", text: "Whoever opens it first can work at this desk as you do" }],
        payload: {},
        back: "/people",
      }),
      perform: async ({ person }) => {
        made.set(person.id, `${place().origin}/enter#${links.make()}`);
        return { to: "/people/link" };
      },
    },
    "/people/remove": {
      name: "remove-person",
      propose: async (_visit, form) => {
        const one = passkeys.find(form.text("id"));
        if (one === null) throw new DeskError("not-found", "nobody here has that passkey");
        return {
          title: `Remove ${one.name}`,
          button: "Remove",
          shown: [{ term: "Who can no longer work here", text: one.name }],
          payload: { id: one.id },
          isGrave: true,
          back: "/people",
        };
      },
      perform: async ({ person }, payload) => {
        const id = new Fields(payload, "payload").string("id", 2000);
        const one = await passkeys.remove(id, person.id);
        if (one === null) throw new DeskError("not-now", "this passkey cannot be removed");
        sessions.endAllOf(one);
        await journal.add({ kind: "person-removed", at: desk.now(), id, name: one.name });
        return { to: "/people", said: `${one.name} can no longer sign in.` };
      },
    },
  };
  app.get("/people/link", async (request, reply) => {
    const session = entered(request);
    const link = made.get(session.person.id);
    made.delete(session.person.id);
    if (link === undefined) return go(reply, session, { to: "/people" });
    return await send(reply, linkPage(frameOf(request, session), link));
  });

  const rooms: Rooms = {
    page: (path, give) => {
      app.get(path, async (request, reply) => {
        const session = entered(request);
        return await show(request, reply, session, await give(visitOf(request, session)));
      });
    },
    form: (path, take, { bodyLimit = FORM_LIMIT } = {}) => {
      app.post(path, { bodyLimit }, async (request, reply) => {
        const session = entered(request);
        const form = await formOf(request, session);
        const answer = await take(visitOf(request, session), form);
        return isGoTo(answer) ? go(reply, session, answer) : await show(request, reply, session, answer);
      });
    },
    act: (path, act, { bodyLimit = FORM_LIMIT } = {}) => {
      app.post(path, { bodyLimit }, async (request, reply) => {
        // Whatever its payload is, it goes through the statement as JSON and back to its own act.
        return await offer(request, reply, entered(request), act as unknown as Act<Json>);
      });
    },
    download: (path, give) => {
      app.get(path, async (request, reply) => {
        const session = entered(request);
        const { name, type, bytes } = await give(visitOf(request, session));
        return await reply
          .type(type)
          .headers({
            "content-disposition": `attachment; filename="${name.replace(/[^A-Za-z0-9._-]/g, "_")}"`,
            "content-security-policy": SEALED_OFF,
          })
          .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      });
    },
    picture: (path, give) => {
      app.get(path, async (request, reply) => {
        const session = entered(request);
        // As a document of this origin nothing that somebody sent is ever opened.
        if (
          request.headers["sec-fetch-dest"] !== "image" ||
          request.headers["sec-fetch-site"] !== "same-origin"
        )
          throw new DeskError("not-found", "a picture is looked at in its page only");
        const { type, bytes } = await give(visitOf(request, session));
        return await reply
          .type(type)
          .header("content-security-policy", SEALED_OFF)
          .send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
      });
    },
    data: (path, give) => {
      app.get(path, async (request, reply) => {
        const session = entered(request);
        return await reply
          .type("application/json; charset=utf-8")
          .send(JSON.stringify(await give(visitOf(request, session))));
      });
    },
  };
  for (const [path, act] of Object.entries(acts)) rooms.act(path, act);
  desk.routes(rooms);
  return app;
}

/** Of what somebody else made, whatever a browser takes it for. */
const SEALED_OFF = "default-src 'none'; sandbox; frame-ancestors 'none'";
const UNKEPT =
  "It was done. The journal could not be written and takes nothing more: tell whoever runs this desk.";
const SIGN_IN = "sign-in";
/** In the query of a page that the shell's script loads again by itself. */
const AGAIN = "again";

function entering(secret: string, name: string): string {
  return `enter ${createHash("sha256").update(secret).digest("hex")} ${name}`;
}

function signedOut(): DeskError {
  return new DeskError("signed-out", "nobody is signed in here, or not for a while");
}

function refuseAddress(reply: FastifyReply): void {
  reply.code(400).headers(HEADERS).type("text/plain; charset=utf-8").send("malformed address\n");
}
