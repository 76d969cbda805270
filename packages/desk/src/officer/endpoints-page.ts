import { fromBase64 } from "@porchlight/encoding";
import { sha256 } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { View, Visit } from "../shell/desk.ts";
import {
  area,
  badge,
  button,
  empty,
  facts,
  field,
  fileField,
  instant,
  linkButton,
  postForm,
} from "../shell/look.ts";
import type { Registration } from "./client.ts";

const STATE: Readonly<Record<string, readonly [words: string, tone: "good" | "wait" | "bad" | "plain"]>> = {
  pending: ["not called back", "wait"],
  "called-back": ["called back, the registry has not signed", "wait"],
  superseded: ["replaced by a later key", "plain"],
  logged: ["logged, not witnessed yet", "wait"],
  usable: ["counts", "good"],
  expired: ["over", "plain"],
  revoked: ["taken back", "bad"],
};

export function endpointsPage(all: readonly Registration[], visit: Visit): View {
  return {
    title: "Authorities' keys",
    body: html`<h1>Authorities' keys</h1><p class="lead">A request from an authority counts only under a key that is here, that somebody called back about, and that the registry signed.</p>
${all.length === 0 ? empty("No key was ever noted.") : join(all.map((one) => registration(one, visit)))}
<h2>Note a key that was sent</h2>
${postForm(
  visit,
  "/endpoints/register",
  html`${field({ name: "country", label: "Country, two letters" })}${field({ name: "endpoint", label: "The authority's UniqueIdentifier" })}${field({ name: "key", label: "Its key, base64" })}${button("Note it")}`,
)}`,
  };
}

function registration(one: Registration, visit: Visit): Markup {
  const [words, tone] = STATE[one.state] ?? [one.state, "plain" as const];
  const { callBack } = one;
  return html`<section><h2>${one.country} ${one.endpoint}</h2><p>${badge(words, tone)} sent ${instant(one.asked)}</p>
${facts([
  { term: "Key (Ed25519)", text: one.key },
  { term: "Fingerprint of the key (SHA-256)", text: sha256(fromBase64(one.key)) },
  ...(callBack === null
    ? []
    : [
        { term: "Called by", text: callBack.by },
        { term: "Number", text: callBack.number },
        { term: "Number found in", text: callBack.found },
        { term: "What was said", text: callBack.words },
        { term: "Counts until", text: one.until ?? "" },
      ]),
])}
${one.state === "pending" ? callForm(one, visit) : NOTHING}
${
  one.state === "called-back"
    ? html`<p>${linkButton("Download what the registry signs", `/endpoints/${one.id}/draft`)}</p>${postForm(
        visit,
        `/endpoints/${one.id}/complete`,
        html`${fileField({ name: "document", label: "What the registry signed" })}${button("Take it and log it")}`,
        { uploads: true },
      )}`
    : NOTHING
}
${
  ["logged", "usable"].includes(one.state)
    ? postForm(
        visit,
        `/endpoints/${one.id}/revoke`,
        html`${area({ name: "words", label: "Why is it taken back?", rows: 2 })}${button("Take the key back", "grave")}`,
      )
    : NOTHING
}</section>`;
}

function callForm(one: Registration, visit: Visit): Markup {
  return postForm(
    visit,
    `/endpoints/${one.id}/call-back`,
    html`${field({ name: "number", label: "The number that you called" })}${field({
      name: "found",
      label: "Where you found it",
      help: "Elsewhere than in the request: forged requests come from real mailboxes.",
    })}${area({
      name: "words",
      label: "Who answered, and what was said",
      help: "Have the fingerprint of the key read out to you: it stands above.",
    })}${field({
      name: "until",
      label: "The key counts until",
      type: "date",
    })}${button("Record the call back")}`,
  );
}
