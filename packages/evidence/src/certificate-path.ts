// From a time-stamping certificate up to an authority that the reader trusts (RFC 5280 §6, the part of it that such
// chains use). What is not understood is refused.
import { X509Certificate } from "node:crypto";
import { AsnConvert } from "@peculiar/asn1-schema";
import {
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_kp_timeStamping,
  KeyUsage,
  KeyUsageFlags,
} from "@peculiar/asn1-x509";

const UNDERSTOOD = [id_ce_basicConstraints, id_ce_keyUsage, id_ce_extKeyUsage, id_ce_subjectAltName];
/** Certificates above the signer's. */
const MAX_DEPTH = 5;

type PathFault = "certificate" | "expired" | "untrusted";

/** Certificates in PEM, one after the other. Throws what node:crypto throws where one of them is none. */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** Whether the certificate may sign time stamps and nothing else (RFC 3161 §2.3). */
export function isTimeStamper(signer: X509Certificate): boolean {
  const usage = extension(signer, id_ce_extKeyUsage);
  if (usage?.critical !== true) return false;
  const purposes = AsnConvert.parse(usage.extnValue.buffer, ExtendedKeyUsage);
  return purposes.length === 1 && purposes[0] === id_kp_timeStamping && mayUse(signer, SIGNS);
}

/**
 * Why there is no path from `signer` over `others` to one of `anchors`, all valid at `at`; `null` where there is one.
 * Whether any was revoked is not asked: it needs a network.
 */
export function pathFault(
  signer: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  at: Date,
): PathFault | null {
  const faults: PathFault[] = [];
  const climb = (one: X509Certificate, depth: number): boolean => {
    const isAnchor = anchors.some(({ raw }) => raw.equals(one.raw));
    if (at < one.validFromDate || at > one.validToDate) return note("expired");
    if (isAnchor) return true;
    if (!criticalAreUnderstood(one)) return note("certificate");
    if (depth > MAX_DEPTH) return false;
    return [...anchors, ...others].some((issuer) => issues(issuer, one, depth) && climb(issuer, depth + 1));
  };
  const note = (fault: PathFault): boolean => {
    faults.push(fault);
    return false;
  };
  return climb(signer, 0) ? null : (faults[0] ?? "untrusted");
}

/** `below`: how many certificates of authorities stand between the issuer and the signer. */
function issues(issuer: X509Certificate, subject: X509Certificate, below: number): boolean {
  if (issuer.raw.equals(subject.raw) || !issuer.ca) return false;
  if (!subject.checkIssued(issuer) || !subject.verify(issuer.publicKey)) return false;
  const constraints = extension(issuer, id_ce_basicConstraints);
  const longest =
    constraints === undefined
      ? undefined
      : AsnConvert.parse(constraints.extnValue.buffer, BasicConstraints).pathLenConstraint;
  return mayUse(issuer, [KeyUsageFlags.keyCertSign]) && (longest === undefined || below <= longest);
}

const SIGNS = [KeyUsageFlags.digitalSignature, KeyUsageFlags.nonRepudiation];

/** Whether the certificate says nothing of its key's use, or names one of these. */
function mayUse(certificate: X509Certificate, flags: readonly KeyUsageFlags[]): boolean {
  const usage = extension(certificate, id_ce_keyUsage);
  if (usage === undefined) return true;
  const bits = AsnConvert.parse(usage.extnValue.buffer, KeyUsage).toNumber();
  return flags.some((flag) => (bits & flag) !== 0);
}

function criticalAreUnderstood(certificate: X509Certificate): boolean {
  return extensions(certificate).every(({ critical, extnID }) => !critical || UNDERSTOOD.includes(extnID));
}

function extension(certificate: X509Certificate, id: string) {
  return extensions(certificate).find(({ extnID }) => extnID === id);
}

function extensions(certificate: X509Certificate) {
  return AsnConvert.parse(certificate.raw, Certificate).tbsCertificate.extensions ?? [];
}
