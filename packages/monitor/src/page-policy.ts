/** What a content security policy of the app must say, and no more (APP-6). */
const DIRECTIVES: Readonly<Record<string, string>> = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self' blob:",
  "media-src": "blob:",
  "worker-src": "'self'",
  "manifest-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
  "require-trusted-types-for": "'script'",
  "trusted-types": "porchlight",
};
const ORIGIN = /^https?:\/\/[a-z0-9.-]+(?::[0-9]{1,5})?$/;

/**
 * APP-6: the further origins that a page under this policy may speak to; `null` where it allows anything else than the
 * app needs, or is not there.
 */
export function connectableBy(policy: string | null): readonly string[] | null {
  if (policy === null) return null;
  const directives = new Map<string, string>();
  for (const part of policy.split(";")) {
    const [name = "", ...values] = part.trim().split(/\s+/);
    // A second directive of one name is ignored by browsers: it would say something that does not hold.
    if (directives.has(name)) return null;
    directives.set(name, values.join(" "));
  }
  const [self, ...origins] = (directives.get("connect-src") ?? "").split(" ");
  directives.delete("connect-src");
  if (self !== "'self'" || !origins.every((origin) => ORIGIN.test(origin))) return null;
  const isExact =
    directives.size === Object.keys(DIRECTIVES).length &&
    Object.entries(DIRECTIVES).every(([name, value]) => directives.get(name) === value);
  return isExact ? origins : null;
}
