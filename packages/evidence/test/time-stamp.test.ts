import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seedOf } from "../../../vectors/fixture/deployment.ts";
import { readCertificates } from "../src/certificate-path.ts";
import type { Files } from "../src/files.ts";
import { makePackage } from "../src/package.ts";
import { openSealedEvidence, sealEvidence } from "../src/sealed.ts";
import { packageDigest, TIME_STAMP, timeStampRequest, verifyTimeStamp } from "../src/time-stamp.ts";
import { verifyFiles } from "../src/verify.ts";
import { Authority, type AuthorityOptions, withoutOpenssl } from "./authority.ts";
import { makeCase } from "./case.ts";

const why = withoutOpenssl();
if (why !== null) console.log(`skipped: ${why}`);

/** Each kind of authority costs a second of OpenSSL: the slow suite has them all. */
const SLOW = process.env["PORCHLIGHT_SLOW"] === "1";
if (!SLOW) console.log("skipped: most kinds of authorities, which the slow suite asks");
const NONCE = seedOf("nonce").slice(0, 16);
const DIGEST = seedOf("digest");
const folder = mkdtempSync(join(tmpdir(), "porchlight-tsa-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;
const authority = (options: AuthorityOptions = {}): Authority =>
  new Authority(join(folder, String(++made)), options);
const anchorsOf = (one: Authority) => readCertificates(one.root);

function ask(one: Authority, digest = DIGEST, nonce = NONCE): Uint8Array {
  return one.reply(timeStampRequest(digest, nonce));
}

describe.skipIf(why !== null)("EVI-74, with OpenSSL as the authority", () => {
  let tsa: Authority;
  /** Another one, which takes no SHA-256. */
  let other: Authority;
  let reply: Uint8Array;
  beforeAll(() => {
    tsa = authority();
    other = authority({ key: "ec", digests: "sha512" });
    reply = ask(tsa);
  });
  const fault = (bytes: Uint8Array, about: Partial<Parameters<typeof verifyTimeStamp>[1]> = {}): string => {
    const found = verifyTimeStamp(bytes, { digest: DIGEST, nonce: NONCE, anchors: anchorsOf(tsa), ...about });
    return found.kind === "holds" ? "holds" : found.fault;
  };

  test("a token over the digest holds, says when and by whom, and OpenSSL agrees", () => {
    const stamp = verifyTimeStamp(reply, { digest: DIGEST, nonce: NONCE, anchors: anchorsOf(tsa) });
    expect(stamp).toMatchObject({ kind: "holds", authority: "O=Test, CN=tsa", trusted: true });
    expect(Math.abs((stamp.kind === "holds" ? stamp.at : 0) - Date.now() / 1000)).toBeLessThan(600);
    tsa.check(reply, DIGEST);
    // Later and without a network: neither the nonce nor an authority to compare with is at hand.
    expect(verifyTimeStamp(reply, { digest: DIGEST })).toMatchObject({ kind: "holds", trusted: false });
  });

  test.runIf(SLOW)(
    "elliptic curves, an intermediate authority, and a certificate named by SHA-512 or by SHA-1 hold as well",
    () => {
      const intermediate = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n";
      for (const options of [
        { key: "ec", intermediate },
        { key: "ec", essAlgorithm: "sha512" },
        { key: "ec", essAlgorithm: "sha1" },
      ] as const) {
        const one = authority(options);
        const given = ask(one);
        expect(fault(given, { anchors: anchorsOf(one) }), JSON.stringify(options)).toBe("holds");
        one.check(given, DIGEST);
      }
    },
  );

  test("another digest, another nonce, another authority are refused, each for what it is", () => {
    expect(fault(reply, { digest: seedOf("another") })).toBe("imprint");
    expect(fault(reply, { nonce: seedOf("other nonce").slice(0, 16) })).toBe("nonce");
    expect(fault(reply, { anchors: anchorsOf(other) })).toBe("untrusted");
    expect(fault(reply, { anchors: [] })).toBe("untrusted");
    // The authority refuses a hash that it does not take; what it then answers is no stamp.
    expect(fault(ask(other))).toBe("not-granted");
  });

  test("a certificate that was over, or is not for time stamps alone, or from no real authority is refused", () => {
    const refusedAs = (options: AuthorityOptions): string => {
      const one = authority({ key: "ec", ...options });
      return fault(ask(one), { anchors: anchorsOf(one) });
    };
    expect(refusedAs({ from: "20200101000000Z", until: "20200201000000Z" })).toBe("expired");
    if (!SLOW) return;
    expect(refusedAs({ from: "20400101000000Z" })).toBe("expired");
    const usage = "basicConstraints=CA:FALSE\nextendedKeyUsage=critical,timeStamping\n";
    expect(refusedAs({ extensions: `${usage}1.2.3.4=critical,ASN1:NULL\n` })).toBe("certificate");
    const ca = "keyUsage=critical,keyCertSign\nbasicConstraints=critical,CA:";
    expect(refusedAs({ intermediate: `${ca}FALSE\n` })).toBe("untrusted");
    expect(refusedAs({ intermediate: `${ca}TRUE\n1.2.3.4=critical,ASN1:NULL\n` })).toBe("certificate");
  });

  test("every altered byte is refused, and so are bytes that are added", () => {
    for (let at = 0; at < reply.length; at += SLOW ? 3 : 41) {
      const altered = reply.slice();
      altered[at] = (altered[at] as number) ^ 1;
      // Bytes of the answer's frame that say the same in another way, and of certificates that nothing rests on, may
      // differ: what may not is what is said.
      const found = verifyTimeStamp(altered, { digest: DIGEST, nonce: NONCE, anchors: anchorsOf(tsa) });
      if (found.kind === "holds") {
        expect(found, `byte ${at}`).toEqual(
          verifyTimeStamp(reply, { digest: DIGEST, nonce: NONCE, anchors: anchorsOf(tsa) }),
        );
      }
    }
    expect(fault(Uint8Array.of(...reply, 0))).toBe("malformed");
    for (const length of [0, 1, 5, 100, reply.length - 1])
      expect(fault(reply.slice(0, length))).toBe("malformed");
  });

  describe("in a package", () => {
    let files: Files;
    let stamped: Files;
    beforeAll(async () => {
      ({ files } = await makePackage(await makeCase()));
      stamped = new Map([...files, [TIME_STAMP, ask(tsa, packageDigest(files))]]);
    });

    test("it is verified with the package, offline, and adding it changes no other file", async () => {
      const timeAnchors = anchorsOf(tsa);
      expect(await verifyFiles(files, { timeAnchors })).toMatchObject({ kind: "verified", timeStamp: null });
      expect(await verifyFiles(stamped, { timeAnchors })).toMatchObject({
        kind: "verified",
        timeStamp: { authority: "O=Test, CN=tsa", trusted: true },
      });
      expect(await verifyFiles(stamped)).toMatchObject({ kind: "verified", timeStamp: { trusted: false } });
      const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
      const identity = await generateX25519Identity();
      const sealed = await sealEvidence(stamped, [await identityToRecipient(identity)], 0 as never);
      expect(await openSealedEvidence(sealed, [identity])).toEqual(new Map([...stamped].sort()));
    });

    test("one of another package, of an authority that is not trusted, or no token at all is named", async () => {
      const elsewhere = new Map([...files, [TIME_STAMP, reply]]);
      const foreign = { timeAnchors: anchorsOf(other) };
      for (const [package_, trust, what] of [
        [elsewhere, {}, /something else than this package/],
        [stamped, foreign, /no authority that is trusted/],
        [new Map([...files, [TIME_STAMP, new Uint8Array(3)]]), {}, /no answer of a time stamp authority/],
      ] as const) {
        expect(await verifyFiles(package_, trust)).toMatchObject({
          kind: "refused",
          findings: [{ rule: "EVI-74", file: TIME_STAMP, what: expect.stringMatching(what) as string }],
        });
      }
    });
  });
});
