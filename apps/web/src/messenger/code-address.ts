/** The only two addresses that ever become code in this page, besides its own scripts. */
const ALLOWED: readonly RegExp[] = [/^\/assets\/worker-[A-Za-z0-9_-]+\.js$/, /^\/sw\.js$/];

type Policy = { readonly createScriptURL: (address: string) => unknown };
type Factory = {
  readonly createPolicy: (name: string, rules: { createScriptURL: (address: string) => string }) => Policy;
};

const checked = (address: string): string => {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin || !ALLOWED.some((allowed) => allowed.test(url.pathname))) {
    throw new TypeError("this address is no code of the app");
  }
  return url.href;
};

const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
const policy = factory?.createPolicy("porchlight", { createScriptURL: checked });

/** An address that the page's policy (Trusted Types) lets become a worker. Throws TypeError for any other. */
export function codeAddress(address: string): string {
  return (policy === undefined ? checked(address) : policy.createScriptURL(address)) as string;
}
