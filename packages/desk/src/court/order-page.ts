import { type Charter, type Contest, parseSignedDocument } from "@porchlight/charter";
import type { UnixSeconds } from "@porchlight/encoding";
import { orderWord } from "@porchlight/evidence";
import { personsOf, verifyOrder } from "@porchlight/gate";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { KeyholderAnswer, OrderFile } from "@porchlight/parties";
import {
  daysText,
  keyholdersTable,
  orderWords,
  type Shown,
  scopeWords,
  standingBadge,
  tally,
} from "../orders.ts";
import type { Said } from "../said.ts";
import type { View, Visit } from "../shell/desk.ts";
import {
  badge,
  box,
  button,
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

/** Every order of this court, and its drafts. */
export function ordersPage(about: {
  readonly charter: Charter;
  readonly orders: readonly Shown[];
  readonly drafts: readonly { readonly id: string; readonly made: UnixSeconds; readonly reference: string }[];
  readonly left: { readonly left: number; readonly cap: number };
}): View {
  const { charter, orders, drafts, left } = about;
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
  orders.length === 0
    ? empty(`No ${word} was signed here yet.`, linkButton("Begin with an application", "/new"))
    : table({
        caption: "Signed here, newest first",
        heads: ["Reference", "State", "Days that it opens", "Signed", "Lapses", "The person is told"],
        rows: orders.map(({ name, document, standing }) => [
          html`<a href="/orders/${name}">${document.reference}</a>`,
          standingBadge(standing),
          html`${daysText(document)}`,
          instant(document.issued),
          instant(document.expires),
          document.disclosure.kind === "secret" ? html`after ${day(document.disclosure.until)}` : html`first`,
        ]),
      })
}`,
  };
}

/** What was asked about an order when its page was made. `null`: it could not be asked. */
export type Asked = {
  readonly keyholders: readonly KeyholderAnswer[];
  readonly contests: readonly Contest[] | null;
  /** Keyholders whose signed record of a refusal holds. */
  readonly records: ReadonlySet<number>;
  /** What the court itself said of the order at this desk. */
  readonly said: readonly Said[];
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
  const isOpen = ["handed-in", "logged", "suspended"].includes(standing.state);
  const { keyholders, contests, records, said } = asked;
  return {
    title: document.reference,
    body: html`<p class="back"><a href="/orders">Orders</a></p>
<div class="top"><h1>${document.reference}</h1>${standingBadge(standing)}</div>
${scopeBox(document)}
${standing.state === "signed" ? waiting(visit, shown, charter) : NOTHING}
${
  standing.state === "signed"
    ? NOTHING
    : html`<h2>Keyholders</h2><p>${tally(keyholders, charter.threshold)}</p>
${keyholdersTable(keyholders, ({ keyholder, answer }) =>
  answer.state !== "refused"
    ? NOTHING
    : records.has(keyholder.index)
      ? html`<a href="/orders/${name}/records/${keyholder.index}">Its signed record</a>`
      : badge("no signed record", "wait"),
)}
<p class="soft">A keyholder that refuses owes the court a signed record of why. It is checked here before it is shown.</p>`
}
${
  standing.state === "signed"
    ? NOTHING
    : html`<h2>Objections</h2>${contestList(contests, await personsIn(order, charter))}`
}
${said.length === 0 ? NOTHING : html`<h2>What was decided later</h2>${table({ caption: "By this court, at this desk", heads: ["What", "When", "Why", "Entry in the log"], rows: said.map(({ kind, at, until, ground, index }) => [html`${SAID[kind] ?? kind}${until === null ? "" : ` until ${until}`}`, instant(at), html`${ground}`, html`${index ?? ""}`]) })}`}
${isOpen ? later(visit, shown, charter) : NOTHING}
<h2>What the ${word} says</h2>
${facts(await orderWords(order, charter))}
${facts([
  { term: "Number in the public log", text: commitment },
  ...("index" in standing ? [{ term: "Entry in the public log", text: String(standing.index) }] : []),
])}
<p>${linkButton("Download the order", `/orders/${name}/order`)}</p>
<p class="soft">The agency needs this file. Whoever has it can ask how the order stands: keep it as confidential as the order itself.</p>`,
  };
}

function scopeBox(document: Shown["document"]): Markup {
  const { accounts, conversations, firstDay, lastDay, mode } = document;
  const { sentence, keys } = scopeWords({
    people: accounts.length,
    conversations: conversations === "all" ? null : conversations.length,
    days: lastDay - firstDay + 1,
    isBothSides: mode === "both-sides",
  });
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

async function personsIn(order: OrderFile, charter: Charter): Promise<ReadonlyMap<string, string>> {
  const persons = personsOf(await verifyOrder(order, charter));
  return new Map(persons.map(({ account, person }) => [account, person]));
}

function contestList(contests: readonly Contest[] | null, persons: ReadonlyMap<string, string>): Markup {
  if (contests === null)
    return box("warn", html`<p>The provider did not answer. Load the page again later.</p>`);
  if (contests.length === 0) return html`<p>Nobody has objected.</p>`;
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

/** What a court can still decide. Each asks for its passkey. */
function later(visit: Visit, { name, document, standing }: Shown, charter: Charter): Markup {
  if (charter.kind === "house") {
    return html`<h2>Decide</h2><p>To stop it takes one of you, to go on or to keep it secret for longer takes both.</p>${revoke(visit, name)}`;
  }
  const say = (kind: string, words: string, help: string, more: Markup = NOTHING): Markup =>
    html`<details class="card"><summary>${words}</summary><p>${help}</p>${postForm(
      visit,
      `/orders/${name}/${kind}`,
      html`${more}${groundField(kind)}${button(words)}`,
    )}</details>`;
  const isSecret = document.disclosure.kind === "secret";
  return html`<h2>Decide</h2>
${
  standing.state === "suspended"
    ? say("resume", "Let it go on", "Keyholders may release again.")
    : say("suspend", "Suspend it", "Nothing more is released until you let it go on.")
}
${
  isSecret
    ? html`${say(
        "extend",
        "Keep it secret for longer",
        "At the latest a day before secrecy ends, and never beyond the charter's longest.",
        field({ name: "until", label: "Secret until (UTC)", type: "date" }),
      )}${say("release-notice", "Tell the person now", "Before the secrecy that was ordered ends.")}`
    : NOTHING
}
${revoke(visit, name)}`;
}

function groundField(kind: string): Markup {
  return html`<div class="field"><label for="ground-${kind}">Why</label><textarea id="ground-${kind}" name="ground" rows="2" required></textarea></div>`;
}

function revoke(visit: Visit, name: string): Markup {
  return html`<details class="card"><summary>Revoke it</summary><p>For good. Keyholders that have not released will not; what is opened already stays opened.</p>${postForm(
    visit,
    `/orders/${name}/revoke`,
    html`${groundField("revoke")}${button("Revoke it", "grave")}`,
  )}</details>`;
}
