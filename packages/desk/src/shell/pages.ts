import { html, join, type Markup, NOTHING, page } from "@porchlight/markup";
import type { PendingAct } from "./acts.ts";
import type { Desk, View } from "./desk.ts";
import { actHolds, type JournalledAct } from "./journal.ts";
import { badge, box, button, empty, facts, instant, postForm, table } from "./look.ts";
import type { Registered } from "./passkeys.ts";
import type { Explained } from "./sentences.ts";
import type { Session } from "./sessions.ts";
import { STYLE } from "./style.ts";

// The shell's own pages, and the frame around every desk's.

/** What every page's frame needs. */
export type Frame = {
  readonly desk: Pick<Desk, "party" | "heading" | "kind" | "isInspecting" | "isReplay" | "places">;
  /** Address of the shell's script. */
  readonly script: string;
  /** `null` for pages before sign-in. */
  readonly session: Session | null;
  /** The path that is shown. */
  readonly at: string;
  /** What came of what was just done. */
  readonly said: string | null;
};

const OWN_PLACES = [
  { path: "/journal", words: "Journal" },
  { path: "/people", words: "People" },
] as const;

export function tokenField({ token }: Session): Markup {
  return html`<input type="hidden" name="csrf" value="${token}">`;
}

/** One page of a desk. The script is there where it is of use. */
export function framed(frame: Frame, view: View, isScripted = false): string {
  const { desk, session, at } = frame;
  const places = session === null ? [] : [...desk.places, ...OWN_PLACES];
  const current = placeOf(
    places.map(({ path }) => path),
    at,
  );
  const nav = places.map(
    ({ path, words }) =>
      html`<li><a href="${path}"${path === current ? html` aria-current="page"` : NOTHING}>${words}</a></li>`,
  );
  const who =
    session === null
      ? NOTHING
      : html`<div class="who"><span>${session.person.name}</span>${postForm({ csrf: tokenField(session) }, "/sign-out", html`<button class="quiet" type="submit">Sign out</button>`)}</div>`;
  const said = frame.said === null ? NOTHING : html`<p class="said" role="status">${frame.said}</p>`;
  const isReplay = desk.isReplay === true;
  const script = view.script ?? (isScripted || view.isLive === true ? frame.script : undefined);
  return page(
    `${view.title}: ${desk.heading}`,
    STYLE,
    html`<div class="${desk.isInspecting === true ? `${desk.kind} inspects` : desk.kind}"><a class="skip" href="#main">Skip to the page</a>
<header class="desk"><div class="bar"><p class="brand"><strong>${desk.heading}</strong><span>${desk.party}</span></p>
${session === null ? NOTHING : html`<nav aria-label="Pages"><ul>${join(nav)}</ul></nav>`}${who}</div></header>
<main id="main"${session === null ? html` class="narrow"` : NOTHING}>${said}
${isReplay ? box("warn", html`<p><strong>A demonstration.</strong> Its clock is set by a program; its dates are not real.</p>`) : NOTHING}
${view.body}
${view.isLive === true ? html`<p class="soft" data-live="">This page is loaded again by itself. <a href="${at}">Load it now</a></p>` : NOTHING}
</main>
<footer class="desk">Nothing opens in the dark. What is signed, approved or refused here is written to this desk's journal.</footer></div>`,
    { forms: true, pictures: view.pictures === true, ...(script === undefined ? {} : { script }) },
  );
}

/** The place whose path is the longest beginning of where one is. */
function placeOf(paths: readonly string[], at: string): string | null {
  const fitting = paths.filter((path) => at === path || (path !== "/" && at.startsWith(`${path}/`)));
  return fitting.sort((a, b) => b.length - a.length)[0] ?? null;
}

const NO_SCRIPT = html`<noscript>${box("warn", html`<p>A passkey needs a script of this page, and your browser runs none here.</p>`)}</noscript>`;
const STATE = html`<p id="passkey-state" role="status"></p>`;

export function signInPage(frame: Frame, isEmpty: boolean): string {
  const body = isEmpty
    ? html`<h1>Nobody can sign in here yet</h1><p>Open the one-time link that the program printed when it started. With it you make a passkey for this desk.</p>`
    : html`<h1>Sign in</h1><p>With the passkey that you made for this desk. There is no password.</p>
<form data-passkey="sign-in">${button("Sign in with your passkey")}</form>${STATE}${NO_SCRIPT}
<p class="soft">No passkey here yet? Somebody who works at this desk can make a one-time link for you.</p>`;
  return framed(frame, { title: "Sign in", body }, true);
}

export function enterPage(frame: Frame): string {
  const body = html`<h1>Make a passkey for this desk</h1>
<p>Your device will ask that it is you. From then on you sign in with it, and confirm with it each thing that you sign.</p>
<form data-passkey="enter"><div class="field"><label for="name">Your name</label><p class="help" id="name-help">It stands in this desk's journal beside everything that you do.</p><input id="name" name="name" required maxlength="80" autocomplete="name" aria-describedby="name-help"></div>
${button("Make the passkey")}</form>${STATE}${NO_SCRIPT}`;
  return framed(frame, { title: "Make a passkey", body }, true);
}

/** What will be done, once the passkey has confirmed it (DESK-5). */
export function confirmPage(
  frame: Frame & { readonly session: Session },
  { id, proposal }: PendingAct,
  options: string,
): string {
  const { title, lead, shown, isGrave = false, back, button: words } = proposal;
  const body = html`<h1>${title}</h1>
${lead ?? NOTHING}
<p>Read it. Your passkey confirms exactly what stands here, and nothing else.</p>
${facts(shown)}
${isGrave ? box("warn", html`<p>This cannot be taken back.</p>`) : NOTHING}
<form method="post" action="/acts/${id}" data-passkey="act" data-options="${options}">${tokenField(frame.session)}<input type="hidden" name="assertion" value="">
<div class="row">${button(words, isGrave ? "grave" : "main")}<a class="button plain" href="${back}">Do not do it</a></div></form>${STATE}${NO_SCRIPT}`;
  return framed(frame, { title, body }, true);
}

export function refusedPage(frame: Frame, { title, next, code, detail }: Explained): string {
  const body = html`<h1>${title}</h1>
${detail === null ? NOTHING : box("bad", html`<p>${capital(detail)}</p>`)}
<p>${next}</p>
<p class="reason">Reason: <code>${code}</code></p>
${frame.session === null ? html`<p><a href="/sign-in">To the sign-in</a></p>` : html`<p><a href="/">To the first page</a></p>`}`;
  return framed(frame, { title, body });
}

function capital(text: string): string {
  const whole = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?)]$/.test(whole) ? whole : `${whole}.`;
}

/** Who did what here, newest first, each act checked against the passkey's signature. */
export async function journalPage(frame: Frame, acts: readonly JournalledAct[]): Promise<string> {
  const items: Markup[] = [];
  for (const { record, outcome } of acts) {
    const holds = await actHolds(record);
    const stated = JSON.parse(record.statement) as {
      readonly title: string;
      readonly shown: readonly (readonly [string, string])[];
    };
    const state =
      outcome === null
        ? badge("not finished", "wait")
        : outcome.kind === "done"
          ? badge("done", "good")
          : badge(`not done: ${outcome.code}`, "bad");
    items.push(html`<section class="card"><div class="top"><h2>${stated.title}</h2>${state}</div>
<p class="soft">${record.name}, ${instant(record.at)}. ${holds ? "The passkey's signature fits what is shown." : NOTHING}</p>
${holds ? NOTHING : box("bad", html`<p>The passkey's signature does not fit what is shown: this record was altered.</p>`)}
<details><summary>What was confirmed</summary>${facts(stated.shown.map(([term, text]) => ({ term, text })))}</details></section>`);
  }
  const body = html`<h1>Journal</h1><p>Everything that was signed, approved, refused or revoked at this desk, and by whom.</p>
${items.length === 0 ? empty("Nothing was signed here yet.") : join(items)}`;
  return framed(frame, { title: "Journal", body });
}

export function peoplePage(
  frame: Frame & { readonly session: Session },
  people: readonly Registered[],
): string {
  const { session } = frame;
  const csrf = tokenField(session);
  const rows = people.map((one) => [
    html`${one.name}${one.id === session.person.id ? html` <span class="soft">(you)</span>` : NOTHING}`,
    instant(one.added),
    one.id === session.person.id
      ? NOTHING
      : postForm(
          { csrf },
          "/people/remove",
          html`<input type="hidden" name="id" value="${one.id}"><button class="grave" type="submit">Remove<span class="skip"> ${one.name}</span></button>`,
        ),
  ]);
  const body = html`<h1>People</h1><p>Who can sign in at this desk. Each has a passkey, and each act names who confirmed it.</p>
${table({ caption: "Passkeys of this desk", heads: ["Name", "Since", ""], rows })}
<h2>Somebody new</h2><p>You get a link that works once, within one hour. Give it to that person in private: whoever opens it first works here.</p>
${postForm({ csrf }, "/people/invite", button("Make a one-time link", "plain"))}`;
  return framed(frame, { title: "People", body });
}

export function linkPage(frame: Frame, link: string): string {
  const body = html`<h1>A one-time link</h1><p>It is shown this once, and works once, within one hour.</p><pre>${link}</pre><p><a href="/people">Back to the people of this desk</a></p>`;
  return framed(frame, { title: "A one-time link", body });
}
