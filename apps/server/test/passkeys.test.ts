import { hex } from "@porchlight/encoding";
import { WireError } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  beginPasskey,
  beginPasskeySignIn,
  finishPasskey,
  finishPasskeySignIn,
  localPasskeyRequest,
  newStorageKey,
  PRF_INPUT,
  type PrfOutput,
  prfOf,
  startPairing,
  unwrapWithPrf,
  wrapWithPrf,
} from "../../../packages/client/src/index.ts";
import { TestServer } from "./deployment.ts";
import { AUDIENCE, home, newcomer, random } from "./homes.ts";
import { type Fault, SoftwareAuthenticator } from "./software-authenticator.ts";

const ORIGIN = "http://localhost:7400";
let server: TestServer;

beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(async () => {
  await server.stop();
});

async function refused(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => new Error("accepted"),
    (cause: unknown) => cause as Error,
  );
  if (!(error instanceof WireError)) return error.message;
  return `${error.status} ${error.refusal} ${error.message}`;
}
const code = async (run: Promise<unknown>): Promise<string> => (await refused(run)).split(" ")[1] ?? "";

/** An account with a passkey on this authenticator. */
async function withPasskey(authenticator = new SoftwareAuthenticator(ORIGIN)) {
  const { account, home: place } = await newcomer(server);
  const options = await beginPasskey(place.server.account, { name: "Ada" });
  const made = await finishPasskey(place.server.account, authenticator.create(options), { label: "laptop" });
  return { account, place, authenticator, options, ...made };
}

describe("passkeys", () => {
  test("ACC-20, ACC-22 to ACC-24: one is registered and signs in, names its account, and opens no session", async () => {
    const { account, place, authenticator, options, passkey } = await withPasskey();
    expect(passkey).toMatchObject({ label: "laptop", transports: ["internal"], lastUsed: null });
    // Neither the account's id nor the person's name is what the other side keeps.
    expect(options.user.id).not.toContain(Buffer.from(account.id, "hex").toString("base64url"));
    expect(place.sent.some(({ body }) => Buffer.from(body).includes("Ada"))).toBe(false);

    const stranger = await home(server);
    const request = await beginPasskeySignIn(stranger.server.account);
    expect(request.allowCredentials).toBeUndefined();
    const signedIn = await finishPasskeySignIn(stranger.server.account, authenticator.get(request));
    expect(signedIn.account).toBe(account.id);
    expect(await code(stranger.server.conversations())).toBe("unauthenticated");
    const [listed] = (await account.ownData()).passkeys;
    expect(listed?.lastUsed).not.toBeNull();
    // A second one of the same authenticator is not made: the page is told of the first.
    const again = await beginPasskey(place.server.account, { name: "Ada" });
    expect(() => authenticator.create(again)).toThrow("InvalidStateError");
  });

  test("ACC-23, ACC-26: its PRF unlocks the storage key, the same each time, and leaves the device in no request", async () => {
    const { place, authenticator, passkey, prf } = await withPasskey();
    const output = prf as PrfOutput;
    expect(output).toHaveLength(32);
    const key = newStorageKey(random);
    const slot = await wrapWithPrf(key, { credentialId: passkey.id, salt: PRF_INPUT, output }, random);
    // Later, offline: no server takes part.
    const sent = place.sent.length;
    const answer = authenticator.get(localPasskeyRequest([passkey.id], "localhost", random));
    const later = prfOf(answer.clientExtensionResults) as PrfOutput;
    expect(hex((await unwrapWithPrf([slot], { credentialId: passkey.id, output: later })) ?? random(1))).toBe(
      hex(key),
    );
    expect(place.sent.length).toBe(sent);
    // Another passkey does not open it.
    const other = await withPasskey();
    expect(
      await unwrapWithPrf([slot], { credentialId: passkey.id, output: other.prf as PrfOutput }),
    ).toBeNull();
    const request = await beginPasskeySignIn(place.server.account);
    const signedIn = await finishPasskeySignIn(place.server.account, authenticator.get(request));
    expect(signedIn.prf).toEqual(output);
    for (const { body } of place.sent) {
      for (const form of ["base64", "base64url", "hex"] as const) {
        expect(Buffer.from(body).includes(Buffer.from(output).toString(form).replace(/=+$/, ""))).toBe(false);
      }
    }
    // And the server's contract has no place for it.
    const body = JSON.stringify({
      id: passkey.id,
      clientDataJSON: "AA",
      authenticatorData: "AA",
      signature: "AA",
      pairing: null,
      clientExtensionResults: { prf: { results: { first: "AA" } } },
    });
    const response = await fetch(`${server.url}/v1/passkeys/sign-in`, { method: "POST", body });
    expect(response.status).toBe(400);
  });

  test.each<[string, Fault]>([
    ["another origin", { origin: "http://localhost.evil.example" }],
    ["another host's page", { origin: "https://porchlight.example" }],
    ["another RP id", { rpId: "evil.example" }],
    ["nobody verified", { verified: false }],
  ])("ACC-20, ACC-21: refused at registration and at sign-in: %s", async (_, fault) => {
    const { account, home: place } = await newcomer(server);
    const authenticator = new SoftwareAuthenticator(ORIGIN);
    const options = await beginPasskey(place.server.account, { name: "x" });
    const bad = authenticator.create(options, fault);
    expect(await code(finishPasskey(place.server.account, bad, { label: "" }))).toBe("passkey-refused");
    expect((await account.ownData()).passkeys).toEqual([]);
    const { authenticator: good } = await withPasskey();
    const assertion = good.get(await beginPasskeySignIn(place.server.account), fault);
    expect(await code(finishPasskeySignIn(place.server.account, assertion))).toBe("passkey-refused");
  });

  test("ACC-21: a copied authenticator is refused once its counter is behind", async () => {
    const { place, authenticator } = await withPasskey();
    const copy = authenticator.copy();
    const signIn = async (with_: SoftwareAuthenticator): Promise<string> =>
      await code(
        finishPasskeySignIn(place.server.account, with_.get(await beginPasskeySignIn(place.server.account))),
      );
    expect(await signIn(authenticator)).toBe("");
    expect(await signIn(authenticator)).toBe("");
    expect(await signIn(copy)).toBe("passkey-refused");
    expect(await signIn(authenticator)).toBe("");
  });

  test("ACC-20: a challenge is good once, for its purpose and its account", async () => {
    const [one, two] = [await withPasskey(), await newcomer(server)];
    const answer = one.authenticator.get(await beginPasskeySignIn(one.place.server.account));
    expect(await code(finishPasskeySignIn(one.place.server.account, answer))).toBe("");
    expect(await code(finishPasskeySignIn(one.place.server.account, answer))).toBe("challenge-unknown");
    // A registration's challenge signs nobody in, and registers nothing for another account.
    const options = await beginPasskey(one.place.server.account, { name: "x" });
    const crossed = one.authenticator.get({
      challenge: options.challenge,
      rpId: "localhost",
      userVerification: "required",
      extensions: options.extensions,
    });
    expect(await code(finishPasskeySignIn(one.place.server.account, crossed))).toBe("challenge-unknown");
    const again = await beginPasskey(one.place.server.account, { name: "x" });
    const created = new SoftwareAuthenticator(ORIGIN).create(again);
    expect(await code(finishPasskey(two.home.server.account, created, { label: "" }))).toBe(
      "challenge-unknown",
    );
    expect((await two.account.ownData()).passkeys).toEqual([]);
  });

  test("ACC-3: an unknown passkey, a removed one and a wrong signature are one answer, word for word", async () => {
    const { account, place, authenticator, passkey } = await withPasskey();
    const assert = async (
      change: (made: ReturnType<SoftwareAuthenticator["get"]>) => object,
    ): Promise<string> => {
      const made = authenticator.get(await beginPasskeySignIn(place.server.account));
      return await refused(finishPasskeySignIn(place.server.account, { ...made, ...change(made) }));
    };
    const unknown = await assert(() => ({ id: Buffer.from(random(32)).toString("base64url") }));
    const wrong = await assert(({ response }) => ({
      response: { ...response, signature: Buffer.from(random(70)).toString("base64url") },
    }));
    await place.server.account.removePasskey(passkey.id);
    const removed = await assert(() => ({}));
    expect(unknown).toMatch(/^401 passkey-refused /);
    expect([wrong, removed]).toEqual([unknown, unknown]);
    expect((await account.ownData()).passkeys).toEqual([]);
  });

  test("ACC-25: after a sign-in the account's devices see the new one without its code, and compare the digits", async () => {
    const { account, place, authenticator } = await withPasskey();
    const other = await newcomer(server);
    const guestHome = await home(server);
    const guest = await startPairing(guestHome, { audience: AUDIENCE, deviceName: "kitchen" });
    const assertion = authenticator.get(await beginPasskeySignIn(guestHome.server.account));
    await finishPasskeySignIn(guestHome.server.account, assertion, { pairing: guest.token });
    expect(await other.account.waitingDevices()).toEqual([]);
    const [waiting] = await account.waitingDevices();
    expect(waiting?.deviceName).toBe("kitchen");
    // Another account cannot take it up any more, even with the code.
    expect(await code(other.home.server.account.claimPairing(waiting?.id ?? random(32)))).toBe(
      "pairing-unknown",
    );
    const [host, digits] = await Promise.all([account.pair(waiting?.id ?? random(32)), guest.digits()]);
    expect(host.digits).toBe(digits);
    const [entered] = await Promise.all([guest.finish(), host.confirm()]);
    expect(entered.account.id).toBe(account.id);
    expect((await account.devices()).map(({ name }) => name)).toContain("kitchen");
    expect(place.sent.length).toBeGreaterThan(0);
  });
});

test("ACC-21: a deployment's own RP id and origins count, and only they", async () => {
  const own = await TestServer.start(
    {},
    {
      passkeys: { rpId: "chat.example.org", rpName: "Chat", origins: ["https://chat.example.org"] },
    },
  );
  try {
    const { home: place } = await newcomer(own);
    const options = await beginPasskey(place.server.account, { name: "x" });
    expect(options.rp).toEqual({ id: "chat.example.org", name: "Chat" });
    const right = new SoftwareAuthenticator("https://chat.example.org");
    await finishPasskey(place.server.account, right.create(options), { label: "" });
    const wrong = new SoftwareAuthenticator(ORIGIN).create(
      await beginPasskey(place.server.account, { name: "x" }),
    );
    expect(await code(finishPasskey(place.server.account, wrong, { label: "" }))).toBe("passkey-refused");
  } finally {
    await own.stop();
  }
});
