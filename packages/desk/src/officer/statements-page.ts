import type { UnixSeconds } from "@porchlight/encoding";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { View, Visit } from "../shell/desk.ts";
import { area, button, counted, field, fileField, instant, postForm, table } from "../shell/look.ts";
import type { Bound } from "./client.ts";

/** What was signed at this desk since it was started. */
export type Stated = {
  readonly name: string;
  readonly about: string;
  readonly accounts: readonly Bound[];
  readonly isOthers: boolean;
  readonly at: UnixSeconds;
};

/** `typed`: what did not do, to be mended. */
export function statementsPage(
  visit: Visit,
  signed: readonly Stated[],
  typed: { readonly whose: string; readonly about: string; readonly problem: string } | null,
): View {
  return {
    title: "Whose accounts",
    body: html`<h1>Whose accounts</h1><p class="lead">An order names accounts; only you know whose they are. A court's draft needs your signed word on that, and so does an order that opens others too.</p>
${signed.length === 0 ? NOTHING : signedTable(signed)}
<h2>For a court's draft</h2>
<p>Give it for a court's order only. Who asks for subscriber data itself sends a task, which is counted in the public log.</p>
${postForm(
  visit,
  "/statements/accounts",
  html`${area({
    name: "whose",
    label: "Accounts, or people's names as you noted them",
    help: "One in each line: the account's number, or the whole name.",
    rows: 3,
    value: typed?.whose ?? "",
    problem: typed?.problem,
  })}${field({ name: "about", label: "For which file, and who asked", value: typed?.about ?? "" })}${button("Show what will be stated")}`,
)}
<h2>For an order over both sides</h2>
<p>The court gives you its signed order. Your records say who else wrote there on its days.</p>
${postForm(
  visit,
  "/statements/others",
  html`${fileField({ name: "order", label: "The order's file", accept: ".json,application/json" })}${button("Show whom else it opens")}`,
  { uploads: true },
)}
<h2>Note whose an account is</h2>
${postForm(
  visit,
  "/statements/bind",
  html`${field({ name: "account", label: "The account's number" })}${field({ name: "person", label: "The person's name", help: "As orders and notices will say it." })}${button("Show what will be noted", "plain")}`,
)}`,
  };
}

function signedTable(signed: readonly Stated[]): Markup {
  return html`${table({
    caption: "Signed since this desk was started",
    heads: ["When", "For", "What", "Of whom", ""],
    rows: signed.map(({ name, about, accounts, isOthers, at }) => [
      instant(at),
      html`${about}`,
      html`<span class="keep">${isOthers ? "whom else" : "whose"}</span>`,
      html`${counted(accounts.length, "account")}: ${join(accounts.slice(0, 3).map(({ person }, i) => html`${i === 0 ? "" : ", "}<bdi>${person}</bdi>`))}${accounts.length > 3 ? " …" : ""}`,
      html`<a class="keep" href="/statements/${name}" download>Download</a>`,
    ]),
  })}<p class="soft">The files are not kept when this desk is closed: sign again then. What was signed stays in the journal.</p>`;
}
