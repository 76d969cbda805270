import { formatDay } from "@porchlight/encoding";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { View, Visit } from "../shell/desk.ts";
import {
  area,
  badge,
  box,
  button,
  counted,
  empty,
  facts,
  instant,
  postForm,
  type Tone,
  table,
} from "../shell/look.ts";
import type { CharterState, Status } from "./client.ts";
import { obstacles } from "./inbox-page.ts";
import type { Presence } from "./peers.ts";

const PRESENCE: Readonly<Record<Presence, readonly [string, Tone]>> = {
  answers: ["answers", "good"],
  slow: ["slow", "wait"],
  silent: ["does not answer", "bad"],
};

/** All keyholders, this one's part among them, and the switch that stops everything. */
export function statePage(
  visit: Visit,
  status: Status,
  there: ReadonlyMap<string, ReadonlyMap<number, Presence>>,
  asked: { readonly reason: string; readonly problem: string } | null = null,
): View {
  const { paused, channels, charters } = status;
  return {
    title: "State",
    ...(asked === null ? {} : { status: 422 }),
    body: html`<h1>State</h1>${obstacles(status)}
<h2>Pause everything</h2>
${
  paused === null
    ? html`<p>When something looks wrong: until you let it go on, nothing is approved here, no share is used, also for what you approved before, and nothing that was made is handed out. Notices to persons, the log and the destruction of old shares go on.</p>${pauseForm(visit, "Pause everything …", asked)}`
    : html`${join(paused.reasons.map(({ at, by, reason }) => html`<p>Paused since ${instant(at)} by ${by}: ${reason}</p>`))}${postForm(visit, "/state/resume", button("Let it go on …", "main"))}<h3>Pause for another reason too</h3>${pauseForm(visit, "Add this reason …", asked)}`
}
${
  charters.length === 0
    ? empty("No charter is signed here yet.", html`<p><a href="/charters">Read and sign a charter</a></p>`)
    : join(charters.map((charter) => keyholders(charter, there.get(charter.id) ?? new Map())))
}
<h2>How you are told that an order waits</h2>
${
  channels.length === 0
    ? box(
        "warn",
        html`<p>You are not told: look here every working day. E-mail and webhook are set up in <code>config.json</code>, under <code>notify</code>.</p>`,
      )
    : table({
        caption: "The message says nothing of the order.",
        heads: ["By", "State"],
        rows: channels.map(({ name, failures }) => [
          html`${name === "mail" ? "e-mail" : "webhook"}`,
          failures === 0
            ? badge("works, or had nothing to tell", "good")
            : badge(`fails: ${counted(failures, "try", "tries")}`, "bad"),
        ]),
      })
}`,
  };
}

function pauseForm(
  visit: Visit,
  words: string,
  asked: { readonly reason: string; readonly problem: string } | null,
): Markup {
  return postForm(
    visit,
    "/state/pause",
    html`${area({ name: "reason", label: "Why", help: "For yourself and the others; one sentence.", value: asked?.reason ?? "", problem: asked?.problem, rows: 2 })}${button(words, "grave")}`,
  );
}

function keyholders(charter: CharterState, there: ReadonlyMap<number, Presence>): Markup {
  const { batches, self, log, orders } = charter;
  const silent = [...there.values()].filter((one) => one === "silent").length;
  const left = charter.keyholders.length - silent;
  const decided = ["approved", "sealed", "released"].reduce(
    (sum, stage) => sum + (orders.get(stage) ?? 0),
    0,
  );
  return html`<h2>${charter.deployment}</h2>
${left < charter.threshold ? box("bad", html`<p><strong>Only ${counted(left, "keyholder")} can be reached.</strong> Nothing can be opened until ${charter.threshold} can.</p>`) : NOTHING}
${table({
  caption: `${charter.threshold} of ${charter.keyholders.length} must agree. One that is down, slow or refusing delays nobody as long as ${charter.threshold} are there.`,
  heads: ["Keyholder", "At its door", "Last in the log", "Months without a share"],
  rows: charter.keyholders.map(({ index, name }) => {
    const presence = there.get(index);
    const [words, tone] = presence === undefined ? (["not asked", "plain"] as const) : PRESENCE[presence];
    const last = batches.get(index);
    const missing = charter.periods
      .filter(({ absent }) => absent.includes(index))
      .map(({ period }) => period);
    const successor = charter.successions.some(({ keyholder }) => keyholder === index);
    return [
      html`${name}${index === self ? html` <span class="soft">(you)</span>` : NOTHING}${successor ? html` <span class="soft">(replaced a lost one)</span>` : NOTHING}`,
      badge(words, tone),
      html`${last === undefined ? "never" : formatDay(last)}`,
      html`${missing.length === 0 ? "none" : missing.join(", ")}`,
    ];
  }),
})}
<h3>Your own part</h3>
${facts([
  { term: "Waiting for you", text: String(orders.get("awaiting-approval") ?? 0) },
  { term: "Being checked", text: String(orders.get("checking") ?? 0) },
  { term: "Approved", text: String(decided) },
  { term: "Refused, by you or a rule", text: String(orders.get("refused") ?? 0) },
  {
    term: "Log, as this keyholder saw it",
    text:
      log === null
        ? "not read yet"
        : `${counted(log.size, "entry", "entries")}, witnessed ${new Date(1000 * log.time).toISOString().slice(0, 16).replace("T", " ")} UTC`,
  },
  {
    term: "Charter",
    text: `${charter.id}${charter.inForce ? "" : " (not in force: not in the log with all signatures)"}`,
  },
])}`;
}
