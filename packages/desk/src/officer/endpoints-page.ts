import { fromBase64 } from "@porchlight/encoding";
import { sha256 } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { View, Visit } from "../shell/desk.ts";
import {
  area,
  badge,
  box,
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

/** What was typed into a form and did not do, to be mended. `form`: of which key, or the one that notes a new one. */
export type Typed = {
  readonly form: string;
  readonly problem: string;
  readonly fields: Readonly<Record<string, string>>;
};

export const NEW_KEY = "register";

export function endpointsPage(all: readonly Registration[], visit: Visit, typed: Typed | null = null): View {
  const noted = typed?.form === NEW_KEY ? typed : null;
  return {
    ...(typed === null ? {} : { status: 422 }),
    title: "Authorities' keys",
    body: html`<h1>Authorities' keys</h1><p class="lead">A request from an authority counts only under a key that is here, that somebody called back about, and that the registry signed.</p>
${all.length === 0 ? empty("No key was ever noted.") : join(all.map((one) => registration(one, visit, typed?.form === one.id ? typed : null)))}
<h2>Note a key that was sent</h2>
${postForm(
  visit,
  "/endpoints/register",
  html`${problemOf(noted)}${field({ name: "country", label: "Country, two letters", value: valueOf(noted, "country") })}${field({ name: "endpoint", label: "The authority's UniqueIdentifier", value: valueOf(noted, "endpoint") })}${field({ name: "key", label: "Its key, base64", value: valueOf(noted, "key") })}${button("Note it")}`,
)}`,
  };
}

function valueOf(typed: Typed | null, name: string): string {
  return typed?.fields[name] ?? "";
}

function problemOf(typed: Typed | null): Markup {
  return typed === null ? NOTHING : box("bad", html`<p>${typed.problem}</p>`);
}

function registration(one: Registration, visit: Visit, typed: Typed | null): Markup {
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
${one.state === "pending" ? callForm(one, visit, typed) : NOTHING}
${
  one.state === "called-back"
    ? html`<p>${linkButton("Download what the registry signs", `/endpoints/${one.id}/draft`)}</p>${postForm(
        visit,
        `/endpoints/${one.id}/complete`,
        html`${fileField({ name: "document", id: `document-${one.id}`, label: "What the registry signed" })}${button("Take it and log it")}`,
        { uploads: true },
      )}`
    : NOTHING
}
${
  ["revoked", "expired"].includes(one.state)
    ? NOTHING
    : postForm(
        visit,
        `/endpoints/${one.id}/revoke`,
        html`${area({ name: "reason", id: `reason-${one.id}`, label: "Why is it taken back?", rows: 2 })}${button("Take the key back", "grave")}`,
      )
}</section>`;
}

function callForm(one: Registration, visit: Visit, typed: Typed | null): Markup {
  return postForm(
    visit,
    `/endpoints/${one.id}/call-back`,
    html`${problemOf(typed)}${field({ name: "number", id: `number-${one.id}`, label: "The number that you called", value: valueOf(typed, "number") })}${field(
      {
        name: "found",
        id: `found-${one.id}`,
        value: valueOf(typed, "found"),
        label: "Where you found it",
        help: "Elsewhere than in the request: forged requests come from real mailboxes.",
      },
    )}${area({
      name: "words",
      id: `words-${one.id}`,
      value: valueOf(typed, "words"),
      label: "Who answered, and what was said",
      help: "Have the fingerprint of the key read out to you: it stands above.",
    })}${field({
      name: "until",
      id: `until-${one.id}`,
      value: valueOf(typed, "until"),
      label: "The key counts until",
      type: "date",
    })}${button("Record the call back")}`,
  );
}
