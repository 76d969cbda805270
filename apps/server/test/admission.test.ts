import { hex } from "@porchlight/encoding";
import { WireError } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Account,
  invitationHash,
  invitationLink,
  parseInvitation,
} from "../../../packages/client/src/index.ts";
import { TestServer } from "./deployment.ts";
import { AUDIENCE, home, newcomer, random } from "./homes.ts";

let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start({}, { registration: "invitation", invitations: { open: 2 } });
});
afterAll(async () => {
  await server.stop();
});

async function refusal(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => null,
    (cause: unknown) => cause,
  );
  if (error === null) return "accepted";
  return error instanceof WireError
    ? (error.refusal ?? error.code)
    : ((error as { code?: string }).code ?? "");
}

/** What the operator's command gives. */
async function invited(role = "member"): Promise<Uint8Array> {
  const secret = random(32);
  await server.admin("invite", { secretHash: hex(invitationHash(secret)), days: 7, role });
  return secret;
}

describe("registration by invitation", () => {
  test("ACC-1, ACC-2, ACC-10, ACC-11, ACC-13: with a secret, once, in time; an account that is in needs none", async () => {
    expect(await refusal(newcomer(server))).toBe("invitation-required");
    // ACC-13: known before anything is made.
    const stranger = await home(server);
    expect(await refusal(stranger.server.account.lookAtInvitation(null))).toBe("invitation-required");
    expect(await refusal(newcomer(server, { invitation: random(32) }))).toBe("invitation-refused");
    const secret = await invited();
    const { account, home: place } = await newcomer(server, { invitation: secret });
    expect(account.inviter).toBeNull();
    expect(await refusal(newcomer(server, { invitation: secret }))).toBe("invitation-refused");
    // Again, as after a lost answer; and later without.
    expect((await Account.create(place, { audience: AUDIENCE, invitation: secret })).id).toBe(account.id);
    expect((await Account.open(place, { audience: AUDIENCE })).id).toBe(account.id);
    const late = await invited();
    await server.tick(server.now + 7 * 86_400);
    expect(await refusal(newcomer(server, { invitation: late }))).toBe("invitation-refused");
  });

  test("ACC-12: members invite, are told who came, and who comes is told who invited", async () => {
    const ada = await newcomer(server, { invitation: await invited() });
    const { secret } = await ada.account.invite();
    const link = invitationLink("https://chat.example.org/", secret);
    expect(link).toMatch(/^https:\/\/chat\.example\.org\/join#[A-Za-z0-9_-]{43}$/);
    const ben = await home(server);
    expect(await ben.server.account.lookAtInvitation(parseInvitation(link))).toMatchObject({
      inviter: ada.account.id,
    });
    const joined = await Account.create(ben, { audience: AUDIENCE, invitation: parseInvitation(link) });
    expect(joined.inviter).toBe(ada.account.id);
    expect(await ada.account.invitations()).toMatchObject([{ usedBy: joined.id, role: "member" }]);
    expect(await refusal(ben.server.account.lookAtInvitation(secret))).toBe("invitation-refused");
    // Two open ones at a time, and no role but member.
    await ada.account.invite();
    const { invitation } = await ada.account.invite();
    expect(await refusal(ada.account.invite())).toBe("quota");
    await ada.account.revokeInvitation(invitation);
    expect(await refusal(ada.account.invite({ role: "administrator" }))).toBe("role-required");
    expect(await refusal(ada.account.invite())).toBe("accepted");
  });

  test("ACC-10: the secret is in no address and no log line, and the server does not have it before it is used", async () => {
    const secret = await invited();
    const { home: place } = await newcomer(server, { invitation: secret });
    for (const { path } of place.sent) expect(path).not.toContain(Buffer.from(secret).toString("base64url"));
    for (const form of ["base64", "base64url", "hex"] as const) {
      expect(server.logText).not.toContain(Buffer.from(secret).toString(form));
    }
  });

  test("ACC-1, ACC-3: who has not the device's key does not learn whether an account is registered", async () => {
    const { account } = await newcomer(server, { invitation: await invited() });
    const { deviceKey, credential } = account.member.device;
    const stranger = await home(server);
    const answers = [];
    for (const known of [credential, random(97)]) {
      const login = { audience: AUDIENCE, deviceKey, credential: known, sign: () => random(64) };
      answers.push(
        await refusal(stranger.server.login(login)),
        await refusal(stranger.server.register(login)),
      );
    }
    expect(new Set(answers)).toEqual(new Set(["credential-refused"]));
    // Who has it, is told what to do.
    const other = await home(server);
    expect(await refusal(Account.create(other, { audience: AUDIENCE }))).toBe("invitation-required");
  });
});

describe("roles", () => {
  test("ACC-80, ACC-81: the operator makes the first administrator, administrators change roles, each change is one line", async () => {
    const admin = await newcomer(server, { invitation: await invited("administrator") });
    const person = await newcomer(server, { invitation: await invited() });
    const api = admin.home.server.account;
    expect((await admin.account.ownData()).account.role).toBe("administrator");
    await api.setRole(person.account.id, "moderator");
    expect(await refusal(person.home.server.account.setRole(admin.account.id, "member"))).toBe(
      "role-required",
    );
    // Twice the same is one change.
    await api.setRole(person.account.id, "moderator");
    expect(await refusal(api.setRole(admin.account.id, "member"))).toBe("forbidden");
    await server.admin("set-role", { account: person.account.id, role: "response-officer" });
    const lines = await api.audit();
    expect(lines.map(({ act, actor, subject, detail }) => [act, actor, subject, detail])).toEqual([
      ["role", admin.account.id, person.account.id, "member to moderator"],
      ["role", null, person.account.id, "moderator to response-officer"],
    ]);
    expect(await refusal(person.home.server.account.audit())).toBe("role-required");
    expect(await server.admin("audit")).toMatchObject({ lines: [{ act: "role" }, { act: "role" }] });
    // A role that is taken away is gone at once.
    await server.admin("set-role", { account: admin.account.id, role: "member" });
    expect(await refusal(api.audit())).toBe("role-required");
  });
});
