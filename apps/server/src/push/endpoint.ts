import { lookup } from "node:dns";
import { BlockList, isIP, isIPv4, type LookupFunction } from "node:net";
import { Refusal } from "../refusal.ts";

/** Addresses that no push service has: a member must not make this server speak to its own network. */
// Apart: an IPv4 address is looked up among networks of IPv6 too.
const PRIVATE = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  PRIVATE.ipv4.addSubnet(network, bits, "ipv4");
}
// Everything that is no global unicast, and of that documentation, transition and mapped addresses.
for (const [network, bits] of [
  ["::", 3],
  ["4000::", 2],
  ["8000::", 1],
  ["2001:db8::", 32],
  ["2001::", 32],
  ["2002::", 16],
] as const) {
  PRIVATE.ipv6.addSubnet(network, bits, "ipv6");
}

export function isPrivate(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, "");
  if (isIP(plain) === 0) return true;
  const family = isIPv4(plain) ? "ipv4" : "ipv6";
  return PRIVATE[family].check(plain, family);
}

/** Throws Refusal "malformed". `allowed`: origins that the operator names, for tests and push services of its own. */
export function checkEndpoint(text: string, allowed: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const refuse = (message: string): never => {
    throw new Refusal("malformed", message);
  };
  if (url === null) return refuse("the endpoint is no address");
  if (url.username !== "" || url.password !== "") return refuse("an endpoint has no user and password");
  if (allowed.includes(url.origin)) return url;
  if (url.protocol !== "https:" || url.port !== "")
    return refuse("an endpoint is https, on the ordinary port");
  const isLiteral = isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0;
  if (isLiteral ? isPrivate(url.hostname) : !url.hostname.includes(".")) {
    return refuse("an endpoint is an address of the public network");
  }
  return url;
}

/** Resolves names for a connection, and refuses those of private networks: whatever the name said when it was checked. */
export const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "", 0);
    const [first] = addresses;
    if (first === undefined || addresses.some(({ address }) => isPrivate(address))) {
      return callback(new Error("the endpoint is in a private network"), "", 0);
    }
    if (options.all === true) return callback(null, addresses);
    callback(null, first.address, first.family);
  });
};
