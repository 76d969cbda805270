import { type Charter, parsePreservationLift, unverifiedPayload } from "@porchlight/charter";
import { type DayNumber, formatDay, type UnixSeconds } from "@porchlight/encoding";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { Service } from "@porchlight/parties";
import { damagedSaidBox, damagedTable } from "../orders.ts";
import type { View, Visit } from "../shell/desk.ts";
import {
  area,
  badge,
  box,
  button,
  choice,
  clockBadge,
  empty,
  facts,
  field,
  fileField,
  instant,
  linkButton,
  postForm,
  table,
} from "../shell/look.ts";
import type { Half } from "./halves.ts";
import { groundField, type Typed } from "./order-page.ts";
import {
  endOf,
  latestExtension,
  type PreservationFields,
  type PreservationProblems,
  type Preserved,
  preservationWords,
} from "./preservation.ts";

const HERE = "/preservations";

function stateBadge({ state, extendedBy }: Preserved): Markup {
  switch (state.kind) {
    case "half":
      return badge("one signature of two", "wait");
    case "signed":
      return badge("signed, not handed in", "wait");
    case "sent":
      return badge("sent, not confirmed", "wait");
    case "logged":
      return badge("in the log, not confirmed", "wait");
    case "held":
      return extendedBy === null ? badge("kept", "good") : badge("kept, extended", "good");
    case "lifted":
      return badge("lifted");
    case "over":
      return badge("over");
  }
}

function isRunning({ state }: Preserved): boolean {
  return state.kind === "held" || state.kind === "logged";
}

export function preservationsPage(
  visit: Visit,
  charter: Charter,
  about: {
    readonly orders: readonly Preserved[];
    readonly damaged: readonly string[];
    readonly now: UnixSeconds;
  },
): View {
  const { orders: all, damaged, now } = about;
  return {
    title: "Preservation",
    body: html`<div class="top"><h1>Preservation</h1>${linkButton("New order to preserve", `${HERE}/new`, "main")}</div>
<p class="lead">Keeps what one account wrote from being deleted while another order is decided. It opens nothing.</p>
${
  all.length === 0
    ? empty("Nothing was ordered to be kept.")
    : table({
        caption: "Orders to preserve, newest first",
        heads: ["Reference", "State", "Days", "Kept until the end of", "Left"],
        rows: all.map((one) => [
          html`<a href="${HERE}/${one.name}">${one.document.reference}</a>${one.document.extends === null ? NOTHING : html` ${badge("extension")}`}`,
          one.charter === null ? badge("cannot be read", "bad") : stateBadge(one),
          html`${formatDay(one.document.firstDay)} to ${formatDay(one.document.lastDay)}`,
          html`${formatDay(one.document.until)}`,
          one.charter !== null && isRunning(one) ? clockBadge(endOf(one.document), now) : NOTHING,
        ]),
      })
}
${damagedTable(damaged, "orders to preserve", charter.kind === "house")}
${
  charter.kind === "court"
    ? NOTHING
    : html`<h2>One that the other of you signed</h2>${postForm(
        visit,
        HERE,
        html`${fileField({ name: "preservation", label: "The order's file", help: "Signed by one of you or by both.", accept: ".json,application/json" })}${button("Read it")}`,
        { uploads: true },
      )}`
}`,
  };
}

export function newPreservationPage(
  visit: Visit,
  charter: Charter,
  latest: DayNumber,
  given: PreservationFields | null,
  problems: PreservationProblems,
): View {
  const value = (name: keyof PreservationFields): string => given?.[name] ?? "";
  const common = (name: keyof PreservationFields) => ({ name, value: value(name), problem: problems[name] });
  const bases = charter.legalBases.map((text) => ({ value: text, words: text }));
  return {
    title: "New order to preserve",
    ...(Object.keys(problems).length === 0 ? {} : { status: 422 }),
    body: html`<p class="back"><a href="${HERE}">Preservation</a></p>
<h1>New order to preserve</h1>
<p class="lead">One account, past days. Nothing is opened: that takes a ${charter.kind === "court" ? "warrant" : "hold order"} and the keyholders.</p>
${postForm(
  visit,
  `${HERE}/new`,
  html`${field({ ...common("reference"), label: "File reference" })}
${fileField({ name: "act", label: "The original act (PDF, scan or form)", help: "Its fingerprint is kept, not the file." })}
${field({ ...common("actHash"), label: "Or its fingerprint (SHA-256)" })}
${choice({ ...common("legalBasis"), label: "Legal basis", options: [{ value: "", words: "Choose" }, ...bases] })}
${field({ ...common("account"), label: "Account", help: "Its number, from the provider's statement: 64 digits and letters." })}
${area({ ...common("conversations"), label: "Numbers of the conversations", help: "One a line. Empty: all of this account's.", rows: 3 })}
<div class="columns">${field({ ...common("firstDay"), label: "First day (UTC)", type: "date" })}
${field({ ...common("lastDay"), label: "Last day, included", help: "Empty: the first day only.", type: "date" })}</div>
${field({ ...common("until"), label: "Kept until the end of (UTC)", help: `At the latest ${formatDay(latest)}. Then it can be extended once, by at most 30 days.`, type: "date" })}
${area({ ...common("ground"), label: "Why", rows: 3 })}
${button("Show what will be signed")}`,
  { uploads: true },
)}`,
  };
}

/** An extension as it was typed, and what is wrong with it. */
export type TypedExtension = Omit<Typed, "path">;

export function preservationPage(
  visit: Visit,
  service: Service,
  about: {
    readonly own: string;
    readonly one: Preserved;
    readonly halves: readonly Half[];
    readonly typed: TypedExtension | null;
  },
): View {
  const { own, one, halves, typed } = about;
  const { name, document, state, commitment, extendedBy } = one;
  const { charter } = service;
  const now = service.now();
  const isRun = isRunning(one);
  return {
    title: document.reference,
    ...(typed === null ? {} : { status: 422 }),
    body: html`<p class="back"><a href="${HERE}">Preservation</a></p>
<div class="top"><h1>${document.reference}</h1>${stateBadge(one)}</div>
<p>${document.extends === null ? "An order to preserve." : "The extension of an order to preserve."} It keeps what is there and opens nothing. ${isRun ? clockBadge(endOf(document), now) : NOTHING}</p>
${damagedSaidBox(one.unsaid)}
${notHeld(visit, one, own)}
${facts([
  ...preservationWords(document),
  { term: "Number in the public log", text: commitment },
  ...("index" in state ? [{ term: "Entry in the public log", text: String(state.index) }] : []),
])}
<p>${linkButton("Download the order", `${HERE}/${name}/file`)}</p>
${extendedBy === null ? NOTHING : html`<p>It was extended: <a href="${HERE}/${extendedBy}">the extension</a></p>`}
${
  isRun && document.extends === null && extendedBy === null
    ? html`<details class="card"${typed === null ? NOTHING : html` open`}><summary>Extend it, once</summary><p>At the latest until ${formatDay(latestExtension(document, charter))}.</p>${postForm(
        visit,
        `${HERE}/${name}/extend`,
        html`${field({ name: "until", label: "Kept until the end of (UTC)", type: "date", value: typed?.until ?? "", problem: typed?.field === "until" ? typed.problem : undefined })}${groundField("extend", typed?.ground ?? "", typed?.field === "ground" ? typed.problem : undefined)}${button("Extend it …")}`,
      )}</details>`
    : NOTHING
}
${isRun ? html`<details class="card"><summary>Lift it</summary><p>It ends now. What it alone kept is deleted when the provider next deletes.</p>${postForm(visit, `${HERE}/${name}/lift`, html`${groundField("lift", "", undefined)}${button("Lift it …", "grave")}`)}</details>` : NOTHING}
${isRun && charter.kind === "house" ? lifts(visit, one, own, halves) : NOTHING}`,
  };
}

function notHeld(visit: Visit, { name, state, document }: Preserved, own: string): Markup {
  const drop = postForm(visit, `${HERE}/${name}/drop`, button("Throw it away", "plain"));
  switch (state.kind) {
    case "half":
      return document.issuer === own
        ? box(
            "warn",
            html`<p><strong>The other person must sign it.</strong> Give them the file below: they put it in at their own desk. Nobody was sent it.</p>${drop}`,
          )
        : box(
            "warn",
            html`<p><strong>It waits for your signature.</strong> With it the order is handed in at once.</p><div class="row">${postForm(visit, `${HERE}/${name}/countersign`, button("Add your signature …"))}${drop}</div>`,
          );
    case "signed":
      return box(
        "warn",
        html`<p><strong>Nothing is held yet.</strong> It is signed, and the provider has not taken it.</p><div class="row">${postForm(visit, `${HERE}/${name}/lodge`, button("Hand it in …"))}${drop}</div>`,
      );
    case "sent":
      return box(
        "warn",
        html`<p><strong>The provider was sent it; the public log does not show it yet.</strong> Hand it in again: that is harmless. It cannot be thrown away before its last day is over: this desk alone can prove, extend or lift what may be logged.</p>${postForm(visit, `${HERE}/${name}/lodge`, button("Hand it in again …"))}`,
      );
    case "logged":
      return box(
        "warn",
        html`<p><strong>It is in the log; this desk has no answer yet that it is held.</strong> Hand it in again: that is harmless.</p>${postForm(visit, `${HERE}/${name}/lodge`, button("Hand it in again …"))}`,
      );
    default:
      return NOTHING;
  }
}

function lifts(visit: Visit, { name }: Preserved, own: string, halves: readonly Half[]): Markup {
  const cards = halves.map((half) => {
    const lift = parsePreservationLift(unverifiedPayload(half.document));
    const isMine = half.document.signatures.some((one) => signerOf(one.protected) === own);
    return html`<section class="card"><h3>A lift that one of you signed</h3><p class="soft">${instant(lift.issued)}</p><p>${lift.ground}</p>
${
  isMine
    ? html`<p>Give the file to the other person.</p><p>${linkButton("Download what you signed", `${HERE}/${name}/halves/${half.id}/file`)}</p>`
    : postForm(visit, `${HERE}/${name}/halves/${half.id}/sign`, button("Add your signature …", "grave"))
}</section>`;
  });
  return html`${join(cards)}<details class="card"><summary>A lift that the other of you signed</summary>${postForm(
    visit,
    `${HERE}/${name}/halves`,
    html`${fileField({ name: "half", label: "The file that they signed", accept: ".json,application/json" })}${button("Read it")}`,
    { uploads: true },
  )}</details>`;
}

/** What a signature says of its signer; whether it holds was asked when the file came in. */
function signerOf(header: string): string {
  return (JSON.parse(Buffer.from(header, "base64url").toString()) as { readonly kid?: string }).kid ?? "";
}
