import type { Charter } from "@porchlight/charter";
import { type DayNumber, formatDay } from "@porchlight/encoding";
import type { ContestPeriod } from "@porchlight/gate";
import { html, type Markup, NOTHING } from "@porchlight/markup";
import type { KeyholderAnswer } from "@porchlight/parties";
import {
  damagedSaidBox,
  damagedTable,
  daysText,
  keyholdersTable,
  orderWords,
  type Shown,
  scopeOf,
  standingBadge,
  tally,
} from "../orders.ts";
import { capsTable, rulesTable } from "../rules.ts";
import type { Said } from "../said.ts";
import type { View, Visit } from "../shell/desk.ts";
import {
  area,
  badge,
  box,
  button,
  counted,
  day,
  empty,
  facts,
  fileField,
  instant,
  postForm,
  table,
} from "../shell/look.ts";
import type { Silent } from "../silence.ts";
import type { Inspected, Unseen } from "./inspection.ts";

type Row = Shown & {
  /** Whether it verifies under the charter that it names. */
  readonly isReadable: boolean;
  readonly wait: ContestPeriod | null;
  readonly said: readonly Said[];
};

/** Hold orders to inspect, those that nobody showed, and what was stopped and when. */
export function inboxPage(
  visit: Visit,
  about: {
    readonly charter: Charter;
    readonly isNamed: boolean;
    readonly orders: readonly Row[];
    readonly damaged: readonly string[];
    readonly unseen: readonly Unseen[];
  },
): View {
  const { charter, isNamed, orders, damaged } = about;
  const open = orders.filter(
    ({ standing, said }) => said.length === 0 && standing.state !== "revoked" && standing.state !== "expired",
  );
  const done = orders.filter((one) => !open.includes(one));
  const unshown = about.unseen.filter(({ isStopped }) => !isStopped);
  return {
    title: "Hold orders",
    body: html`<h1>Hold orders</h1>
<p class="lead">${waitWords(charter)} You can stop any of them and order nothing.</p>
${isNamed ? NOTHING : notNamed()}
${unshownBox(unshown.filter(({ isDamaged }) => !isDamaged))}
${unreadableBox(unshown.filter(({ isDamaged }) => isDamaged))}
${damagedTable(damaged, "hold orders", true)}
<h2>To inspect</h2>${
      open.length === 0
        ? empty("No hold order waits for you.")
        : table({
            caption: "Whoever signs a hold order gives you its file.",
            heads: ["Hold order", "State", "Asked by", "Days that it opens", "Keyholders wait for you"],
            rows: open.map((one) => [
              link(one),
              one.isReadable ? standingBadge(one.standing) : badge("cannot be read", "bad"),
              html`${one.document.requester.name}`,
              html`${daysText(one.document)}`,
              one.isReadable ? waitBadge(one.wait) : NOTHING,
            ]),
          })
    }
<h2>Done</h2>${
      done.length === 0
        ? empty("Nothing was decided here yet.")
        : table({
            caption: "What you stopped and what you let pass, the newest first",
            heads: ["Hold order", "State", "You", "When", "Why"],
            rows: done.map((one) => {
              const last = one.said.at(-1);
              return [
                link(one),
                one.isReadable ? standingBadge(one.standing) : badge("cannot be read", "bad"),
                last === undefined ? html`did not decide` : saidBadge(last),
                last === undefined ? NOTHING : instant(last.at),
                html`${last?.ground ?? ""}`,
              ];
            }),
          })
    }
<h2>A hold order that you were given</h2>
${postForm(
  visit,
  "/orders",
  html`${fileField({ name: "order", label: "The hold order's file", help: "It is checked before it is kept: signed by all who must sign it, under this charter.", accept: ".json,application/json" })}${button("Read it")}`,
  { uploads: true },
)}`,
  };
}

function waitWords({ inspection }: Charter): string {
  const days = inspection?.days ?? 0;
  return days === 0
    ? "Each hold order waits for you until the day on which it was logged is over."
    : `Each hold order waits for you ${counted(days, "whole day")} after the day on which it was logged, secret or not, emergency or not.`;
}

function notNamed(): Markup {
  return box(
    "bad",
    html`<p><strong>The charter does not name this desk's key as an inspector's.</strong> Nothing that is signed here stops anything.</p>`,
  );
}

function unshownBox(unshown: readonly Unseen[]): Markup {
  if (unshown.length === 0) return NOTHING;
  return html`${box("warn", html`<p><strong>${counted(unshown.length, "hold order stands", "hold orders stand")} in the public log that nobody gave you.</strong> Ask those who sign for the file today: without it you cannot read the hold order, and cannot stop it.</p>`)}
${unreadTable("Not shown to you", unshown)}`;
}

function unreadableBox(damaged: readonly Unseen[]): Markup {
  if (damaged.length === 0) return NOTHING;
  const stand = counted(damaged.length, "hold order stands", "hold orders stand");
  return html`${box("warn", html`<p><strong>${stand} in the public log that you can read only once its damaged file is mended.</strong> Put the file in again today: keyholders wait no longer for it.</p>`)}
${unreadTable("Not readable here", damaged)}`;
}

function unreadTable(caption: string, unread: readonly Unseen[]): Markup {
  return table({
    caption,
    heads: ["In the public log", "Logged", "Keyholders wait until the end of"],
    rows: unread.map(({ index, day: logged, waitsUntil }) => [
      html`Entry ${index}`,
      day(logged),
      day(waitsUntil),
    ]),
  });
}

function link({ name, document }: Shown): Markup {
  const emergency = document.emergency ? html` ${badge("emergency", "bad")}` : NOTHING;
  return html`<a href="/orders/${name}">${document.reference}</a>${emergency}`;
}

function waitBadge(wait: ContestPeriod | null): Markup {
  if (wait === null) return badge("not in the log yet");
  return wait.isOver
    ? badge(`not since ${dayAfter(wait.lastDay)}`, "bad")
    : badge(`until the end of ${formatDay(wait.lastDay)}`, "wait");
}

function dayAfter(last: DayNumber): string {
  return formatDay((last + 1) as DayNumber);
}

function saidBadge({ kind }: Said): Markup {
  return kind === "passed" ? badge("let it pass", "good") : badge("stopped it", "bad");
}

export async function orderPage(
  visit: Visit,
  shown: Shown,
  about: {
    readonly charter: Charter;
    readonly isNamed: boolean;
    readonly inspected: Inspected;
    readonly keyholders: readonly KeyholderAnswer[];
    readonly silent: Silent;
    readonly said: readonly Said[];
    /** The file of what this desk noted, where that is damaged. */
    readonly damaged: string | null;
    readonly asked: Asked | null;
  },
): Promise<View> {
  const { charter, isNamed, inspected, keyholders, silent, said, damaged, asked } = about;
  const { document, standing, commitment } = shown;
  const { order, examined, wait } = inspected;
  const { sentence, keys } = scopeOf(document);
  const isDecidable = isNamed && examined !== null && standing.state !== "revoked";
  return {
    title: document.reference,
    ...(asked === null ? {} : { status: 422 }),
    body: html`<p class="back"><a href="/orders">Hold orders</a></p>
<div class="top"><h1>${document.reference}</h1><span>${standingBadge(standing)}${document.emergency ? html` ${badge("emergency", "bad")}` : NOTHING}${document.privileged ? html` ${badge("privileged communication", "wait")}` : NOTHING}</span></div>
${isNamed ? NOTHING : notNamed()}
${standingBox(shown, said)}
${damagedSaidBox(damaged)}
<div class="sum"><strong>${keys}</strong>${sentence}</div>
${wait === null ? box("plain", html`<p>It is not in the witnessed log yet. Nothing can be opened by it before that, and nothing stopped.</p>`) : waitBox(wait, keyholders)}
${isDecidable ? html`<p><a href="#decide">Go to the decision</a></p>` : NOTHING}
<h2>What the hold order says</h2>
${facts([...(await orderWords(shown.order, charter)), { term: "Signed by", text: [...order.signers].join("\n") }])}
<h2>Rule by rule</h2>
${examined === null ? html`<p>The rules are asked once it is in the log.</p>` : html`${rulesTable(examined.rules, "hold order")}${capsTable(examined.caps, "hold order")}`}
${keyholders.length === 0 ? NOTHING : html`<h2>Keyholders</h2><p>${tally(keyholders, charter.threshold)}</p>${keyholdersTable(keyholders, silent)}`}
${isDecidable ? decide(visit, shown, asked) : NOTHING}
${said.length === 0 ? NOTHING : html`<h2>What you decided</h2>${saidTable(said)}`}
${facts([
  { term: "Number in the public log", text: commitment },
  ...("index" in standing ? [{ term: "Entry in the public log", text: String(standing.index) }] : []),
])}`,
  };
}

function standingBox({ standing }: Shown, said: readonly Said[]): Markup {
  if (standing.state !== "revoked") return NOTHING;
  const veto = said.find(({ kind }) => kind === "revocation");
  return veto === undefined
    ? box("plain", html`<p>It was revoked: by those who signed it, or by another inspector.</p>`)
    : box(
        "good",
        html`<p><strong>You stopped it</strong>, ${instant(veto.at)}, entry ${veto.index ?? ""} of the public log: ${veto.ground}</p>`,
      );
}

function waitBox({ lastDay, isOver }: ContestPeriod, keyholders: readonly KeyholderAnswer[]): Markup {
  const released = keyholders.filter(({ answer }) => answer.state === "released").length;
  return isOver
    ? box(
        "warn",
        html`<p><strong>Your time was over at the end of ${formatDay(lastDay)}.</strong> ${released === 0 ? "Nothing was released so far: you can still stop it." : `${counted(released, "keyholder has", "keyholders have")} released. Who has not released will not, if you stop it now.`}</p>`,
      )
    : box(
        "plain",
        html`<p><strong>No keyholder decides about it until the end of ${formatDay(lastDay)} (UTC).</strong> That time is yours.</p>`,
      );
}

/** A decision that was not shown, because of what was written with it. */
export type Asked = { readonly act: "veto" | "pass"; readonly ground: string; readonly problem: string };

function decide(visit: Visit, { name }: Shown, asked: Asked | null): Markup {
  const typed = (act: Asked["act"]) => (asked?.act === act ? asked : null);
  return html`<h2 id="decide">Decide</h2>
<p>The next page shows once more what you decide. Then your passkey signs exactly that.</p>
<div class="columns"><div class="card"><h3>Stop it</h3><p>For good. Nobody can let it go on.</p>${postForm(
    visit,
    `/orders/${name}/veto`,
    html`${area({ name: "ground", label: "Why", help: "Those who signed it can read your reason; the public log shows a number.", value: typed("veto")?.ground ?? "", problem: typed("veto")?.problem, rows: 3 })}${button("Stop it …", "grave")}`,
  )}</div>
<div class="card"><h3>Let it pass</h3><p>Noted here and signed by your passkey; nobody waits a day less. You can still stop it later.</p>${postForm(
    visit,
    `/orders/${name}/pass`,
    html`${area({ name: "note", label: "A note for your own journal", value: typed("pass")?.ground ?? "", problem: typed("pass")?.problem, rows: 2 })}${button("Let it pass …", "plain")}`,
  )}</div></div>`;
}

function saidTable(said: readonly Said[]): Markup {
  return table({
    caption: "At this desk",
    heads: ["What", "When", "Why", "Entry in the public log"],
    rows: said.map((one) => [
      saidBadge(one),
      instant(one.at),
      html`${one.ground}`,
      html`${one.index ?? "none"}`,
    ]),
  });
}
