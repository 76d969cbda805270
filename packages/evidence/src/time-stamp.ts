// EVI-74: that a package existed at a time, by the word of an authority outside (RFC 3161).
import { createHash, verify, X509Certificate } from "node:crypto";
import { id_contentType, id_messageDigest, id_signedData, SignedData } from "@peculiar/asn1-cms";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import {
  id_ct_tstInfo,
  MessageImprint,
  PKIStatus,
  TimeStampReq,
  TimeStampResp,
  TSTInfo,
} from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier } from "@peculiar/asn1-x509";
import { equalBytes, type UnixSeconds, unixSeconds } from "@porchlight/encoding";
import { isTimeStamper, pathFault } from "./certificate-path.ts";
import type { Files } from "./files.ts";

/** The authority's whole answer, beside the bag: what it stamps cannot hold it. */
export const TIME_STAMP = "timestamp.tsr";

const ID_SHA256 = "2.16.840.1.101.3.4.2.1";
const HASHES: Readonly<Record<string, string>> = {
  "1.3.14.3.2.26": "sha1",
  [ID_SHA256]: "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};
/** What may stand behind a signature; SHA-1 only names a certificate, in old tokens. */
const SIGNED_HASHES = ["sha256", "sha384", "sha512"];
/** RSA (PKCS #1 v1.5) by itself or with a hash, ECDSA with a hash, Ed25519. */
const SIGNATURES: Readonly<Record<string, string | null | undefined>> = {
  "1.2.840.113549.1.1.1": undefined,
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": null,
};
const ID_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12";
const ID_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";

export type TimeStampFault =
  | "malformed"
  | "not-granted"
  | "imprint"
  | "nonce"
  | "signature"
  | "certificate"
  | "untrusted"
  | "expired";

export type TimeStamp =
  | {
      readonly kind: "holds";
      readonly at: UnixSeconds;
      /** The subject of its certificate, on one line. */
      readonly authority: string;
      /** Whether a path to a trusted authority was found; `false` where none was given to look for. */
      readonly trusted: boolean;
    }
  | { readonly kind: "refused"; readonly fault: TimeStampFault };

/** SHA-256 of tagmanifest-sha256.txt, which fixes every byte of a package: what is stamped. */
export function packageDigest(files: Files): Uint8Array {
  const bytes = files.get("tagmanifest-sha256.txt") ?? new Uint8Array();
  return new Uint8Array(createHash("sha256").update(bytes).digest());
}

/** A TimeStampReq in DER that asks for the certificate too. `nonce`: 16 random bytes, fresh for each request. */
export function timeStampRequest(digest: Uint8Array, nonce: Uint8Array): Uint8Array {
  const request = new TimeStampReq({
    messageImprint: new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithm: ID_SHA256, parameters: null }),
      hashedMessage: new OctetString(digest),
    }),
    nonce: positive(nonce).buffer as ArrayBuffer,
    certReq: true,
  });
  return new Uint8Array(AsnConvert.serialize(request));
}

/** As the DER of a positive INTEGER: no sign, no zeros in front. */
function positive(nonce: Uint8Array): Uint8Array {
  const bytes = nonce.slice();
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

/**
 * EVI-74: what the authority's answer says of `digest`. `nonce` is the request's, where the answer came just now.
 * `anchors`: certificates that are trusted, where any are named. Offline; never throws for what is in the answer.
 */
export function verifyTimeStamp(
  reply: Uint8Array,
  about: {
    readonly digest: Uint8Array;
    readonly nonce?: Uint8Array;
    readonly anchors?: readonly X509Certificate[];
  },
): TimeStamp {
  try {
    return checkReply(reply, about);
  } catch {
    // Parsers of ASN.1 and certificates throw errors of many kinds for bytes that are not what they should be.
    return refused("malformed");
  }
}

function checkReply(
  reply: Uint8Array,
  { digest, nonce, anchors }: Parameters<typeof verifyTimeStamp>[1],
): TimeStamp {
  if (element(reply).rest.length > 0) return refused("malformed");
  const { status, timeStampToken } = AsnConvert.parse(reply, TimeStampResp);
  if (status.status !== PKIStatus.granted && status.status !== PKIStatus.grantedWithMods) {
    return refused("not-granted");
  }
  if (timeStampToken?.contentType !== id_signedData) return refused("malformed");
  const signed = AsnConvert.parse(timeStampToken.content, SignedData);
  const content = signed.encapContentInfo.eContent?.single?.buffer;
  if (signed.encapContentInfo.eContentType !== id_ct_tstInfo || content === undefined) {
    return refused("malformed");
  }
  const info = AsnConvert.parse(content, TSTInfo);
  const { hashAlgorithm, hashedMessage } = info.messageImprint;
  if (hashAlgorithm.algorithm !== ID_SHA256 || !equalBytes(new Uint8Array(hashedMessage.buffer), digest)) {
    return refused("imprint");
  }
  if (
    nonce !== undefined &&
    (info.nonce === undefined || !equalBytes(new Uint8Array(info.nonce), positive(nonce)))
  ) {
    return refused("nonce");
  }
  const certificates = (signed.certificates ?? []).flatMap(({ certificate }) =>
    certificate === undefined ? [] : [new X509Certificate(Buffer.from(AsnConvert.serialize(certificate)))],
  );
  const attributes = signedAttributes(new Uint8Array(timeStampToken.content));
  const signer = signerOf(signed, new Uint8Array(content), attributes, certificates);
  if (signer === null) return refused("signature");
  if (!isTimeStamper(signer)) return refused("certificate");
  if (anchors !== undefined) {
    const fault = pathFault(signer, certificates, anchors, info.genTime);
    if (fault !== null) return refused(fault);
  }
  return {
    kind: "holds",
    at: unixSeconds(Math.floor(info.genTime.getTime() / 1000)),
    authority: signer.subject.replaceAll("\n", ", "),
    trusted: anchors !== undefined,
  };
}

/** RFC 5652 §5.4 and RFC 5816: the certificate that the token names and whose key signed it; `null` where none did. */
function signerOf(
  signed: SignedData,
  content: Uint8Array,
  attributes: Uint8Array,
  certificates: readonly X509Certificate[],
): X509Certificate | null {
  const [info] = signed.signerInfos;
  if (info === undefined || signed.signerInfos.length !== 1) return null;
  const attribute = (id: string): Uint8Array | null => {
    const found = (info.signedAttrs ?? []).filter(({ attrType }) => attrType === id);
    const value = found[0]?.attrValues[0];
    return found.length === 1 && found[0]?.attrValues.length === 1 && value !== undefined
      ? new Uint8Array(value)
      : null;
  };
  const hash = HASHES[info.digestAlgorithm.algorithm];
  const type = attribute(id_contentType);
  const messageDigest = attribute(id_messageDigest);
  if (hash === undefined || !SIGNED_HASHES.includes(hash) || type === null || messageDigest === null)
    return null;
  if (!equalBytes(type, CONTENT_TYPE)) return null;
  if (!equalBytes(octets(messageDigest), digestOf(hash, content))) return null;
  const signer = certificates.find((one) => isNamed(one, attribute));
  if (signer === undefined) return null;
  const algorithm = info.signatureAlgorithm.algorithm;
  if (!Object.hasOwn(SIGNATURES, algorithm)) return null;
  const own = SIGNATURES[algorithm];
  const bytes = new Uint8Array(info.signature.buffer);
  return verify(own === undefined ? hash : own, attributes, signer.publicKey, bytes) ? signer : null;
}

/**
 * The signed attributes of the first signer as they came, as the SET OF that is signed and not the [0] in which they
 * stand (RFC 5652 §5.4). Of the bytes, not of what they were parsed to: another encoding of the same is not what was signed.
 */
function signedAttributes(signedData: Uint8Array): Uint8Array {
  const signers = elements(inside(signedData, 0x30)).at(-1) ?? new Uint8Array();
  const [signer = new Uint8Array()] = elements(inside(signers, 0x31));
  const found = elements(inside(signer, 0x30)).find(([tag]) => tag === 0xa0);
  if (found === undefined) throw new RangeError("DER");
  const set = found.slice();
  set[0] = 0x31;
  return set;
}

/** The DER of id-ct-TSTInfo. */
const CONTENT_TYPE = Uint8Array.of(6, 11, 42, 134, 72, 134, 247, 13, 1, 9, 16, 1, 4);

/** Whether the first certificate that the signing-certificate attribute names is this one. */
function isNamed(certificate: X509Certificate, attribute: (id: string) => Uint8Array | null): boolean {
  const [v2, v1] = [attribute(ID_SIGNING_CERTIFICATE_V2), attribute(ID_SIGNING_CERTIFICATE)];
  const value = v2 ?? v1;
  if (value === null) return false;
  // SEQUENCE { certs SEQUENCE OF SEQUENCE { [hashAlgorithm SEQUENCE,] certHash OCTET STRING, … } }
  const first = inside(inside(inside(value, 0x30), 0x30), 0x30);
  const named = first[0] === 0x30 ? element(first) : null;
  const hash = v2 === null ? "sha1" : named === null ? "sha256" : hashNamed(named.content);
  const certHash = octets(named === null ? first : named.rest);
  return hash !== undefined && equalBytes(certHash, digestOf(hash, certificate.raw));
}

function hashNamed(algorithm: Uint8Array): string | undefined {
  const { content } = element(algorithm);
  return Object.entries(HASHES).find(([id]) => equalBytes(encodedId(id), content))?.[1];
}

/** The content of an OBJECT IDENTIFIER's DER. */
function encodedId(id: string): Uint8Array {
  const [a = 0, b = 0, ...rest] = id.split(".").map(Number);
  const septets = (value: number): number[] =>
    value < 128 ? [value] : [...septets(Math.floor(value / 128)).map((one) => one | 0x80), value % 128];
  return Uint8Array.from([a * 40 + b, ...rest.flatMap(septets)]);
}

/** One DER element with a length of up to 65,535, and what follows it. Throws where there is none. */
function element(bytes: Uint8Array): { readonly content: Uint8Array; readonly rest: Uint8Array } {
  const short = bytes[1] ?? 0xff;
  const [header, length] =
    short < 0x80
      ? [2, short]
      : short === 0x81
        ? [3, bytes[2] ?? 0]
        : short === 0x82
          ? [4, ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)]
          : [bytes.length + 1, 0];
  if (header + length > bytes.length) throw new RangeError("DER");
  return { content: bytes.subarray(header, header + length), rest: bytes.subarray(header + length) };
}

function elements(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let left = bytes; left.length > 0; ) {
    const { rest } = element(left);
    found.push(left.subarray(0, left.length - rest.length));
    left = rest;
  }
  return found;
}

function inside(bytes: Uint8Array, tag: number): Uint8Array {
  if (bytes[0] !== tag) throw new RangeError("DER");
  return element(bytes).content;
}

function octets(bytes: Uint8Array): Uint8Array {
  return inside(bytes, 0x04);
}

function digestOf(hash: string, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash(hash).update(bytes).digest());
}

function refused(fault: TimeStampFault): TimeStamp {
  return { kind: "refused", fault };
}

/** What a fault means, for people. */
export function timeStampWords(fault: TimeStampFault): string {
  return {
    malformed: "it is no answer of a time stamp authority (RFC 3161)",
    "not-granted": "the authority refused to make one",
    imprint: "it is of something else than this package",
    nonce: "it answers another request",
    signature: "its signature does not hold",
    certificate:
      "its certificate is not one for time stamps only, or says something that is not understood here",
    untrusted: "its certificate leads to no authority that is trusted here",
    expired: "a certificate was not valid at the time that it states",
  }[fault];
}
