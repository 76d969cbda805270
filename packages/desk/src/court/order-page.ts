import { type Charter, type Contest, parseSignedDocument } from "@porchlight/charter";
import { type DayNumber, dayNumber, dayStart, formatDay, type UnixSeconds } from "@porchlight/encoding";
import { orderWord } from "@porchlight/evidence";
import { personsOf, verifyOrder } from "@porchlight/gate";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { KeyholderAnswer, OrderFile } from "@porchlight/parties";
import {
  damagedSaidBox,
  damagedTable,
  daysText,
  keyholdersTable,
  longestSecrecyOf,
  orderWords,
  type Shown,
  type Standing,
  scopeOf,
  standingBadge,
  tally,
} from "../orders.ts";
import type { Said } from "../said.ts";
import type { View, Visit } from "../shell/desk.ts";
import {
  badge,
  box,
  button,
  clockBadge,
  counted,
  day,
  empty,
  facts,
  field,
  fileField,
  instant,
  linkButton,
  postForm,
  table,
} from "../shell/look.ts";
import type { Silent } from "../silence.ts";
import {
  impossibleNow,
  isOpen,
  type LaterEntry,
  type ShownHalf,
  type Telling,
  tellingWords,
} from "./direction.ts";

/** Who objects to an order, and until when the keyholders wait for that. */
export type Objecting = {
  readonly until: DayNumber;
  /** `null`: the provider did not answer. */
  readonly count: number | null;
};

export type OrderRow = Shown & {
  readonly telling: Telling;
  /** Whether the log has the charter that it names. */
  readonly isReadable: boolean;
  readonly objecting: Objecting | null;
};

/** Every order of this court, and its drafts. */
export function ordersPage(
  visit: Visit,
  about: {
    readonly charter: Charter;
    readonly orders: readonly OrderRow[];
    readonly damaged: readonly string[];
    readonly drafts: readonly {
      readonly id: string;
      readonly made: UnixSeconds;
      readonly reference: string;
    }[];
    /** Drafts that are damaged. */
    readonly unread: readonly string[];
    readonly left: { readonly left: number; readonly cap: number };
  },
): View {
  const { charter, orders, damaged, drafts, unread, left } = about;
  const word = orderWord(charter);
  return {
    title: "Orders",
    body: html`<div class="top"><h1>Orders</h1>${linkButton(`New ${word}`, "/new", "main")}</div>
<p>${left.left} of ${counted(left.cap, word)} that the charter allows within 30 days are left, for everyone together.</p>
${
  drafts.length === 0
    ? NOTHING
    : table({
        caption: "Drafts: nothing is signed yet",
        heads: ["Reference", "Begun"],
        rows: drafts.map(({ id, made, reference }) => [
          html`<a href="/drafts/${id}">${reference}</a>`,
          instant(made),
        ]),
      })
}
${
  unread.length === 0
    ? NOTHING
    : table({
        caption: "Damaged drafts",
        heads: ["File", "State", "What to do"],
        rows: unread.map((id) => [
          html`<code>drafts/${id}.json</code>`,
          badge("cannot be read", "bad"),
          html`Put it back from a backup of this desk's directory, or begin anew.${postForm(visit, `/drafts/${id}/remove`, button("Throw it away", "plain"))}`,
        ]),
      })
}
${
  orders.length === 0
    ? empty(`No ${word} was signed here yet.`, linkButton("Begin with an application", "/new"))
    : table({
        caption: "Signed here, newest first",
        heads: [
          "Reference",
          "State",
          "Days that it opens",
          "Signed",
          "Lapses",
          "The person is told",
          "Objections",
        ],
        rows: orders.map(({ name, document, standing, telling, isReadable, objecting }) => [
          html`<a href="/orders/${name}">${document.reference}</a>`,
          isReadable ? standingBadge(standing) : badge("cannot be read", "bad"),
          html`${daysText(document)}`,
          instant(document.issued),
          instant(document.expires),
          html`${tellingWords(telling)}`,
          objectingCell(objecting, visit.now),
        ]),
      })
}
${damagedTable(damaged, "orders", charter.kind === "house")}
${
  charter.kind === "court"
    ? NOTHING
    : html`<h2>One that the other of you signed</h2>${postForm(
        visit,
        "/orders",
        html`${fileField({ name: "order", label: "The order's file", help: "Signed by one of you or by both.", accept: ".json,application/json" })}${button("Read it")}`,
        { uploads: true },
      )}`
}`,
  };
}

function objectingCell(objecting: Objecting | null, now: UnixSeconds): Markup {
  if (objecting === null) return NOTHING;
  const { until, count } = objecting;
  const who =
    count === null
      ? badge("could not be asked", "wait")
      : count === 0
        ? html`none so far`
        : badge(`${counted(count, "person objects", "people object")}`, "bad");
  return html`${who} ${waitClock(until, now)}`;
}

/** Until when the people whom an order opens may object before anything is released. */
function waitClock(until: DayNumber | null, now: UnixSeconds): Markup {
  if (until === null) return NOTHING;
  const end = dayStart(dayNumber(until + 1));
  return now < end
    ? html`until the end of ${formatDay(until)} ${clockBadge(end, now)}`
    : html`time was over at the end of ${formatDay(until)}`;
}

/** What was asked about an order when its page was made. `null`: it could not be asked. */
export type Asked = {
  readonly keyholders: readonly KeyholderAnswer[];
  readonly silent: Silent;
  readonly contests: readonly Contest[] | null;
  /** Keyholders whose signed record of a refusal holds. */
  readonly records: ReadonlySet<number>;
  /** What was said of the order at this desk. */
  readonly said: readonly Said[];
  /** Files of what was said that cannot be read, and of halves, which may be of this order. */
  readonly damaged: { readonly said: string | null; readonly halves: readonly string[] };
  /** What the log shows of later decisions, whoever made them. */
  readonly later: readonly LaterEntry[];
  readonly telling: Telling;
  /** What one of a house's two signed and the other has not. */
  readonly halves: readonly ShownHalf[];
  readonly objectUntil: DayNumber | null;
  readonly now: UnixSeconds;
  readonly typed: Typed | null;
};

/** What was said of an order and cannot be signed so: shown again, to be mended. */
export type Typed = {
  readonly path: string;
  readonly ground: string;
  readonly until: string;
  readonly problem: string;
  readonly field: "ground" | "until";
};

const SAID: Readonly<Record<string, string>> = {
  revocation: "Revoked",
  suspension: "Suspended",
  resumption: "Let go on",
  extension: "Secrecy extended",
  "notice-release": "Person told early",
};

export async function orderPage(visit: Visit, shown: Shown, charter: Charter, asked: Asked): Promise<View> {
  const { name, order, document, standing, commitment } = shown;
  const word = orderWord(charter);
  const { keyholders, silent, contests, records, said, damaged, later, halves, typed } = asked;
  return {
    title: document.reference,
    ...(typed === null ? {} : { status: 422 }),
    body: html`<p class="back"><a href="/orders">Orders</a></p>
<div class="top"><h1>${document.reference}</h1>${standingBadge(standing)}</div>
${damagedSaidBox(damaged.said)}
${scopeBox(document)}
${standing.state === "signed" ? waiting(visit, shown, charter) : NOTHING}
${
  standing.state === "signed"
    ? NOTHING
    : html`<h2>Keyholders</h2><p>${tally(keyholders, charter.threshold)}</p>
${keyholdersTable(keyholders, silent, ({ keyholder, answer }) =>
  answer.state === "unreachable" && standing.state !== "handed-in"
    ? html`<a href="/orders/${name}/silences/${keyholder.index}">A record that it did not answer</a>`
    : answer.state !== "refused"
      ? NOTHING
      : records.has(keyholder.index)
        ? html`<a href="/orders/${name}/records/${keyholder.index}">Its signed record</a>`
        : badge("no signed record", "wait"),
)}
<p class="soft">A keyholder that refuses owes ${charter.kind === "court" ? "the court" : "you"} a signed record of why. It is checked here before it is shown. Of one that does not answer the record is this desk's own word, with the log's proof of the ${orderWord(charter)}.</p>`
}
${
  standing.state === "signed"
    ? NOTHING
    : html`<h2>Objections</h2>${waitLine(asked)}${contestList(contests, await personsIn(order, charter))}`
}
${later.length === 0 ? NOTHING : html`<h2>What was decided later</h2>${laterTable(later, said)}`}
${join(halves.map((half) => halfCard(visit, name, half)))}
${damagedTable(damaged.halves, "decisions that one of two signed, of this order or another", true)}
${standing.state === "signed" ? NOTHING : decide(visit, shown, charter, asked)}
<h2>What the ${word} says</h2>
${facts(await orderWords(order, charter))}
${facts([
  { term: "Number in the public log", text: commitment },
  ...("index" in standing ? [{ term: "Entry in the public log", text: String(standing.index) }] : []),
])}
<p>${linkButton("Download the order", `/orders/${name}/order`)}</p>
<p class="soft">${whoNeedsIt(charter)} Whoever has it can ask how the order stands: keep it as confidential as the order itself.</p>`,
  };
}

function whoNeedsIt({ kind, inspection }: Charter): string {
  if (kind === "court") return "The agency needs this file.";
  const titles = (inspection?.inspectors ?? []).map(({ title }) => title);
  return titles.length === 0
    ? "Whoever is to read it needs this file."
    : `Whoever is to read it needs this file, and so do those who inspect: ${titles.join(", ")}. Keyholders wait for them, and they see in the log that it exists.`;
}

function scopeBox(document: Shown["document"]): Markup {
  const { sentence, keys } = scopeOf(document);
  return html`<div class="sum"><strong>${keys}</strong>${sentence}</div>`;
}

/** Of an order that is signed and not in the log: what is missing. */
function waiting(visit: Visit, { name, order, document }: Shown, charter: Charter): Markup {
  const signatures = parseSignedDocument(order.warrant, "warrant").signatures.length;
  if (charter.kind === "house" && signatures < 2) {
    return box(
      "warn",
      html`<p><strong>A second person must sign it.</strong> Give the file to that person, who opens it at their own desk; or sign it here if you are the second.</p>
${postForm(visit, `/orders/${name}/countersign`, button("Add this desk's signature"))}`,
    );
  }
  if (document.mode === "both-sides" && order.others === null) {
    return box(
      "warn",
      html`<p><strong>The provider must say who the others are.</strong> Give the file to the provider, and put its answer in here.</p>
${postForm(
  visit,
  `/orders/${name}/others`,
  html`${fileField({ name: "others", label: "The provider's statement of everyone else", accept: ".json,application/json" })}${button("Put it in")}`,
  { uploads: true },
)}`,
    );
  }
  return box(
    "warn",
    html`<p><strong>It is signed, and nobody has it yet.</strong> Handed in, it stands in the public log as a number that tells nothing, and goes to every keyholder.</p>
${postForm(visit, `/orders/${name}/submit`, button("Hand it in"))}`,
  );
}

function waitLine({ objectUntil, now }: Asked): Markup {
  if (objectUntil === null) return NOTHING;
  const isOver = now >= dayStart(dayNumber(objectUntil + 1));
  return html`<p>${isOver ? "The people whom it opens had time to object" : "The people whom it opens may object"} ${waitClock(objectUntil, now)}. ${isOver ? "Keyholders wait for nobody any more." : "No keyholder releases before. What nobody stops then goes on."}</p>`;
}

async function personsIn(order: OrderFile, charter: Charter): Promise<ReadonlyMap<string, string>> {
  const persons = personsOf(await verifyOrder(order, charter));
  return new Map(persons.map(({ account, person }) => [account, person]));
}

function contestList(contests: readonly Contest[] | null, persons: ReadonlyMap<string, string>): Markup {
  if (contests === null)
    return box("warn", html`<p>The provider did not answer. Load the page again later.</p>`);
  if (contests.length === 0) return html`<p>Nobody has objected so far.</p>`;
  return html`${join(
    contests.map(
      ({
        account,
        at,
        ground,
      }) => html`<section class="card"><h3>${persons.get(account) ?? "Somebody whom the order is about"}</h3><p class="soft">${instant(at)}</p><p>${ground}</p></section>
`,
    ),
  )}<p>Nothing stops by an objection alone. Suspend or revoke the order below, or let it go on.</p>`;
}

/** Everything that the log shows; what was said at this desk stands beside it in words. */
function laterTable(later: readonly LaterEntry[], said: readonly Said[]): Markup {
  return table({
    caption: "From the public log, and from this desk",
    heads: ["What", "When", "Why", "Entry in the public log"],
    rows: later.map(({ kind, index, day: logged }) => {
      const own = said.find((one) => one.index === index);
      const until = own?.until == null ? "" : ` until ${own.until}`;
      return [
        html`${SAID[kind] ?? kind}${until}`,
        own === undefined ? day(logged) : instant(own.at),
        own === undefined ? html`<span class="soft">not from this desk</span>` : html`${own.ground}`,
        html`${index}`,
      ];
    }),
  });
}

function halfCard(visit: Visit, name: string, { id, title, words, isMine }: ShownHalf): Markup {
  const at = `/orders/${name}/halves/${id}`;
  const drop = postForm(visit, `${at}/drop`, button("Throw it away", "plain"));
  return html`<section class="card"><div class="top"><h3>${title}</h3>${badge("one signature of two", "wait")}</div>
${facts(words)}
${
  isMine
    ? html`<p>You signed it. Give the file to the other person, who puts it in at their own desk. Nobody was sent it.</p><div class="row">${linkButton("Download what you signed", `${at}/file`)}${drop}</div>`
    : html`<p>It waits for your signature. With it, it is sent at once.</p><div class="row">${postForm(visit, `${at}/sign`, button("Add your signature …"))}${drop}</div>`
}</section>`;
}

/** What an issuer can still decide. Each asks for its passkey. */
function decide(visit: Visit, shown: Shown, charter: Charter, { telling, typed }: Asked): Markup {
  const { document, standing } = shown;
  const isHouse = charter.kind === "house";
  const canStop = isOpen(shown);
  const canTell = impossibleNow(shown, telling, "notice-release") === null;
  const say = (path: string, words: string, help: string, look: Look = {}): Markup =>
    sayForm(visit, shown, { path, words, help, look, typed: typed?.path === path ? typed : null });
  if (!canStop && !canTell)
    return html`<h2>Decide</h2><p>${closedWords(standing)} ${TOLD[telling.kind]} Nothing is left to decide.</p>`;
  return html`<h2>Decide</h2>
${canStop ? NOTHING : html`<p>${closedWords(standing)} The people whom it opened are told ${tellingWords(telling)}. When that is can still be decided.</p>`}
${isHouse ? html`<p>To stop it takes one of you. To let it go on, to keep it secret for longer or to tell the person early takes both, one after the other.</p>` : NOTHING}
${
  !canStop
    ? NOTHING
    : standing.state === "suspended"
      ? say("resume", "Let it go on", "Keyholders may release again.")
      : say("suspend", "Suspend it", "Nothing more is released until it is let go on.")
}
${
  canTell
    ? html`${say(
        "extend",
        "Keep it secret for longer",
        `Until now the people are told ${tellingWords(telling)}. At the latest a day before secrecy ends, and never beyond ${formatDay(longestSecrecyOf(document, charter))}: the charter sets the longest.`,
        { hasDay: true },
      )}${say("release-notice", "Tell the person now", "Before the secrecy that was ordered ends.")}`
    : NOTHING
}
${canStop ? say("revoke", "Revoke it", "For good. Keyholders that have not released will not; what is opened already stays opened.", { isGrave: true }) : NOTHING}
${
  isHouse
    ? html`<details class="card"><summary>A decision that the other of you signed</summary>${postForm(
        visit,
        `/orders/${shown.name}/halves`,
        html`${fileField({ name: "half", label: "The file that they signed", help: "You read it first. Nothing is sent before you have signed it too.", accept: ".json,application/json" })}${button("Read it")}`,
        { uploads: true },
      )}</details>`
    : NOTHING
}`;
}

function closedWords({ state }: Standing): string {
  return state === "revoked"
    ? "It is revoked: nothing is released under it any more."
    : "It has lapsed: nothing is released under it any more.";
}

/** Of an order about which nothing is left to decide. */
const TOLD: Readonly<Record<Telling["kind"], string>> = {
  first: "The people whom it is about were told first.",
  early: "The people whom it is about are told: their notice was released early.",
  secret: "Its secrecy is over: the people whom it is about are told.",
};

type Look = { readonly hasDay?: boolean; readonly isGrave?: boolean };

/** `typed`: what was sent from this very form, to be mended. */
function sayForm(
  visit: Visit,
  { name }: Shown,
  about: {
    readonly path: string;
    readonly words: string;
    readonly help: string;
    readonly look: Look;
    readonly typed: Typed | null;
  },
): Markup {
  const { path, words, help, look, typed } = about;
  const wrong = (which: Typed["field"]): string | undefined =>
    typed?.field === which ? typed.problem : undefined;
  const until =
    look.hasDay === true
      ? field({
          name: "until",
          label: "Secret until (UTC)",
          type: "date",
          value: typed?.until ?? "",
          problem: wrong("until"),
        })
      : NOTHING;
  return html`<details class="card"${typed === null ? NOTHING : html` open`}><summary>${words}</summary><p>${help}</p>${postForm(
    visit,
    `/orders/${name}/${path}`,
    html`${until}${groundField(path, typed?.ground ?? "", wrong("ground"))}${button(`${words} …`, look.isGrave === true ? "grave" : "main")}`,
  )}</details>`;
}

/** Several forms of a page have one: each with an id of its own. */
export function groundField(of: string, value: string, problem: string | undefined): Markup {
  const id = `ground-${of}`;
  const wrong = problem === undefined ? NOTHING : html`<p class="problem" id="${id}-problem">${problem}</p>`;
  const marks = problem === undefined ? NOTHING : html` aria-describedby="${id}-problem" aria-invalid="true"`;
  return html`<div class="field"><label for="${id}">Why</label><textarea id="${id}" name="ground" rows="2" required${marks}>
${value}</textarea>${wrong}</div>`;
}
