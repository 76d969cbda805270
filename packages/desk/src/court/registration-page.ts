import type { Charter } from "@porchlight/charter";
import { formatDay } from "@porchlight/encoding";
import { html, type Markup } from "@porchlight/markup";
import type { View, Visit } from "../shell/desk.ts";
import {
  area,
  badge,
  box,
  button,
  empty,
  facts,
  fileField,
  linkButton,
  postForm,
  table,
} from "../shell/look.ts";
import { type Registration, registrationWords } from "./registration.ts";

const HERE = "/registrations";

function isWhole({ signers }: Registration, { kind }: Charter): boolean {
  return signers.length >= (kind === "house" ? 2 : 1);
}

function stateBadge(one: Registration, charter: Charter): Markup {
  return isWhole(one, charter) ? badge("signed", "good") : badge("one signature of two", "wait");
}

/** `typed`: what did not do, to be mended. */
export function registrationsPage(
  visit: Visit,
  charter: Charter,
  all: readonly (Registration & { readonly name: string })[],
  typed: { readonly checked: string; readonly problem: string } | null,
): View {
  const isMissing = typed?.problem === "Choose the file.";
  return {
    title: "Authorities' keys",
    body: html`<h1>Authorities' keys</h1><p class="lead">The provider takes orders and requests only under a key that you have registered. Forged requests come from real mailboxes: sign only what somebody called back about, at a number that did not come with the request.</p>
${
  all.length === 0
    ? empty("No key was registered here yet.")
    : table({
        caption: "Signed here",
        heads: ["Authority", "State", "Called back by", "Counts until"],
        rows: all.map((one) => [
          html`<a href="${HERE}/${one.name}"><bdi>${one.registration.endpoint}</bdi>, ${one.registration.country}</a>`,
          stateBadge(one, charter),
          html`<bdi>${one.registration.callBack.by}</bdi>`,
          html`${formatDay(one.registration.until)}`,
        ]),
      })
}
<h2>Register a key</h2>
${postForm(
  visit,
  HERE,
  html`${fileField({
    name: "record",
    label:
      charter.kind === "house"
        ? "The record of the call back, or what the other of you signed"
        : "The record of the call back",
    help: "The provider's response officer downloads it after the call.",
    accept: ".json,application/json",
    problem: isMissing ? typed?.problem : undefined,
  })}${area({
    name: "checked",
    label: "What you checked yourself",
    help: "It stays in this desk's journal.",
    rows: 2,
    value: typed?.checked ?? "",
    problem: isMissing ? undefined : typed?.problem,
  })}${button("Show what will be signed")}`,
  { uploads: true },
)}`,
  };
}

export function registrationPage(name: string, one: Registration, charter: Charter): View {
  const whole = isWhole(one, charter);
  const { endpoint } = one.registration;
  return {
    title: endpoint,
    body: html`<p class="back"><a href="${HERE}">Authorities' keys</a></p>
<div class="top"><h1>Key of <bdi>${endpoint}</bdi></h1>${stateBadge(one, charter)}</div>
${
  whole
    ? box(
        "good",
        html`<p><strong>Give this file to the provider's response officer.</strong> The provider logs it as a number that tells nothing; the key counts once witnesses have seen that.</p>`,
      )
    : box(
        "warn",
        html`<p><strong>A second person must sign it.</strong> Give the file to that person, who puts it in at their own desk.</p>`,
      )
}
<p>${linkButton("Download what was signed", `${HERE}/${name}/file`, "main")}</p>
${facts([...registrationWords(one)])}`,
  };
}
