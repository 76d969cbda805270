import { utf8 } from "@porchlight/encoding";
import type { Role } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { beginPasskey, finishPasskey, startPairing } from "../../../packages/client/src/index.ts";
import { makeAccountRequest } from "../../../packages/envelope/src/index.ts";
import { cardOf } from "../../../vectors/fixture/notice.ts";
import type { Route } from "../src/http.ts";
import { disclosureRoutes } from "../src/routes/disclosure.ts";
import { hi1Routes } from "../src/routes/hi1.ts";
import { logRoutes } from "../src/routes/log.ts";
import { operationRoutes, welcomeRoutes } from "../src/routes/operations.ts";
import { routes } from "../src/routes.ts";
import type { PrimaryServices, Services } from "../src/services.ts";
import { TestServer } from "./deployment.ts";
import { AUDIENCE, home, newcomer, random, say } from "./homes.ts";
import { SoftwareAuthenticator } from "./software-authenticator.ts";

// Every route of the server, and what somebody gets who uses it on what is another account's. A route that is not here
// fails the first test: add its line.

let server: TestServer;
let victim: Awaited<ReturnType<typeof victimOf>>;

beforeAll(async () => {
  server = await TestServer.start();
  victim = await victimOf();
});
afterAll(async () => {
  await server.stop();
});

/** An account with one of everything that an account can have. */
async function victimOf() {
  const { account, home: place } = await newcomer(server, { deviceName: "victim's" });
  const friend = await newcomer(server);
  const seat = await account.member.createConversation({ charter: null });
  await seat.changeMembers({ adds: [friend.account.id] });
  await say(seat, "between the two of us", server.now);
  const attachment = Buffer.from(random(32)).toString("hex");
  const api = place.server.account;
  await place.server.createAttachment(seat.id, { id: attachment, size: 1024 });
  await account.enableRecovery();
  await account.backup?.append([utf8("kept")]);
  const transfer = Buffer.from(random(16)).toString("hex");
  await api.putRelay(transfer, 0, utf8("on its way"));
  const { invitation } = await account.invite();
  const authenticator = new SoftwareAuthenticator("http://localhost:7400");
  const created = authenticator.create(await beginPasskey(api, { name: "v" }));
  const { passkey } = await finishPasskey(api, created, { label: "" });
  const guest = await startPairing(await home(server), { audience: AUDIENCE, deviceName: "new" });
  const [pairing] = await Promise.all([account.pair(guest.code), guest.digits()]);
  const [welcome] = await friend.home.server.welcomes();
  const [device] = await account.devices();
  const { deviceSeed, deviceKey, credential } = account.member.device;
  const document = makeAccountRequest(
    { kind: "leave", deviceKey, credential, conversation: seat.id, at: server.now, lost: [] },
    AUDIENCE,
    (message) => place.suite.primitives.ed25519Sign(deviceSeed, message),
  );
  return {
    account,
    place,
    friend,
    pairing,
    conversation: seat.id,
    attachment,
    transfer,
    invitation,
    passkey: passkey.id,
    welcome: welcome?.id ?? "",
    session: device?.sessions[0]?.id ?? "",
    deviceKey: Buffer.from(deviceKey).toString("hex"),
    pairingId: Buffer.from(pairing.id).toString("hex"),
    recoveryKey: await recoveryKeyOf(place.sent),
    document: Buffer.from(document).toString("base64"),
  };
}

async function recoveryKeyOf(sent: readonly { path: string; body: Uint8Array }[]): Promise<string> {
  const request = sent.findLast(({ path }) => path === "/v1/recovery");
  return (JSON.parse(Buffer.from(request?.body ?? []).toString()) as { recoveryKey: string }).recoveryKey;
}

type Sample = {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** What another account gets: a refusal's code, or "own": it is done to the caller's own account only. */
  readonly gets: string;
};
const key = (): string => Buffer.from(random(32)).toString("hex");
const base64 = (length: number): string => Buffer.from(random(length)).toString("base64");

/** Routes for members, used by a stranger on what is the victim's. */
const MEMBERS: Readonly<Record<string, () => Sample>> = {
  "GET /v1/account": () => ({ gets: "own" }),
  "POST /v1/account/delete": () => ({ body: { account: victim.account.id }, gets: "forbidden" }),
  "GET /v1/devices": () => ({ gets: "own" }),
  "POST /v1/devices/name": () => ({ body: { name: "mine" }, gets: "own" }),
  "POST /v1/devices/revoke": () => ({ body: { deviceKey: victim.deviceKey }, gets: "own" }),
  "POST /v1/sessions/end": () => ({ body: { id: victim.session }, gets: "own" }),
  "POST /v1/notice-key": () => ({
    body: { card: Buffer.from(cardOf(new Uint8Array(32))).toString("base64") },
    gets: "credential-refused",
  }),
  "POST /v1/key-packages": () => ({ body: { keyPackages: [base64(100)] }, gets: "own" }),
  // Key packages are left for whoever wants to add the account.
  "POST /v1/accounts/:account/key-package": () => ({ params: { account: victim.account.id }, gets: "own" }),
  "POST /v1/requests": () => ({
    body: { conversation: victim.conversation, document: victim.document },
    gets: "forbidden",
  }),
  "POST /v1/requests/take": () => ({ gets: "own" }),
  // This server sends no push messages.
  "GET /v1/push": () => ({ gets: "not-found" }),
  "POST /v1/push": () => ({
    body: { endpoint: "https://push.example.org/", p256dh: base64(65), auth: base64(16) },
    gets: "not-found",
  }),
  "POST /v1/push/remove": () => ({ body: {}, gets: "own" }),
  "POST /v1/roles": () => ({ body: { account: victim.account.id, role: "member" }, gets: "role-required" }),
  "GET /v1/audit": () => ({ gets: "role-required" }),
  "POST /v1/invitations": () => ({ body: { secretHash: key(), days: 1, role: "member" }, gets: "own" }),
  "GET /v1/invitations": () => ({ gets: "own" }),
  "POST /v1/invitations/revoke": () => ({
    body: { secretHash: Buffer.from(victim.invitation.secretHash).toString("hex") },
    gets: "own",
  }),
  "POST /v1/passkeys/begin": () => ({ gets: "own" }),
  "POST /v1/passkeys": () => ({
    body: { id: "AA", clientDataJSON: "AA", attestationObject: "AA", transports: [], label: "" },
    gets: "passkey-refused",
  }),
  "GET /v1/passkeys": () => ({ gets: "own" }),
  "POST /v1/passkeys/remove": () => ({ body: { id: victim.passkey }, gets: "own" }),
  "GET /v1/pairings": () => ({ gets: "own" }),
  "POST /v1/pairings/claim": () => ({ body: { id: victim.pairingId }, gets: "pairing-unknown" }),
  "POST /v1/pairings/host": () => ({
    body: { id: victim.pairingId, slot: "grant", bytes: base64(100) },
    gets: "pairing-unknown",
  }),
  "POST /v1/pairings/read": () => ({ body: { id: victim.pairingId, wait: 0 }, gets: "pairing-unknown" }),
  "POST /v1/recovery": () => ({
    body: { recoveryKey: victim.recoveryKey, sealed: base64(145) },
    gets: "exists",
  }),
  "GET /v1/backups": () => ({ gets: "own" }),
  "POST /v1/backups/:generation/:number": () => ({
    params: { generation: "5", number: "1" },
    body: "x",
    gets: "conflict",
  }),
  "GET /v1/backups/:deviceKey/:generation/:number": () => ({
    params: { deviceKey: victim.deviceKey, generation: "0", number: "0" },
    gets: "not-found",
  }),
  "POST /v1/backups/prune": () => ({ body: { deviceKey: victim.deviceKey, before: 1000 }, gets: "own" }),
  "POST /v1/relay/:transfer/:number": () => ({
    params: { transfer: victim.transfer, number: "0" },
    body: "x",
    gets: "own",
  }),
  "GET /v1/relay/:transfer/:number": () => ({
    params: { transfer: victim.transfer, number: "7" },
    gets: "own",
  }),
  "POST /v1/relay/:transfer/drop": () => ({ params: { transfer: victim.transfer }, gets: "own" }),
  "POST /v1/conversations": () => ({
    body: { conversation: victim.conversation, charter: null, day: Math.floor(server.now / 86_400) },
    gets: "exists",
  }),
  "GET /v1/conversations": () => ({ gets: "own" }),
  "GET /v1/conversations/:conversation": () => ({
    params: { conversation: victim.conversation },
    gets: "forbidden",
  }),
  "POST /v1/conversations/:conversation/items": () => ({
    params: { conversation: victim.conversation },
    body: { items: [{ kind: "message", key: "k1234567", epoch: 1, bytes: base64(200) }] },
    gets: "forbidden",
  }),
  "GET /v1/conversations/:conversation/items": () => ({
    params: { conversation: victim.conversation },
    gets: "forbidden",
  }),
  "GET /v1/welcomes": () => ({ gets: "own" }),
  "POST /v1/welcomes/acknowledge": () => ({ body: { ids: [victim.welcome] }, gets: "own" }),
  "POST /v1/conversations/:conversation/attachments": () => ({
    params: { conversation: victim.conversation },
    body: { id: key(), size: 1024 },
    gets: "forbidden",
  }),
  "GET /v1/attachments/:id": () => ({ params: { id: victim.attachment }, gets: "forbidden" }),
  "POST /v1/attachments/:id/parts/:part": () => ({
    params: { id: victim.attachment, part: "0" },
    body: "x",
    gets: "forbidden",
  }),
  "GET /v1/attachments/:id/parts/:part": () => ({
    params: { id: victim.attachment, part: "0" },
    gets: "forbidden",
  }),
  "POST /v1/attachments/:id/complete": () => ({
    params: { id: victim.attachment },
    body: { digest: base64(32) },
    gets: "forbidden",
  }),
  "POST /v1/attachments/:id/cancel": () => ({
    params: { id: victim.attachment },
    body: {},
    gets: "forbidden",
  }),
};

/** Routes that ask for no session, and why. */
const OTHERS: Readonly<Record<string, Route["access"]>> = {
  "POST /v1/accounts": "signed",
  "POST /v1/sessions/challenge": "open",
  "POST /v1/sessions": "signed",
  "POST /v1/invitations/look": "open",
  "POST /v1/passkeys/sign-in/begin": "open",
  "POST /v1/passkeys/sign-in": "signed",
  "POST /v1/pairings": "open",
  "POST /v1/pairings/guest": "capability",
  "POST /v1/recovery/open": "signed",
};

const TABLE: readonly Route[] = routes({} as Services);
const nameOf = ({ method, url }: Route): string => `${method} ${url}`;
/** What only the primary answers, and every process for its operator. */
const REST: readonly Route[] = [
  ...logRoutes({} as PrimaryServices),
  ...disclosureRoutes({} as PrimaryServices),
  ...hi1Routes({} as PrimaryServices),
  ...operationRoutes(null as never, null as never, null as never, new AbortController().signal),
  ...welcomeRoutes(),
];
const ROLES: readonly Role[] = ["member", "moderator", "response-officer", "administrator"];

describe("every route", () => {
  test("DEL-10, ACC-80: has its access, its roles and its line here", () => {
    const members = TABLE.filter(({ access }) => access === "member").map(nameOf);
    expect(members.toSorted()).toEqual(Object.keys(MEMBERS).toSorted());
    const others = TABLE.filter(({ access }) => access !== "member");
    expect(Object.fromEntries(others.map((route) => [nameOf(route), route.access]))).toEqual(OTHERS);
    const withRoles = TABLE.filter(({ roles }) => roles !== undefined);
    expect(withRoles.map((route) => [nameOf(route), route.roles])).toEqual([
      ["POST /v1/roles", ["administrator"]],
      ["GET /v1/audit", ["administrator"]],
    ]);
    // What only the primary answers is public, signed or by capability: no member's session counts there.
    expect(REST.filter(({ access }) => access === "member").map(nameOf)).toEqual([]);
  });

  test("DEL-3: is in the OpenAPI that the server serves, with what it takes and whom it asks for", async () => {
    type Operation = {
      requestBody?: object;
      parameters?: { name: string; in: string }[];
      security?: object[];
    };
    const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, Operation>>;
    };
    const served = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
    );
    const all = [...TABLE, ...REST].map((route) => {
      const path = route.url.replace(/:(\w+)/g, "{$1}").replace("*", "{path}");
      return { route, name: `${route.method.toLowerCase()} ${path}` };
    });
    expect(served.map(({ name }) => name).toSorted()).toEqual(
      [...all.map(({ name }) => name), "get /openapi.json", "get /v1/stream"].toSorted(),
    );
    for (const { route, name } of all) {
      const operation = served.find((one) => one.name === name)?.operation;
      expect([name, operation?.requestBody !== undefined]).toEqual([
        name,
        route.contract.request !== undefined,
      ]);
      expect([name, operation?.security !== undefined]).toEqual([name, route.access === "member"]);
      const named = [...route.url.matchAll(/:(\w+)/g)].map(([, param]) => param);
      const inPath = operation?.parameters?.filter((one) => one.in === "path").map((one) => one.name) ?? [];
      expect([name, inPath.filter((one) => one !== "path")]).toEqual([name, named]);
    }
  });

  async function use(name: string, token: string | null): Promise<{ status: number; code: string }> {
    const [method = "", url = ""] = name.split(" ");
    const sample = (MEMBERS[name] as () => Sample)();
    const path = url.replace(/:([a-zA-Z]+)/g, (_, param: string) => sample.params?.[param] ?? "");
    const { body } = sample;
    const response = await fetch(server.url + path, {
      method,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(method === "POST" ? { body: typeof body === "string" ? body : JSON.stringify(body ?? {}) } : {}),
    });
    const text = await response.text();
    const code = response.status >= 400 ? (JSON.parse(text) as { code: string }).code : "own";
    // Whatever came back, nothing of the victim's is in it but the names that the caller sent itself.
    if (response.status < 400 && !name.endsWith("key-package")) {
      for (const secret of ["victim's", "on its way", victim.conversation, victim.passkey]) {
        expect(text.includes(secret), `${name} gives ${secret}`).toBe(false);
      }
    }
    return { status: response.status, code };
  }

  test("ACC-3, ACC-80: a stranger in any role gets nothing of another account's, and without a session nobody anything", async () => {
    for (const name of Object.keys(MEMBERS)) {
      expect([name, (await use(name, null)).code]).toEqual([name, "unauthenticated"]);
      expect([name, (await use(name, "A".repeat(43))).code]).toEqual([name, "session-expired"]);
    }
    for (const role of ROLES) {
      const stranger = await newcomer(server);
      await server.admin("set-role", { account: stranger.account.id, role });
      const token = await tokenOf(stranger.home.sent, stranger.account);
      for (const name of Object.keys(MEMBERS)) {
        const wanted = (MEMBERS[name] as () => Sample)().gets;
        const isAllowed = wanted === "role-required" && role === "administrator";
        const { status, code } = await use(name, token);
        expect([role, name, code]).toEqual([role, name, isAllowed ? "own" : wanted]);
        expect(status).toBeLessThan(500);
      }
      // An administrator may revoke anybody's invitation; nobody else did.
      const invitations = await victim.account.invitations();
      expect(invitations).toHaveLength(role === "administrator" ? 0 : 1);
    }
  });

  test("and everything of the victim's is as it was", async () => {
    const { account, place, friend } = victim;
    const [device] = await account.devices();
    expect(device).toMatchObject({ name: "victim's", revoked: null });
    expect(device?.sessions.map(({ id }) => id)).toContain(victim.session);
    expect((await account.ownData()).passkeys).toHaveLength(1);
    expect((await place.server.account.backups()).map(({ chunks }) => chunks)).toEqual([1]);
    expect(await place.server.account.relay(victim.transfer, 0, { wait: 0 })).toEqual(utf8("on its way"));
    expect(await place.server.attachment(victim.attachment)).toMatchObject({ complete: false, received: [] });
    expect((await friend.home.server.welcomes()).map(({ id }) => id)).toEqual([victim.welcome]);
    expect((await place.server.items(victim.conversation, 0)).items.map(({ kind }) => kind)).toEqual([
      "commit",
      "message",
    ]);
    await victim.pairing.refuse();
  });

  async function tokenOf(sent: unknown, account: typeof victim.account): Promise<string> {
    void sent;
    const { deviceKey, credential, deviceSeed, suite } = account.member.device;
    const session = await server.client().login({
      audience: AUDIENCE,
      deviceKey,
      credential,
      sign: (message) => suite.primitives.ed25519Sign(deviceSeed, message),
    });
    return session.token;
  }
});
