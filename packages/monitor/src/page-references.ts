/** Longer ones are not read: what is no markup is found out in the square of its length, and a page that loads an app is short. */
const MAX_PAGE = 16_384;
const COMMENT = /<!--[\s\S]*?-->/g;
const TAG = /<([a-z][a-z0-9-]*)((?:\s+[^\s=>/]+(?:="[^"]*")?)*)\s*\/?>/gi;
const ATTRIBUTE = /([^\s=>/]+)(?:="([^"]*)")?/g;
const NAMING = new Set(["src", "href", "srcset", "action", "formaction", "poster", "data", "content-url"]);
const SCRIPT = /<script\b[^>]*>([\s\S]*?)<\/script\s*>/gi;

/**
 * APP-5: every file that a page of the app names, as a path below the origin. `null` where it holds anything that its
 * policy would have to refuse, or that this reading of it, which is stricter than a browser's, does not understand.
 */
export function namedByPage(html: string): readonly string[] | null {
  if (html.length > MAX_PAGE) return null;
  const text = html.replace(COMMENT, "");
  const named: string[] = [];
  let read = text.replace(/<!doctype html>/i, "").replace(/<\/[a-z][a-z0-9-]*\s*>/gi, "");
  for (const [tag, name = "", attributes = ""] of text.matchAll(TAG)) {
    read = read.replace(tag, "");
    if (/^(style|base|iframe|object|embed|form)$/i.test(name)) return null;
    for (const [, attribute = "", value = ""] of attributes.matchAll(ATTRIBUTE)) {
      const lower = attribute.toLowerCase();
      if (lower.startsWith("on") || lower === "style" || lower === "http-equiv") return null;
      if (!NAMING.has(lower)) continue;
      const path = localPath(value);
      if (path === null) return null;
      named.push(path);
    }
  }
  // What is left of an angle bracket is markup that was not understood.
  if (read.includes("<")) return null;
  for (const [, body = ""] of text.matchAll(SCRIPT)) if (body.trim() !== "") return null;
  return named;
}

const IMPORTED = /(?:\bfrom|\bimport|\bimportScripts)\s*\(?\s*(["'`])([^"'`\n]*)\1/g;
const ASSET = /["'`](\/assets\/[^"'`\n]+)["'`]/g;

/** APP-5: every file that a script of the app loads. `null` where it would load from elsewhere. */
export function namedByScript(script: string, path: string): readonly string[] | null {
  const named: string[] = [];
  for (const [, , from = ""] of script.matchAll(IMPORTED)) {
    // A bare word is no address: it stands in a text.
    if (!/^(\.{0,2}\/|[a-z]+:)/.test(from)) continue;
    const resolved = localPath(from, path);
    if (resolved === null) return null;
    named.push(resolved);
  }
  for (const [, address = ""] of script.matchAll(ASSET)) {
    const resolved = localPath(address);
    if (resolved === null) return null;
    named.push(resolved);
  }
  return named;
}

/** Below the origin, without the first slash; `null` where it is somewhere else. */
function localPath(address: string, from = ""): string | null {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/\/|\\)/i.test(address) || /[\\?#%]/.test(address)) return null;
  const parts = address.startsWith("/") ? [] : from.split("/").slice(0, -1);
  for (const part of address.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return null;
  }
  return parts.join("/");
}
