import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv4 } from "node:net";

/** Where requests come from, as far as the proxies in between are trusted. */
export class Addresses {
  readonly #trusted = new BlockList();

  /** Addresses and networks, checked by the configuration. */
  constructor(trustedProxies: readonly string[] = []) {
    for (const proxy of trustedProxies) {
      const [address = "", bits] = proxy.split("/");
      const family = isIPv4(address) ? "ipv4" : "ipv6";
      if (bits === undefined) this.#trusted.addAddress(address, family);
      else this.#trusted.addSubnet(address, Number(bits), family);
    }
  }

  readonly isTrusted = (address: string): boolean => {
    const plain = withoutMapping(address);
    return isIP(plain) !== 0 && this.#trusted.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
  };

  /** The client's: the first from the right in X-Forwarded-For that no trusted proxy named. */
  of(request: IncomingMessage): string {
    let address = withoutMapping(request.socket.remoteAddress ?? "");
    const named = [request.headers["x-forwarded-for"] ?? []].flat().join(",").split(",").reverse();
    for (const next of named.map((one) => one.trim())) {
      if (!this.isTrusted(address) || isIP(next) === 0) break;
      address = withoutMapping(next);
    }
    return address;
  }
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** On this very machine: the operator's own, or a proxy that is not trusted to name anybody. */
export function isLoopback(address: string): boolean {
  return isIP(address) !== 0 && LOOPBACK.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

/** What one household or machine has: an IPv4 address, or an IPv6 network of 64 bits. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  const missing = 8 - groups.length - (tail === undefined || tail === "" ? 0 : tail.split(":").length);
  const zeroes: string[] = tail === undefined ? [] : Array.from({ length: missing }, () => "0");
  const all = [...groups, ...zeroes, ...(tail ?? "").split(":")];
  return all
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, "") || "0")
    .join(":");
}

function withoutMapping(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
