import { resolve } from "node:path";
import { type CharterId, charterId, type Fields, fromHex, hex } from "@porchlight/encoding";

/** The desk's own members of CONFIG.json; the runtime reads `clock`, `name` and `beatSeconds`. */
export type DeskConfig = {
  /** "court", "inspector", "agency", "keyholder", "officer". */
  readonly kind: string;
  /** The party's directory, from the configuration's own. */
  readonly party: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Address to listen on; the loopback interface where it is left out. */
  readonly host?: string;
  /** First part of the host name. */
  readonly label?: string;
  /** Where something in front of it speaks TLS: "https://court.example". */
  readonly origin?: string;
  readonly url: string | null;
  readonly charter: CharterId | null;
  /** File for a one-time sign-in link (0600), written at each start while nobody can sign in. */
  readonly linkFile?: string;
  /** SHA-256 of the secret of a one-time sign-in link that whoever starts this program made, 64 hex digits. */
  readonly linkHash?: string;
  /** scrypt's, for the key of a new journal. */
  readonly workFactor?: number;
};

/** Throws EncodingError, which names the member. */
export function readConfig(fields: Fields, directory: string): DeskConfig {
  const text = (name: string): string | undefined =>
    fields.optional(name) === undefined ? undefined : fields.string(name, 4000);
  const [host, label, origin, url, charter, linkFile, linkHash] = [
    text("host"),
    text("label"),
    text("origin"),
    text("url"),
    text("charter"),
    text("linkFile"),
    text("linkHash"),
  ];
  return {
    kind: fields.string("kind", 20),
    party: resolve(directory, fields.string("party", 4000)),
    port: fields.integer("port", 0, 65_535),
    ...(host === undefined ? {} : { host }),
    ...(label === undefined ? {} : { label }),
    ...(origin === undefined ? {} : { origin }),
    url: url ?? null,
    charter: charter === undefined ? null : charterId(charter),
    ...(linkFile === undefined ? {} : { linkFile: resolve(directory, linkFile) }),
    ...(fields.optional("workFactor") === undefined
      ? {}
      : { workFactor: fields.integer("workFactor", 1, 20) }),
    ...(linkHash === undefined ? {} : { linkHash: hex(fromHex(linkHash, 32, "config.linkHash")) }),
  };
}
