// The SDK's home: keys, protocol, storage and network are here and nowhere in the page.
import "./no-eval.ts";
import { ClientError } from "@porchlight/client/page";
import { serveWorker } from "@porchlight/client/worker";

const KEPT = "porchlight-trust";
const POLICY = "/log/policy";
const MIRRORS = "/log/mirrors";
const MAX_MIRRORS = 16;

/**
 * The log's policy as this browser saw it first. What the server says later is not asked: whoever could change the
 * policy could show this device a log of its own. (That the first one is right rests on who served the page, as the page
 * does.)
 */
async function policy(): Promise<string> {
  const kept = await caches.open(KEPT);
  const known = await kept.match(POLICY);
  if (known !== undefined) return await known.text();
  const answer = await fetch(POLICY, { cache: "no-store" }).catch((cause: unknown) => {
    throw new ClientError("offline", "no connection: try again when there is", { cause });
  });
  if (!answer.ok) throw new ClientError("offline", "the server has no policy of its log yet: try again");
  const text = await answer.clone().text();
  await kept.put(POLICY, answer);
  return text;
}

function originOf(text: string): string {
  const name = /^log ([^+\s]+)\+/m.exec(text)?.[1];
  if (name === undefined) throw new TypeError("the policy names no log");
  return name;
}

async function keptMirrors(): Promise<readonly string[]> {
  const known = await (await caches.open(KEPT)).match(MIRRORS);
  return known === undefined ? [] : addressesIn(await known.text());
}

/** NOT-44: what the server ever named is kept, the oldest first. It could otherwise take back who shows its log. */
async function learnMirrors(): Promise<void> {
  const answer = await fetch(MIRRORS, { cache: "no-store" });
  if (!answer.ok) return;
  const all = [...new Set([...(await keptMirrors()), ...addressesIn(await answer.text())])];
  const kept = all.slice(0, MAX_MIRRORS);
  await (await caches.open(KEPT)).put(MIRRORS, new Response(kept.join("\n")));
}

function addressesIn(text: string): string[] {
  return text.split("\n").filter((line) => /^https?:/.test(line) && URL.canParse(line));
}

serveWorker({
  config: async () => {
    const text = await policy();
    // Nothing waits for it: they are wanted when the server is away.
    void learnMirrors().catch(() => {});
    const config = { url: location.origin, origin: originOf(text), policy: text, mirrors: keptMirrors };
    return { ...config, database: "porchlight" };
  },
});
