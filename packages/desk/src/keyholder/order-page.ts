import { type DayNumber, formatDay } from "@porchlight/encoding";
import { orderInWords, orderWord, type Words } from "@porchlight/evidence";
import { html, type Markup, NOTHING } from "@porchlight/markup";
import { scopeWords } from "../orders.ts";
import { capsTable, rulesInWords, rulesTable } from "../rules.ts";
import type { View, Visit } from "../shell/desk.ts";
import { area, badge, box, button, facts, instant, postForm, type Tone, table } from "../shell/look.ts";
import type { CharterState, Shown, Status } from "./client.ts";
import { obstacles, STAGES, until } from "./inbox-page.ts";
import type { PeerAnswer } from "./peers.ts";

/** What an order opens, in a sentence and in numbers; also what the passkey signs. */
function scopeOf({ document, others, keys, conversations }: Shown): {
  sentence: string;
  keys: string;
} {
  const { accounts, firstDay, lastDay, mode } = document;
  const isAll = document.conversations === "all";
  const { sentence } = scopeWords({
    people: accounts.length + others.length,
    conversations: isAll ? null : conversations,
    days: lastDay - firstDay + 1,
    isBothSides: mode === "both-sides",
  });
  return { sentence, keys: `${keys} ${keys === 1 ? "key" : "keys"}${isAll ? " as far as is known" : ""}` };
}

export function orderPage(
  visit: Visit,
  status: Status,
  charter: CharterState,
  order: Shown,
  peers: readonly PeerAnswer[],
  asked: { readonly reason: string; readonly problem: string } | null = null,
): View {
  const { document, state, examined } = order;
  const word = orderWord(charter);
  const [words, tone] = STAGES[state];
  const scope = scopeOf(order);
  const isDecidable = state === "awaiting-approval";
  return {
    title: document.reference,
    ...(asked === null ? {} : { status: 422 }),
    isLive: asked === null && ["checking", "approved", "sealed"].includes(state),
    body: html`<p class="back"><a href="/orders">All orders</a></p><h1>${document.reference}</h1>
<p>${badge(words, tone)}${document.emergency ? html` ${badge("emergency", "bad")}` : NOTHING}${document.privileged ? html` ${badge("privileged communication", "wait")}` : NOTHING}</p>
${obstacles(status)}${standing(order)}
<div class="sum"><strong>${scope.sentence}</strong>${scope.keys}, each for one person, one conversation and one day. To be read by ${document.requester.name} alone.</div>
${secrecyBox(order, charter)}${isDecidable ? html`<p><a href="#decide">Go to the decision</a></p>` : NOTHING}
<h2>Who asks, and for what</h2>
${facts(orderRows(order, charter))}
<h2>Rule by rule</h2>
${examined === null ? box("warn", html`<p>The public log has not been read yet, so nothing can be said of the rules.</p>`) : rulesTable(examined.rules, word)}
${examined === null ? NOTHING : capsTable(examined.caps, word)}
<h2>What the other keyholders say</h2>
${peersTable(peers, charter)}
${isDecidable ? decisionForms(visit, status, order, word, asked) : NOTHING}
<details><summary>Numbers, to compare by telephone</summary>${facts([
      { term: "Order", text: order.id },
      { term: "Commitment", text: order.commitment },
      { term: "In the log at", text: String(order.index) },
      { term: "Charter", text: charter.id },
    ])}</details>`,
  };
}

/** The order's own words, the persons' accounts shortened. */
function orderRows({ document, persons, others, signedBy }: Shown, charter: CharterState): Words[] {
  const rows = orderInWords(document, charter, { accounts: persons }, others);
  const skipped = new Set(["Reference", "Telling the person"]);
  return [...rows.filter(({ term }) => !skipped.has(term)), { term: "Signed by", text: signedBy.join("\n") }];
}

function standing({ state, approval, refusal, document, releases }: Shown): Markup {
  if (state === "refused" && refusal !== null) {
    const who = refusal.by === null ? html`by a rule of the gate` : html`by ${refusal.by}`;
    return box(
      "bad",
      html`<p><strong>Refused</strong> ${who}, ${instant(refusal.at)}: ${refusal.reason} <span class="reason">(${refusal.rule})</span></p><p>The requester and the issuer have it with this keyholder's signature.</p>`,
    );
  }
  if (approval === null) {
    if (state === "checking")
      return box("plain", html`<p>Not for you to decide yet: a rule below still has to come to hold.</p>`);
    return NOTHING;
  }
  const on = releases > 0 ? ` ${releases === 1 ? "One release was" : `${releases} releases were`} made.` : "";
  return box(
    "good",
    html`<p><strong>Approved</strong> by ${approval.by}, ${instant(approval.at)}.${on}</p><p>${document.live || state !== "released" ? "The gate is asked again before each use of the share; it ends by itself when the order is revoked or runs out." : "The requester can fetch it; only the requester's key opens it."}</p>`,
  );
}

/** The day on which secrecy ends by what was said of the order later too. */
function dueOf(examined: Shown["examined"], until: DayNumber): DayNumber {
  return examined?.due ?? until;
}

function secrecyWords(ordered: DayNumber, due: DayNumber): string {
  if (due === ordered) return `Secret until ${formatDay(ordered)}.`;
  return due > ordered
    ? `Secret until ${formatDay(due)}: extended, it was ordered until ${formatDay(ordered)}.`
    : `Secret until ${formatDay(due)}: cut short, it was ordered until ${formatDay(ordered)}.`;
}

function secrecyBox({ document, examined }: Shown, charter: CharterState): Markup {
  const { disclosure, emergency } = document;
  const inspection =
    examined?.inspection == null
      ? NOTHING
      : html`<p>The inspectors of this house ${examined.inspection.isOver ? "had" : "have"} until the end of ${formatDay(examined.inspection.lastDay)} to look at it and stop it.</p>`;
  if (disclosure.kind === "secret") {
    const who = charter.kind === "court" ? "the court" : "the house";
    return box(
      "warn",
      html`<p><strong>${secrecyWords(disclosure.until, dueOf(examined, disclosure.until))}</strong> Then the person is told, without anybody's help. The ground that ${who} gives:</p><p>${disclosure.ground}</p>${inspection}`,
    );
  }
  const contest = examined?.contest;
  const when = emergency
    ? html`It is declared an emergency: the wait is skipped, no approval is.`
    : contest == null
      ? html`The person may contest it first.`
      : html`The person ${contest.isOver ? "could" : "can"} contest it until the end of ${formatDay(contest.lastDay)}.`;
  return box("plain", html`<p><strong>The person is told first.</strong> ${when}</p>${inspection}`);
}

const PEER_WORDS: Readonly<Record<PeerAnswer["answer"]["state"], readonly [string, Tone]>> = {
  checking: ["checks it", "plain"],
  "awaiting-approval": ["not decided", "plain"],
  approved: ["approved", "good"],
  "intent-logged": ["approved", "good"],
  released: ["released", "good"],
  refused: ["refused", "bad"],
  unknown: ["was not handed the order", "wait"],
  silent: ["does not answer", "wait"],
};

function peersTable(peers: readonly PeerAnswer[], charter: CharterState): Markup {
  const approved = peers.filter(({ answer }) =>
    ["approved", "intent-logged", "released"].includes(answer.state),
  );
  const can = peers.filter(({ answer }) => answer.state !== "refused").length;
  const caption = `${approved.length} of the ${charter.threshold} that are needed have approved.${can < charter.threshold ? " So many refused that nothing can be opened." : ""} Each decides by itself; nobody who is down or slow holds up the others.`;
  return table({
    caption,
    heads: ["Keyholder", "State", "Reason"],
    rows: peers.map(({ peer, answer }) => {
      const [words, tone] = PEER_WORDS[answer.state];
      return [
        html`${peer.name}${peer.index === charter.self ? html` <span class="soft">(you)</span>` : NOTHING}`,
        badge(words, tone),
        "reason" in answer ? html`${answer.reason}` : NOTHING,
      ];
    }),
  });
}

function decisionForms(
  visit: Visit,
  { paused, now }: Status,
  order: Shown,
  word: string,
  asked: { readonly reason: string; readonly problem: string } | null,
): Markup {
  const approve =
    paused === null
      ? postForm(
          visit,
          `/orders/${order.id}/approve`,
          html`<input type="hidden" name="commitment" value="${order.commitment}">${button("Approve …", "main")}`,
        )
      : html`<p class="soft">Everything is paused: nothing can be approved.</p>`;
  return html`<h2 id="decide">Decide</h2>
<p>It runs out ${until(order.document.expires, now)}. You owe nobody an approval. What you approve covers the whole ${word}, its days to come included, and cannot be taken back; what you refuse is refused for good.</p>
<div class="columns"><div class="card"><h3>Approve</h3><p>The next page shows once more what you approve. Then your passkey signs exactly that.</p>${approve}</div>
<div class="card"><h3>Refuse</h3>${postForm(
    visit,
    `/orders/${order.id}/refuse`,
    html`${area({
      name: "reason",
      label: "Why",
      help: "In one sentence that a judge can read. It goes to the issuer and the requester with this keyholder's signature.",
      value: asked?.reason ?? "",
      problem: asked?.problem,
      rows: 3,
    })}${button("Refuse …", "grave")}`,
  )}</div></div>`;
}

/** All that the order says, as the page before had it: what the confirmation of an act shows. */
export function orderWords(order: Shown, charter: CharterState): Words[] {
  const { document } = order;
  const scope = scopeOf(order);
  return [
    { term: charter.kind === "court" ? "Warrant" : "Hold order", text: document.reference },
    { term: "What it opens", text: `${scope.sentence} ${scope.keys}.` },
    ...orderRows(order, charter),
    {
      term: "Telling the person",
      text:
        document.disclosure.kind === "secret"
          ? `secret until ${formatDay(dueOf(order.examined, document.disclosure.until))}${document.emergency ? ", and declared an emergency" : ""}`
          : document.emergency
            ? "told at once, without a wait: emergency"
            : "told first",
    },
    ...(order.examined === null
      ? []
      : [{ term: "The gate's rules", text: rulesInWords(order.examined.rules) }]),
    { term: "Commitment", text: order.commitment },
  ];
}
