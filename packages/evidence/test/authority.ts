// A time stamp authority: OpenSSL's `ts -reply` with certificates of its own, behind HTTP. For tests only.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** Why the tests with OpenSSL are skipped here; `null` where it is. */
export function withoutOpenssl(): string | null {
  try {
    execFileSync("openssl", ["ts", "-help"], { stdio: "ignore" });
    return null;
  } catch {
    return "openssl is not installed here: no real time stamp authority to ask";
  }
}

const TSA_EXTENSIONS =
  "basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n";

export type AuthorityOptions = {
  readonly key?: "rsa" | "ec";
  /** Of the signer's certificate, YYYYMMDDHHMMSSZ. */
  readonly from?: string;
  readonly until?: string;
  readonly extensions?: string;
  /** Extensions of the intermediate authority; none where there is no intermediate. */
  readonly intermediate?: string;
  readonly digests?: string;
  readonly essAlgorithm?: string;
};

export class Authority {
  readonly #folder: string;
  readonly #digests: string;
  readonly #ess: string;

  constructor(folder: string, options: AuthorityOptions = {}) {
    this.#folder = folder;
    this.#digests = options.digests ?? "sha256";
    this.#ess = options.essAlgorithm ?? "sha256";
    mkdirSync(folder, { recursive: true });
    const far = { from: "20200101000000Z", until: "20491231235959Z" };
    this.#write("ca.cnf", CA_CONFIG);
    this.#write("index.txt", "");
    this.#write("serial", "1000\n");
    this.#write("tsaserial", "01\n");
    this.#write("root.ext", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n");
    this.#write("tsa.ext", options.extensions ?? TSA_EXTENSIONS);
    this.#key("root", options.key ?? "rsa");
    this.#key("tsa", options.key ?? "rsa");
    this.#sign("root", { by: null, ...far });
    if (options.intermediate !== undefined) {
      this.#write("middle.ext", options.intermediate);
      this.#key("middle", options.key ?? "rsa");
      this.#sign("middle", { by: "root", ...far });
    }
    const by = options.intermediate === undefined ? "root" : "middle";
    this.#sign("tsa", { by, from: options.from ?? far.from, until: options.until ?? far.until });
    this.#write("chain.pem", options.intermediate === undefined ? "" : this.#text("middle.pem"));
    this.#write("ts.cnf", TS_CONFIG(this.#digests, this.#ess));
  }

  get root(): string {
    return this.#text("root.pem");
  }

  /** A TimeStampResp to a TimeStampReq, both in DER. */
  reply(request: Uint8Array): Uint8Array {
    writeFileSync(join(this.#folder, "request.tsq"), request);
    this.#run(
      ...["ts", "-reply", "-config", "ts.cnf", "-section", "tsa", "-queryfile", "request.tsq"],
      ...["-inkey", "tsa.key", "-signer", "tsa.pem", "-chain", "chain.pem", "-out", "reply.tsr"].filter(
        (word, i, all) => this.#text("chain.pem") !== "" || (word !== "-chain" && all[i - 1] !== "-chain"),
      ),
    );
    return new Uint8Array(readFileSync(join(this.#folder, "reply.tsr")));
  }

  /** What OpenSSL itself says of a reply to a digest: throws where it does not hold. */
  check(reply: Uint8Array, digest: Uint8Array): void {
    writeFileSync(join(this.#folder, "to-check.tsr"), reply);
    const hex = Buffer.from(digest).toString("hex");
    this.#run("ts", "-verify", "-digest", hex, "-in", "to-check.tsr", "-CAfile", "root.pem");
  }

  /** `answer` has the last word on what is sent. */
  async serve(
    answer: (reply: Uint8Array) => { status?: number; type?: string; body: Uint8Array } = (body) => ({
      body,
    }),
  ): Promise<{ readonly url: string; readonly close: () => Promise<void>; readonly asked: Uint8Array[] }> {
    const asked: Uint8Array[] = [];
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        const query = new Uint8Array(Buffer.concat(pieces));
        asked.push(query);
        const { status = 200, type = "application/timestamp-reply", body } = answer(this.reply(query));
        response.writeHead(status, { "content-type": type }).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}/`,
      close: async () => await new Promise((resolve) => server.close(() => resolve())),
      asked,
    };
  }

  #key(name: string, kind: "rsa" | "ec"): void {
    const how =
      kind === "rsa"
        ? ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        : ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    this.#run("genpkey", ...how, "-out", `${name}.key`);
    this.#run(
      "req",
      "-new",
      "-config",
      "ca.cnf",
      "-key",
      `${name}.key`,
      "-subj",
      `/O=Test/CN=${name}`,
      "-out",
      `${name}.csr`,
    );
  }

  #sign(name: string, { by, from, until }: { by: string | null; from: string; until: string }): void {
    const issuer =
      by === null
        ? ["-selfsign", "-keyfile", `${name}.key`]
        : ["-cert", `${by}.pem`, "-keyfile", `${by}.key`];
    this.#run(
      ...["ca", "-batch", "-config", "ca.cnf", ...issuer, "-in", `${name}.csr`, "-extfile", `${name}.ext`],
      ...["-startdate", from, "-enddate", until, "-notext", "-out", `${name}.pem`],
    );
  }

  #run(...words: string[]): void {
    execFileSync("openssl", words, { cwd: this.#folder, stdio: "pipe" });
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text);
  }

  #text(name: string): string {
    return readFileSync(join(this.#folder, name), "utf8");
  }
}

const CA_CONFIG = `[req]
distinguished_name = dn
[dn]
[ca]
default_ca = own
[own]
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = any
unique_subject = no
[any]
organizationName = optional
commonName = supplied
`;

const TS_CONFIG = (digests: string, ess: string): string => `[tsa]
serial = tsaserial
crypto_device = builtin
default_policy = 1.2.3.4.1
signer_digest = sha256
digests = ${digests}
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = ${ess}
`;
