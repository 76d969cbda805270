import type { Charter } from "@porchlight/charter";
import { formatDay } from "@porchlight/encoding";
import { html, type Markup, NOTHING } from "@porchlight/markup";
import { damagedTable } from "../orders.ts";
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

type Kept = Registration & { readonly charter: Charter };

function isWhole({ signers, charter }: Kept): boolean {
  return signers.length >= (charter.kind === "house" ? 2 : 1);
}

function stateBadge(one: Kept): Markup {
  return isWhole(one) ? badge("signed", "good") : badge("one signature of two", "wait");
}

/** `typed`: what did not do, to be mended. */
export function registrationsPage(
  visit: Visit,
  charter: Charter,
  about: {
    readonly all: readonly {
      readonly name: string;
      /** `null`: it does not verify under the charter that it names. */
      readonly read: Kept | null;
    }[];
    readonly damaged: readonly string[];
    readonly typed: { readonly checked: string; readonly problem: string } | null;
  },
): View {
  const { all, damaged, typed } = about;
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
        rows: all.map(({ name, read }) =>
          read === null
            ? [html`<a href="${HERE}/${name}">${name}</a>`, badge("cannot be read", "bad"), NOTHING, NOTHING]
            : [
                html`<a href="${HERE}/${name}"><bdi>${read.registration.endpoint}</bdi>, ${read.registration.country}</a>`,
                stateBadge(read),
                html`<bdi>${read.registration.callBack.by}</bdi>`,
                html`${formatDay(read.registration.until)}`,
              ],
        ),
      })
}
${damagedTable(damaged, "registrations", true)}
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

export function registrationPage(name: string, one: Kept): View {
  const whole = isWhole(one);
  const { endpoint } = one.registration;
  return {
    title: endpoint,
    body: html`<p class="back"><a href="${HERE}">Authorities' keys</a></p>
<div class="top"><h1>Key of <bdi>${endpoint}</bdi></h1>${stateBadge(one)}</div>
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
