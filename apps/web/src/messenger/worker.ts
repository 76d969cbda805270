// The SDK's home: keys, protocol, storage and network are here and nowhere in the page.
import "./no-eval.ts";
import { serveWorker } from "@porchlight/client/worker";

const KEPT = "porchlight-trust";
const POLICY = "/log/policy";

/**
 * The log's policy as this browser saw it first. What the server says later is not asked: whoever could change the
 * policy could show this device a log of its own. (That the first one is right rests on who served the page, as the page
 * does.)
 */
async function policy(): Promise<string> {
  const kept = await caches.open(KEPT);
  const known = await kept.match(POLICY);
  if (known !== undefined) return await known.text();
  const answer = await fetch(POLICY, { cache: "no-store" });
  if (!answer.ok) throw new TypeError("the server has no policy of its log yet");
  const text = await answer.clone().text();
  await kept.put(POLICY, answer);
  return text;
}

function originOf(text: string): string {
  const name = /^log ([^+\s]+)\+/m.exec(text)?.[1];
  if (name === undefined) throw new TypeError("the policy names no log");
  return name;
}

serveWorker({
  config: async () => {
    const text = await policy();
    return { url: location.origin, origin: originOf(text), policy: text, database: "porchlight" };
  },
});
