import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { Fields } from "@porchlight/encoding";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { TestServer } from "./deployment.ts";
import { roomOf } from "./people.ts";

const config = (members: object) => readConfig(new Fields({ deployment: "chat.test", ...members }, "config"));

describe("configuration", () => {
  test("one member is enough; the others have defaults", () => {
    expect(config({})).toMatchObject({
      deployment: "chat.test",
      origin: "log.chat.test",
      role: { kind: "primary" },
      port: 7400,
      trustedProxies: [],
      drainSeconds: 0,
    });
  });

  test.each([
    [{ port: 70_000 }, "config.port", "a port, 0 to 65535"],
    [{ port: "7400" }, "config.port", "a port"],
    [{ prot: 1 }, "config.prot", "there is no such member; there are clock, name"],
    [{ role: "second" }, "config.role", '"primary", or "front"'],
    [{ role: "front" }, "config.primary", "the primary's address"],
    [{ role: "front", primary: "10.0.0.1" }, "config.primary", "http:// or https://"],
    [{ tls: { certificate: "a.pem" } }, "config.tls.key", "two PEM files"],
    [{ metrics: { port: 1, path: "/" } }, "config.metrics.path", "where the figures are served"],
    [{ trustedProxies: ["10.0.0.0/33"] }, "config.trustedProxies[0]", "for instance 10.0.0.0/8"],
    [{ trustedProxies: ["proxy"] }, "config.trustedProxies[0]", "addresses or networks"],
    [{ drainSeconds: 60 }, "config.drainSeconds", "0 to 5"],
    [{ policy: "quorum", cosigners: [] }, "policy", "C2SP's text form"],
  ])("%j is refused, with the member's name and what belongs there", (members, where, what) => {
    let message = "";
    try {
      config(members);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(where);
    expect(message).toContain(what);
  });

  test("every member is in docs/operations.md, and nothing else is in its table", () => {
    const source = readFileSync(new URL("../src/config.ts", import.meta.url), "utf8");
    const table = source.slice(source.indexOf("MEMBERS"), source.indexOf("};", source.indexOf("MEMBERS")));
    const members = [...table.matchAll(/^ {2}([A-Za-z]+):/gm)].map(([, name]) => name);
    expect(members.length).toBeGreaterThan(10);
    const docs = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
    const section = docs.slice(docs.indexOf("## Configuration"), docs.indexOf("Environment:"));
    const documented = [...section.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map(([, name]) => name);
    expect(documented.toSorted()).toEqual(members.toSorted());
    // Whatever is read has its sentence.
    const read = [...source.matchAll(/(?:has|fields\.\w+)\("([A-Za-z]+)"/g)].map(
      ([, name]) => name as string,
    );
    const nested = new Set([
      "vkey",
      "url",
      "certificate",
      "key",
      "directory",
      "connect",
      "limit",
      "quota",
      "by",
      "open",
      "allow",
      "origins",
      "contact",
      "rpId",
      "rpName",
    ]);
    for (const name of read) if (!nested.has(name)) expect(members).toContain(name);
  });
});

const openssl = spawnSync("openssl", ["version"]).status === 0;
if (!openssl) console.log("skipped: TLS by file, since openssl is not installed to make certificates");

function certificate(directory: string, name: string): void {
  const made = spawnSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
    ...["-subj", `/CN=${name}`, "-keyout", join(directory, "key.pem"), "-out", join(directory, "cert.pem")],
  ]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
}

async function commonName(port: number): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

describe("a running server", () => {
  let directory: string;
  let server: TestServer;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "operations-test-"));
    server = await TestServer.start({}, { metrics: { port: 0 } });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test("figures are counted, are on a listener of their own, and name nobody", async () => {
    const [a, b] = await roomOf(server, 2, null);
    if (a === undefined || b === undefined) throw new Error("nobody");
    await a.send("one", "two", "three");
    await b.read();
    await expect(server.client().claimKeyPackages(a.account)).rejects.toThrow();
    const text = await server.figures();
    const value = (name: string): number =>
      Number(new RegExp(`^porchlight_${name} ([0-9.e+-]+)$`, "m").exec(text)?.[1]);
    expect(value("items_accepted_total")).toBe(4);
    expect(value("items_delivered_total")).toBe(3);
    expect(value("commit_seconds_count")).toBe(2);
    expect(value("log_entries")).toBe(0);
    expect(value("hints_connected")).toBe(1);
    expect(value("connections")).toBeGreaterThan(0);
    expect(text).toContain('route="/v1/conversations/:conversation/items"');
    for (const secret of [a.account, b.account, a.conversation]) expect(text).not.toContain(secret);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
  });

  test("/readyz says no while the server stops, and for as long as balancers need", async () => {
    const path = join(server.directory, "config.json");
    const before = readFileSync(path, "utf8");
    await server.supervisor.stop("server");
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(before) as object), drainSeconds: 5 }));
    await server.run();
    const { url } = server;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const stopped = server.supervisor.stop("server");
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(503);
    // Whoever comes all the same is served.
    expect((await fetch(`${url}/v1/sessions/challenge`, { method: "POST" })).status).toBe(201);
    await stopped;
    writeFileSync(path, before);
    await server.run();
  });

  test.skipIf(!openssl)(
    "TLS by file; a renewed certificate is taken over without a restart, a broken one is not",
    async () => {
      certificate(directory, "first");
      const path = join(server.directory, "config.json");
      const tls = { certificate: join(directory, "cert.pem"), key: join(directory, "key.pem") };
      await server.supervisor.stop("server");
      writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), tls }));
      await server.run();
      const port = server.supervisor.port("server");
      expect(await commonName(port)).toBe("first");
      const reload = (): boolean => process.kill(server.supervisor.pid("server"), "SIGHUP");

      const other = mkdtempSync(join(directory, "other-"));
      certificate(other, "second");
      cpSync(join(other, "cert.pem"), tls.certificate);
      reload();
      await expect.poll(() => server.logText).toContain("certificate-refused");
      expect(await commonName(port)).toBe("first");

      cpSync(join(other, "key.pem"), tls.key);
      reload();
      await expect.poll(() => commonName(port)).toBe("second");
    },
  );
});
