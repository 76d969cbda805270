import { createECDH } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { accountIdOf, base64url, type ConversationId } from "@porchlight/encoding";
import { type AccountClient, WireError } from "@porchlight/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestServer } from "../apps/server/test/deployment.ts";
import type { AppState } from "../packages/client/src/messenger/page.ts";
import type { Platform, Wanted } from "../packages/client/src/messenger/platform.ts";
import { formatContactCode } from "../packages/client/src/messenger/safety-number.ts";
import { chartered, PASSPHRASE, Somebody } from "./people.ts";

const OTHER = accountIdOf(new Uint8Array(32).fill(9));
const SECRET = { kind: "passphrase", passphrase: PASSPHRASE } as const;

describe("one person's devices, with the whole messenger and a real server", () => {
  let server: TestServer;
  let ada: Somebody;
  let bea: Somebody;
  let tablet: Somebody;
  let talk: ConversationId;
  let recoveryCode: string;
  let wantedOfAda: Wanted;
  /** What stands in place of the account's calls on Ada's device, and the calls themselves. */
  const insteadOfAda: Partial<AccountClient> = {};
  let callsOfAda: AccountClient;
  let pushService: Server;
  let pushOrigin: string;
  let told: (body: Buffer) => void = () => {};
  const pushed = new Promise<Buffer>((resolve) => {
    told = resolve;
  });

  beforeAll(async () => {
    pushService = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        response.writeHead(201).end();
        told(Buffer.concat(chunks));
      });
    });
    pushService.listen(0, "127.0.0.1");
    await once(pushService, "listening");
    pushOrigin = `http://127.0.0.1:${(pushService.address() as AddressInfo).port}`;
    const push = { contact: "mailto:operator@example.org", allow: [pushOrigin] };
    server = await TestServer.start({}, { push, metrics: { port: 0 } });
    const charter = await chartered(server);
    const clock = { now: () => server.now };
    ada = await Somebody.signUp("Ada", server.url, clock, (platform) => ({
      ...through((account) => {
        callsOfAda = account;
        return insteadOfAda;
      })(platform),
      lock: async (wanted) => {
        wantedOfAda = wanted;
        return await platform.lock(wanted);
      },
    }));
    bea = await Somebody.signUp("Bea", server.url, clock);
    await online(ada);
    await online(bea);
    await ada.page.perform("addContact", { code: bea.state.me.contactCode });
    await ada.page.perform("createConversation", { charter, title: "", accounts: [bea.account] });
    talk = (await bea.conversation(({ kind }) => kind === "direct")).id;
    await ada.page.perform("createConversation", { charter, title: "A group", accounts: [bea.account] });
    await bea.conversation(({ title, kind }) => title === "A group" && kind === "group");
    await ada.says(talk, "from before");
    await bea.hears(talk, "from before");
    await bea.page.perform("safetyNumber", { account: ada.account });
    await bea.page.perform("verifyContact", { account: ada.account, scanned: null });
  });
  afterAll(async () => {
    for (const somebody of [ada, bea, tablet]) await somebody?.remove();
    await server.stop();
    pushService.close();
  });

  const online = (somebody: Somebody) =>
    somebody.page.until((state) => state.kind === "ready" && state.connection.kind === "online");

  const guestOf = ({ page: { state } }: Somebody) => (state.kind === "signed-out" ? state.pairing : null);
  const guestIs = async (device: Somebody, kind: string) => {
    await device.page.until(() => guestOf(device)?.kind === kind);
    return guestOf(device);
  };
  const hostIs = async (kind: string) => {
    await ada.page.until((state) => state.kind === "ready" && state.pairing?.kind === kind);
    return ada.state.pairing;
  };

  /** The code that it shows. */
  const codeOf = async (device: Somebody, deviceName: string): Promise<string> => {
    await device.page.perform("beginPairing", { deviceName, secret: SECRET });
    const pairing = guestOf(device);
    return pairing?.kind === "code" ? pairing.code : "";
  };

  /** Shows its code, which Ada types; gives the digits that she then sees. */
  const begins = async (device: Somebody, deviceName: string): Promise<string> => {
    await ada.page.perform("approveDevice", { code: await codeOf(device, deviceName) });
    const host = ada.state.pairing;
    expect(host).toMatchObject({ kind: "compare", deviceName, digits: expect.stringMatching(/^\d{6}$/) });
    return host?.kind === "compare" ? host.digits : "";
  };

  test("ACC-30, ACC-34: a device that was refused says so, and one that was lied to says that somebody may be in between", async () => {
    let isLying = false;
    // What a server in between may do: it answers in the other device's place.
    const slate = await ada.another(
      through((account) => ({
        pairingGuest: async (...asked: Parameters<typeof account.pairingGuest>) => {
          const [{ until }] = asked;
          return isLying && until === "grant"
            ? { answer: null, grant: new Uint8Array(3_000).fill(7), refused: false }
            : await account.pairingGuest(...asked);
        },
      })),
    );
    const ended = () => guestIs(slate, "ended");
    const refuse = async (digits: string): Promise<void> => {
      await ada.page.perform("confirmDevice", { digits, yes: false, history: false });
      expect(ada.state.pairing).toEqual({ kind: "refused", deviceName: "slate" });
    };
    // ACC-38: it is said before the server hears of it, and the server hears of it when it can.
    let isAway = true;
    insteadOfAda.pairingHost = async (message) => {
      if (isAway && message.slot === "refusal") {
        isAway = false;
        throw BROKEN;
      }
      await callsOfAda.pairingHost(message);
    };
    await refuse(await begins(slate, "slate"));
    expect(await ended()).toEqual({ kind: "ended", code: "pairing-refused" });
    expect(isAway).toBe(false);
    delete insteadOfAda.pairingHost;
    isLying = true;
    const digits = await begins(slate, "slate");
    expect(await ended()).toEqual({ kind: "ended", code: "pairing-altered" });
    await refuse(digits);
    await ada.page.perform("closePairing");
    expect(ada.state.pairing).toBeNull();
    await slate.page.perform("cancelPairing");
    expect(slate.page.state).toMatchObject({ kind: "signed-out", pairing: null });
    await slate.remove();
  });

  test("ACC-37: a pairing that its person turned away from, or that another followed, lets nothing in however late it answers", async () => {
    const hold = held();
    let isHolding = true;
    const [late, other] = [await ada.another(), await ada.another()];
    // The reveal is there, and comes to Ada's device whenever it pleases who sits in between.
    insteadOfAda.pairingReveal = async (id, { wait }) => {
      const isLate = isHolding;
      isHolding = false;
      const nonce = await callsOfAda.pairingReveal(id, { wait });
      if (isLate) await hold.passed();
      return nonce;
    };
    const stopped = { code: "pairing-stopped" };
    const first = ada.page.perform("approveDevice", { code: await codeOf(late, "late") });
    await hold.reached;
    expect(ada.state.pairing).toEqual({ kind: "waiting" });
    expect(wantedOfAda()).toBe("pairing");
    const shown = await guestIs(late, "digits");
    const digits = await begins(other, "other");
    hold.release();
    await expect(first).rejects.toMatchObject(stopped);
    expect(await guestIs(late, "ended")).toEqual({ kind: "ended", code: "pairing-refused" });
    const compare = { kind: "compare", digits, deviceName: "other" };
    expect(ada.state.pairing).toEqual(compare);
    // A yes for what was seen on the other one.
    const foreign = shown?.kind === "digits" ? shown.digits : "";
    expect(foreign).not.toBe(digits);
    for (const yes of [true, false]) {
      const answer = ada.page.perform("confirmDevice", { digits: foreign, yes, history: false });
      await expect(answer).rejects.toMatchObject({ code: "pairing-changed" });
      expect(ada.state.pairing).toEqual(compare);
    }
    // Turned away from, compared or not.
    await ada.page.perform("stopPairing");
    expect(ada.state.pairing).toBeNull();
    expect(await guestIs(other, "ended")).toEqual({ kind: "ended", code: "pairing-refused" });
    const yes = { digits, yes: true, history: false };
    await expect(ada.page.perform("confirmDevice", yes)).rejects.toMatchObject({ code: "not-now" });
    delete insteadOfAda.pairingReveal;
    const silent = held();
    insteadOfAda.pairingReveal = async (id, waiting) => {
      await silent.passed();
      return await callsOfAda.pairingReveal(id, waiting);
    };
    const second = ada.page.perform("approveDevice", { code: await codeOf(late, "late") });
    await silent.reached;
    await ada.page.perform("stopPairing");
    expect(ada.state.pairing).toBeNull();
    silent.release();
    await expect(second).rejects.toMatchObject(stopped);
    expect(await guestIs(late, "ended")).toEqual({ kind: "ended", code: "pairing-refused" });
    delete insteadOfAda.pairingReveal;
    await late.remove();
    await other.remove();
  });

  test("ACC-30: a second device is let in from the first, with the history; a verified contact's is loud", async () => {
    // ACC-46: a connection that breaks off delays it, and what only tidies up may fail.
    const breaks = { relay: true };
    const hold = held();
    let isHeld = false;
    tablet = await ada.another((platform) =>
      closing(
        through((account) => ({
          relay: async (...asked: Parameters<typeof account.relay>) => {
            if (breaks.relay) {
              breaks.relay = false;
              throw BROKEN;
            }
            return await account.relay(...asked);
          },
          dropRelay: () => Promise.reject(BROKEN),
          nameDevice: async (name: string) => {
            await account.nameDevice(name);
            if (isHeld) await hold.passed();
          },
        }))(platform),
      ),
    );
    const steps = { host: new Set<string>(), guest: new Set<string>() };
    ada.page.subscribe(() => steps.host.add(ada.state.pairing?.kind ?? "none"));
    tablet.page.subscribe(() => {
      const { state } = tablet.page;
      const pairing = state.kind === "signed-out" ? state.pairing : null;
      steps.guest.add(pairing?.kind ?? state.kind);
      if (pairing?.kind === "receiving" && pairing.total !== null) steps.guest.add("of how much");
    });
    const digits = await begins(tablet, "tablet");
    await tablet.page.until(
      ({ kind, ...seen }) =>
        kind === "signed-out" &&
        "pairing" in seen &&
        seen.pairing?.kind === "digits" &&
        seen.pairing.digits === digits,
    );
    // Somebody waits at the other end: neither is given to another tab.
    expect(wantedOfAda()).toBe("pairing");
    // ACC-38: the answer to the grant is lost, and later the list of devices does not come: it is in all the same.
    const lost = new Set(["grant", "devices"]);
    insteadOfAda.pairingHost = async (message) => {
      await callsOfAda.pairingHost(message);
      if (lost.delete(message.slot)) throw BROKEN;
    };
    insteadOfAda.devices = async () => {
      if (lost.delete("devices")) throw BROKEN;
      return await callsOfAda.devices();
    };
    await ada.page.perform("confirmDevice", { digits, yes: true, history: true });
    await tablet.page.until(({ kind }) => kind === "ready");
    expect(breaks.relay).toBe(false);
    expect(await hostIs("in")).toEqual({
      kind: "in",
      deviceName: "tablet",
      withHistory: true,
      sent: { kind: "whole" },
    });
    await ada.page.perform("closePairing");
    // What goes over is told on both.
    expect([...steps.host]).toEqual(
      expect.arrayContaining(["waiting", "compare", "letting-in", "sending", "in", "none"]),
    );
    expect([...steps.guest]).toEqual(expect.arrayContaining(["code", "digits", "receiving", "of how much"]));
    expect(tablet.state.me).toMatchObject({ name: "Ada", account: ada.account, holdsIdentity: false });
    expect(await tablet.texts(talk)).toContain("from before");
    await bea.page.until(
      (seen) => seen.kind === "ready" && seen.contacts[ada.account]?.trust.kind === "changed",
    );
    await bea.sees(talk, (entry) => entry.kind === "event" && entry.event.kind === "safety-number-changed");
    // CON-22: as loud in a group as between two.
    await bea.conversation(({ kind, changed }) => kind === "direct" && changed[0] === ada.account);
    await bea.conversation(({ kind, changed }) => kind === "group" && changed[0] === ada.account);
    const { contact } = await bea.page.perform("safetyNumber", { account: ada.account });
    const { trust } = contact;
    if (trust.kind !== "changed") throw new Error(trust.kind);
    const isListed = (state: AppState): boolean =>
      state.kind === "ready" && state.me.devices.some(({ name }) => name === "tablet");
    await ada.page.until(isListed);
    expect(lost).toEqual(new Set());
    delete insteadOfAda.pairingHost;
    delete insteadOfAda.devices;
    const added = ada.state.me.devices.find(({ name }) => name === "tablet");
    expect(trust.newDevices).toEqual([added?.key]);
    // The digits are the same with any device: comparing them ends nothing, nor does confirming what was not shown.
    await bea.page.perform("verifyContact", { account: ada.account, scanned: null });
    expect(bea.state.contacts[ada.account]?.trust.kind).toBe("changed");
    const foreign = { account: ada.account, devices: [...trust.newDevices, "0f".repeat(32)] };
    await expect(bea.page.perform("confirmDevices", foreign)).rejects.toMatchObject({
      code: "device-unknown",
    });
    expect(bea.state.contacts[ada.account]?.trust.kind).toBe("changed");
    await bea.page.perform("confirmDevices", { account: ada.account, devices: trust.newDevices });
    await bea.conversation(({ kind, changed }) => kind === "group" && changed.length === 0);
    expect(bea.state.contacts[ada.account]?.trust.kind).toBe("verified");
    await bea.says(talk, "hello to both");
    await ada.hears(talk, "hello to both");
    await tablet.hears(talk, "hello to both");
    await tablet.says(talk, "from the tablet");
    expect(await ada.hears(talk, "from the tablet")).toMatchObject({ fromMe: true });
    expect(ada.state.me.devices.map(({ name }) => name)).toContain("tablet");
    // Locked while an answer is on its way, it is locked, and has not failed.
    isHeld = true;
    const naming = tablet.page.perform("nameDevice", { name: "tablet" });
    await hold.reached;
    await tablet.page.perform("lock");
    hold.release();
    await expect(naming).rejects.toMatchObject({ code: "not-now" });
    expect(tablet.page.state.kind).toBe("locked");
    isHeld = false;
    await tablet.unlock();
    await online(tablet);
  });

  test("ACC-46: a history that breaks off leaves a device with what came whole, and one that nothing came to says that it was let in", async () => {
    let spoilt = 0;
    const slate = await ada.another(
      through((account) => ({
        relay: async (...asked: Parameters<typeof account.relay>) => {
          const chunk = await account.relay(...asked);
          return chunk !== null && asked[1] >= spoilt ? chunk.fill(7) : chunk;
        },
      })),
    );
    const pairing = (kind: string) => guestIs(slate, kind);
    const isLetIn = async (): Promise<void> => {
      const digits = await begins(slate, "slate");
      await ada.page.perform("confirmDevice", { digits, yes: true, history: true });
      await hostIs("in");
    };
    await isLetIn();
    expect(await pairing("abandoned")).toEqual({ kind: "abandoned", code: "stream-corrupt" });
    spoilt = 1;
    // More than one chunk.
    await ada.page.perform("draft", { conversation: talk, text: "x".repeat(1_200_000) });
    await isLetIn();
    await pairing("came-short");
    await slate.page.perform("cancelPairing");
    await slate.page.until(({ kind }) => kind === "ready");
    expect(slate.state.me).toMatchObject({ name: "Ada", account: ada.account });
    await slate.stop();
    await slate.start();
    await slate.unlock();
    await slate.conversation(({ id, status }) => id === talk && status.kind === "active");
    await slate.remove();
    // CON-22: it warns for as long as it is there.
    const trusts = (kind: string) =>
      bea.page.until((seen) => seen.kind === "ready" && seen.contacts[ada.account]?.trust.kind === kind);
    await trusts("changed");
    for (const { key, name } of ada.state.me.devices) {
      if (name === "slate") await ada.page.perform("removeDevice", { device: key });
    }
    await trusts("verified");
    await ada.page.perform("draft", { conversation: talk, text: "" });
  });

  test("ACC-38: who stops is told at once what is known, and what is known later afterwards", async () => {
    const slate = await ada.another();
    const grant = held();
    // Without history: nobody waits for less.
    const yes = { yes: true, history: false } as const;
    const isUnsure = { kind: "unsure", deviceName: "slate", device: expect.stringMatching(/^[0-9a-f]{64}$/) };
    let arrives = true;
    insteadOfAda.pairingHost = async (message) => {
      if (message.slot !== "grant") return await callsOfAda.pairingHost(message);
      await grant.passed();
      if (!arrives) throw BROKEN;
      await callsOfAda.pairingHost(message);
    };
    await ada.page.perform("confirmDevice", { digits: await begins(slate, "slate"), ...yes });
    await grant.reached;
    const lettingIn = { kind: "letting-in", deviceName: "slate" };
    expect(ada.state.pairing).toEqual(lettingIn);
    // ACC-37: one at a time.
    const another = ada.page.perform("approveDevice", { code: "0000-0000-0000" });
    await expect(another).rejects.toMatchObject({ code: "not-now" });
    await ada.page.perform("closePairing");
    expect(ada.state.pairing).toEqual(lettingIn);
    await ada.page.perform("stopPairing");
    expect(ada.state.pairing).toEqual(isUnsure);
    grant.release();
    // The answer came after all; who the person is goes over all the same, and the other device is not left waiting.
    expect(await hostIs("in")).toMatchObject({ withHistory: false, sent: { kind: "stopped" } });
    await slate.page.until(({ kind }) => kind === "ready");
    expect(slate.state.me).toMatchObject({ name: "Ada", account: ada.account });
    await slate.remove();

    // No answer, and nobody is patient any more.
    const gone = await ada.another();
    arrives = false;
    await ada.page.perform("confirmDevice", { digits: await begins(gone, "slate"), ...yes });
    await ada.page.perform("stopPairing");
    expect(await hostIs("unsure")).toEqual(isUnsure);
    delete insteadOfAda.pairingHost;
    await gone.page.perform("cancelPairing");

    // It is over before a grant left: it is not in.
    insteadOfAda.pairingHost = async (message) => {
      if (message.slot !== "grant") return await callsOfAda.pairingHost(message);
      throw new WireError("refused", "it is over", { refusal: "pairing-unknown" });
    };
    await ada.page.perform("confirmDevice", { digits: await begins(gone, "slate"), ...yes });
    expect(await hostIs("failed")).toEqual({ kind: "failed", deviceName: "slate", code: "pairing-over" });
    delete insteadOfAda.pairingHost;
    await gone.page.perform("cancelPairing");

    // It is in, and what was to go over is refused; there nothing came, and its person has had enough.
    insteadOfAda.putRelay = () => Promise.reject(new WireError("refused", "no", { refusal: "quota" }));
    await ada.page.perform("confirmDevice", { digits: await begins(gone, "slate"), ...yes });
    expect(await hostIs("in")).toMatchObject({ withHistory: false, sent: { kind: "broken", code: "quota" } });
    expect(await guestIs(gone, "receiving")).toEqual({ kind: "receiving", done: 0, total: null });
    await gone.page.perform("cancelPairing");
    expect(guestOf(gone)).toEqual({ kind: "abandoned", code: "pairing-stopped" });
    delete insteadOfAda.putRelay;
    await ada.page.perform("closePairing");
    await gone.remove();
  });

  test("PUSH-1: a device whose messenger is closed is told at its browser's push service that something waits, and not what", async () => {
    const subscription = {
      endpoint: `${pushOrigin}/bea`,
      p256dh: new Uint8Array(createECDH("prime256v1").generateKeys()),
      auth: new Uint8Array(16).fill(7),
    };
    expect((await bea.page.perform("pushKey")).key).toHaveLength(65);
    await bea.page.perform("subscribePush", subscription);
    const streams = async (): Promise<number> =>
      Number(/^porchlight_streams (\d+)$/m.exec(await server.figures())?.[1]);
    const before = await streams();
    await bea.stop();
    // The server knows it when it does.
    await expect.poll(streams).toBeLessThan(before);
    await server.tick(server.now + 61);
    await ada.says(talk, "while you were away");
    const body = await pushed;
    expect(body.length).toBeGreaterThan(0);
    expect(body.includes("while you were away")).toBe(false);
    await bea.start();
    await bea.unlock();
    await bea.hears(talk, "while you were away");
    await bea.page.perform("unsubscribePush");
  });

  test("ACC-50: a recovery code brings account and history back, and the lost devices are out", async () => {
    ({ recoveryCode } = await ada.page.perform("makeRecoveryCode"));
    // The code is there before its backup is.
    await ada.page.until((seen) => seen.kind === "ready" && seen.me.backup.kind === "current");
    const { devices, devicesAt } = ada.state.me;
    await ada.stop();
    // Without a connection it is still the device that lets others in, and what it knew of them and of the code is known.
    await ada.start("http://127.0.0.1:9");
    await ada.unlock();
    expect(ada.state.me).toMatchObject({
      holdsIdentity: true,
      backup: { kind: "unseen" },
      devices,
      devicesAt,
    });
    expect(devices.map(({ name }) => name)).toContain("tablet");
    await ada.stop();
    await ada.start(server.url);
    await ada.stop();
    const found = await ada.another();
    await expect(
      found.page.perform("restore", {
        recoveryCode: "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA",
        name: "Ada",
        secret: SECRET,
      }),
    ).rejects.toThrow();
    await found.page.perform("restore", { recoveryCode, name: "Ada", secret: SECRET });
    await tablet.stop();
    expect(found.state.me).toMatchObject({
      account: bea.state.conversations[talk]?.peer,
      holdsIdentity: true,
    });
    expect(await found.texts(talk)).toContain("from before");
    // Bea's device lets the new one in and the lost ones out.
    bea.hurry();
    await found.conversation(({ status }) => status.kind === "active");
    await bea.says(talk, "welcome back");
    await found.hears(talk, "welcome back");
    const members = await bea.page.perform("members", { conversation: talk });
    expect(members.find(({ isMe }) => !isMe)?.devices).toHaveLength(1);
    // A later request counts, and this clock stands still by itself.
    await server.tick(server.now + 60);
    await found.page.perform("leave", { conversation: talk });
    // CON-14: Bea's device did it, and nobody reads that she removed somebody.
    const left = await bea.sees(talk, (entry) => entry.kind === "event" && entry.event.kind === "left");
    expect(left).toMatchObject({ by: found.account, byMe: false });
    await found.page.perform("deleteAccount");
    expect(found.page.state.kind).toBe("signed-out");
    await found.remove();
  });

  test("ACC-10, ACC-13: a link lets somebody in, and says who invited, before and afterwards", async () => {
    const { link } = await bea.page.perform("invite");
    const cay = new Somebody("Cay", server.url, { now: () => server.now });
    await cay.start();
    const look = (invitation: string | null, name?: string) =>
      cay.page.perform("lookInvitation", { invitation, ...(name === undefined ? {} : { name }) });
    const inviter = { account: bea.account, name: "Bea" };
    expect(await look(link)).toMatchObject({ inviter });
    // What would be refused is refused before anything is made; here nobody needs an invitation.
    expect(await look(null, "Cay")).toEqual({ inviter: null, expires: null });
    await expect(look(null, "C\u202Eay")).rejects.toMatchObject({ code: "name-refused" });
    await expect(look("cut")).rejects.toMatchObject({ code: "invitation-malformed" });
    // A link that names another than the server does names nobody.
    const forged = link.replace(/&contact=.*/, `&contact=${formatContactCode(OTHER, "Bea")}`);
    expect(await look(forged)).toMatchObject({ inviter: { ...inviter, name: "" } });
    const key = (n: number) =>
      ({
        kind: "passkey",
        credential: `key${n}`,
        prfInput: base64url(new Uint8Array(32).fill(n)),
        prf: new Uint8Array(32).fill(n),
        label: `Key ${n}`,
      }) as const;
    const words = (passphrase: string) => ({ kind: "passphrase", passphrase }) as const;
    await cay.page.perform("signUp", { invitation: link, name: "Cay", secret: key(1) });
    expect(cay.state.contacts).toMatchObject({ [bea.account]: { name: "Bea" } });
    await expect(look(link)).rejects.toMatchObject({ code: "invitation-refused" });
    await online(cay);
    // ACC-26: what it was made with is a way like others; a passphrase takes the place of the one before.
    await cay.page.perform("addUnlockWay", words("the first words"));
    // It does not go either before a way that there is has opened.
    const second = words("the second words");
    for (const proof of [{}, { proof: second }, { proof: { ...key(1), prf: new Uint8Array(32) } }]) {
      await expect(cay.page.perform("addUnlockWay", { ...second, ...proof })).rejects.toMatchObject({
        code: "unlock-refused",
      });
    }
    await cay.page.perform("addUnlockWay", { ...words("other words"), proof: key(1) });
    await cay.page.perform("addUnlockWay", { ...second, proof: words("other words") });
    await cay.stop();
    await cay.start();
    await expect(cay.page.perform("unlock", words("the first words"))).rejects.toMatchObject({
      code: "unlock-refused",
    });
    await cay.page.perform("unlock", words("the second words"));
    expect(await cay.page.perform("unlockWays")).toMatchObject([
      { kind: "passkey", credential: "key1", label: "Key 1", made: server.now },
      { kind: "passphrase" },
    ]);
    // No way goes before one that stays has opened: not with none, not with the one that goes, not with a wrong one.
    const refused = { code: "unlock-refused" };
    const remove = { passkey: "key1" } as const;
    await expect(cay.page.perform("removePasskey", { ...remove, proof: null })).rejects.toMatchObject(
      refused,
    );
    for (const proof of [words("the second words"), { ...key(1), prf: new Uint8Array(32) }]) {
      const removal = cay.page.perform("removeUnlockWay", { credential: null, proof });
      await expect(removal).rejects.toMatchObject(refused);
    }
    await cay.page.perform("removeUnlockWay", { credential: null, proof: key(1) });
    await online(cay);
    // A device opens in 32 ways and no more, and in one at least.
    await expect(cay.page.perform("removePasskey", { passkey: "key1", proof: key(1) })).rejects.toMatchObject(
      {
        code: "unlock-way-last",
      },
    );
    for (let n = 2; n <= 32; n++) await cay.page.perform("addUnlockWay", key(n));
    await expect(cay.page.perform("addUnlockWay", key(33))).rejects.toMatchObject({
      code: "unlock-ways-full",
    });
    await cay.page.perform("removePasskey", { passkey: "key1", proof: key(32) });
    await cay.stop();
    await cay.start();
    const ways = cay.page.state.kind === "locked" ? cay.page.state.ways : [];
    expect(ways.map((way) => way.kind === "passkey" && way.credential)).toEqual(
      Array.from({ length: 31 }, (_, n) => `key${n + 2}`),
    );
    await expect(cay.page.perform("unlock", key(1))).rejects.toMatchObject({ code: "unlock-refused" });
    await cay.page.perform("unlock", key(32));
    await cay.remove();
  });
});

const BROKEN = new WireError("unreachable", "no connection");

/** A platform whose server is another one in what `others` has of an account's calls. */
function through(others: (account: AccountClient) => object): (platform: Platform) => Platform {
  return (platform) => ({
    ...platform,
    connect: (...given) => {
      const server = platform.connect(...given);
      return instead(server, { account: instead(server.account, others(server.account)) });
    },
  });
}

/** A storage that is closed as a browser's is: it takes nothing more. */
function closing(platform: Platform): Platform {
  return {
    ...platform,
    storage: async (key) => {
      const storage = await platform.storage(key);
      let isOpen = true;
      const save: typeof storage.save = async (...given) => {
        if (!isOpen) throw new DOMException("it is closed", "InvalidStateError");
        await storage.save(...given);
      };
      const close = (): void => {
        isOpen = false;
        storage.close?.();
      };
      return instead(storage, { save, close });
    },
  };
}

/** A place that something waits at until it is let go. */
function held(): {
  readonly reached: Promise<void>;
  readonly passed: () => Promise<void>;
  readonly release: () => void;
} {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const passed = async (): Promise<void> => {
    reached.resolve();
    await released.promise;
  };
  return { reached: reached.promise, passed, release: () => released.resolve() };
}

/** The same object, with other members in place of its own. */
function instead<Thing extends object>(thing: Thing, others: object): Thing {
  return new Proxy(thing, {
    get: (target, name) => {
      if (Object.hasOwn(others, name)) return Reflect.get(others, name);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
