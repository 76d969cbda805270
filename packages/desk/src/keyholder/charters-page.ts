import { parseSuccession } from "@porchlight/charter";
import { type Json, utf8 } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import { type SuccessionFile, stateOfSuccession } from "@porchlight/parties";
import type { View, Visit } from "../shell/desk.ts";
import { badge, box, button, counted, empty, facts, fileField, postForm, table } from "../shell/look.ts";
import type { Status } from "./client.ts";

/** A document that was brought here to be read and signed; its id is the hash of its bytes. */
export type Brought =
  | {
      readonly kind: "charter";
      readonly id: string;
      readonly text: string;
      readonly self: number;
      readonly rows: readonly Words[];
      readonly warnings: readonly string[];
    }
  | {
      readonly kind: "succession";
      readonly id: string;
      readonly text: string;
      /** Given where this keyholder is the new one. */
      readonly charter: string | null;
      /** What goes from party to party; `null` where the bare document was brought. */
      readonly file: SuccessionFile | null;
      readonly rows: readonly Words[];
    };

export type Signature = {
  readonly name: string;
  readonly signature: Json;
  /** The file that goes on to the next, with this signature in it. */
  readonly file: SuccessionFile | null;
};

export function chartersPage(visit: Visit, { charters }: Status, problem?: string): View {
  return {
    title: "Charters",
    ...(problem === undefined ? {} : { status: 422 }),
    body: html`<h1>Charters</h1>
${
  charters.length === 0
    ? empty("This keyholder has signed no charter yet. It serves under none.")
    : table({
        caption: "What this keyholder has signed",
        heads: ["Deployment", "By whose order", "Agree", "State", "Number"],
        rows: charters.map(({ deployment, kind, threshold, keyholders, inForce, id }) => [
          html`${deployment}`,
          html`${kind === "court" ? "a court's" : "the organisation's own"}`,
          html`${threshold} of ${keyholders.length}`,
          inForce ? badge("in force", "good") : badge("waits for the others", "wait"),
          html`<span class="mono">${id}</span>`,
        ]),
      })
}
<div class="columns"><div class="card"><h2>Read and sign a charter</h2><p>The provider sends a file, <code>charter.json</code>. Read all of it here; then sign it with your passkey, or not.</p>${postForm(
      visit,
      "/charters/read",
      html`${fileField({ name: "charter", label: "The charter's file", problem, required: true })}${button("Read it")}`,
      { uploads: true },
    )}</div>
<div class="card"><h2>A lost keyholder is replaced</h2><p>One after the other: somebody drafts the succession and sends the file. The provider and every other keyholder read and sign it, then the new one accepts it, then it is logged, then all share the running month anew under <a href="/keys">Keys</a>.</p>${postForm(
      visit,
      "/successions/read",
      html`${fileField({ name: "succession", label: "The succession's file", required: true })}${fileField({ name: "charter-of-it", label: "The charter's file", help: "Only if this keyholder is the new one, and the succession came as a bare document." })}${button("Read it")}`,
      { uploads: true },
    )}</div></div>`,
  };
}

export function broughtPage(visit: Visit, brought: Brought): View {
  const { kind, id, rows } = brought;
  const warnings: Markup =
    kind === "charter" ? join(brought.warnings.map((text) => box("warn", html`<p>${text}</p>`))) : NOTHING;
  const title = kind === "charter" ? "Read the charter" : "Read the succession";
  const what = kind === "charter" ? "charters" : "successions";
  const accepts = kind === "succession" && brought.charter !== null;
  return {
    title,
    body: html`<p class="back"><a href="/charters">Charters</a></p><h1>${title}</h1>
<p class="lead">${kind === "charter" ? `You would be keyholder ${brought.self}. Read all of it: who rules and pays each keyholder, how many must agree, for what, for how long.` : accepts ? "You would take the place of the lost keyholder and accept the charter as it is." : "You would agree that the lost keyholder is replaced. It gives the new one nothing of the past that you do not deal out yourselves in the log."}</p>
${warnings}${facts(rows)}
${kind === "succession" && brought.file !== null ? signedSoFar(brought.file) : NOTHING}
<p class="soft">Compare the number with the others by telephone: <span class="mono">${id}</span></p>
${postForm(visit, `/${what}/${id}/${accepts ? "accept" : "sign"}`, button(accepts ? "Accept …" : "Sign …"))}`,
  };
}

/** Who has signed by the file's own word: in the log it counts only once every signature holds. */
function signedSoFar(file: SuccessionFile): Markup {
  const { signed, missing } = stateOfSuccession(file);
  return table({
    caption: `Everybody's state: ${counted(signed.length, "signature")} of ${file.parties.length}, as the file says`,
    heads: ["Who", "State"],
    rows: file.parties.map((name) => [
      html`<bdi>${name}</bdi>`,
      missing.includes(name) ? badge("has not signed", "wait") : badge("signed", "good"),
    ]),
  });
}

export function signedPage(signature: Signature): View {
  const { file } = signature;
  if (file !== null) {
    const { missing } = stateOfSuccession(file);
    const [next] = missing;
    return {
      title: "Signed",
      body: html`<p class="back"><a href="/charters">Charters</a></p><h1>Signed</h1>
<p>${next === undefined ? "All have signed. Send the file to the provider, who puts it into the log." : html`Send the file on to <bdi>${next}</bdi>. It is no secret.`}</p>
<p><a class="button main" href="/signed/${signature.name}/file" download>Save the file</a></p>
${signedSoFar(file)}`,
    };
  }
  return {
    title: "Signed",
    body: html`<p class="back"><a href="/charters">Charters</a></p><h1>Signed</h1>
<p>Send this to the provider. It is no secret.</p><pre>${JSON.stringify(signature.signature)}</pre>
<p><a class="button plain" href="/signed/${signature.name}/file">Save as a file</a></p>`,
  };
}

/** What is said of the new keyholder and the ground. Throws EncodingError for what is no succession. */
export function successionWords(succession: string): Words[] {
  const { keyholder, ground, charter } = parseSuccession(utf8(succession));
  return [
    { term: "Takes place number", text: String(keyholder.index) },
    { term: "The new keyholder", text: keyholder.name },
    { term: "Owned by", text: keyholder.owner },
    { term: "Paid by", text: keyholder.payer },
    { term: "Under the law of", text: keyholder.jurisdiction },
    { term: "Address", text: keyholder.url },
    { term: "Why", text: ground },
    { term: "Charter", text: charter },
  ];
}
