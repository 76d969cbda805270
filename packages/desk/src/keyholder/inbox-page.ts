import { formatDay, type UnixSeconds } from "@porchlight/encoding";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { View } from "../shell/desk.ts";
import { badge, box, counted, empty, instant, type Tone, table } from "../shell/look.ts";
import type { Listed, Stage, Status } from "./client.ts";

export const STAGES: Readonly<Record<Stage, readonly [words: string, tone: Tone]>> = {
  checking: ["being checked", "plain"],
  "awaiting-approval": ["waits for you", "wait"],
  approved: ["approved, on its way", "good"],
  sealed: ["approved, on its way", "good"],
  released: ["released", "good"],
  refused: ["refused", "bad"],
};

/** "in 3 days": how long until then, as a person counts. */
export function until(then: UnixSeconds, now: UnixSeconds): string {
  const hours = Math.floor((then - now) / 3600);
  if (then <= now) return "over";
  if (hours < 1) return "in less than an hour";
  return hours < 48 ? `in ${counted(hours, "hour")}` : `in ${counted(Math.floor(hours / 24), "day")}`;
}

function ago(then: UnixSeconds, now: UnixSeconds): string {
  const hours = Math.floor(Math.max(0, now - then) / 3600);
  if (hours < 1) return "less than an hour ago";
  return hours < 48 ? `${counted(hours, "hour")} ago` : `${counted(Math.floor(hours / 24), "day")} ago`;
}

/** GATE-2: further behind the clock than that, the log's state decides nothing. */
const STALE_SECONDS = 600;

/** While nothing waits here nobody asks for the newest state, and an old one hinders nothing. */
function isAnyOpen(orders: ReadonlyMap<string, number>): boolean {
  return ["checking", "awaiting-approval", "approved", "sealed"].some(
    (stage) => (orders.get(stage) ?? 0) > 0,
  );
}

/** What hinders this keyholder as a whole: shown on every page where something could be decided. */
export function obstacles({ now, paused, charters, channels }: Status): Markup {
  const old = charters.flatMap(({ log, forked, orders }) =>
    !forked && log !== null && now - log.time > STALE_SECONDS && isAnyOpen(orders) ? [log.time] : [],
  );
  const forked = charters.some((charter) => charter.forked);
  const deaf = channels.filter(({ failures }) => failures > 0);
  return join([
    paused === null
      ? NOTHING
      : box(
          "bad",
          html`<p><strong>Everything is paused</strong></p>${join(paused.reasons.map(({ at, by, reason }) => html`<p>By ${by} since ${instant(at)}: ${reason}</p>`))}<p>Nothing can be approved and no share is used. <a href="/state">Let it go on</a></p>`,
        ),
    forked
      ? box(
          "bad",
          html`<p><strong>The public log has shown two different histories.</strong> This keyholder decides nothing until a person has looked into it: the proof is in <code>fork.json</code>. Tell the other keyholders today.</p>`,
        )
      : NOTHING,
    ...old.map((time) =>
      box(
        "warn",
        html`<p><strong>The public log was not renewed since ${instant(time)}.</strong> The provider may be keeping newer entries back, a revocation among them; or the clock here is wrong.</p><p>Nothing can be approved until it is renewed. Ask another keyholder what its log says, and compare the time.</p>`,
      ),
    ),
    ...deaf.map(({ name, failures }) =>
      box(
        "warn",
        html`<p><strong>${name === "mail" ? "E-mail" : "The webhook"} does not get through</strong>: ${counted(failures, "try", "tries")} failed since it last worked. Look here yourself until that is mended.</p>`,
      ),
    ),
  ]);
}

export function inboxPage(status: Status, orders: readonly Listed[]): View {
  const newest = orders.toSorted((a, b) => b.receivedAt - a.receivedAt);
  const waiting = newest.filter(({ state }) => state === "awaiting-approval");
  const checking = newest.filter(({ state }) => state === "checking");
  const rest = newest.filter(({ state }) => state !== "awaiting-approval" && state !== "checking");
  const { now } = status;
  return {
    title: "Orders",
    isLive: newest.some(({ state }) => ["checking", "approved", "sealed"].includes(state)),
    body: html`<h1>Orders</h1>${obstacles(status)}
<h2>Waiting for you</h2>${
      waiting.length === 0
        ? empty("No order waits for your decision.", nothingYet(status))
        : table({
            caption: "Nothing is ever approved by itself.",
            heads: ["Order", "Asked by", "Signed by", "Came", "Runs out"],
            rows: waiting.map((one) => [
              link(one),
              html`${one.open?.requester ?? ""}`,
              html`${one.open?.issuer ?? ""}`,
              html`${ago(one.receivedAt, now)}`,
              one.open === null ? NOTHING : html`${until(one.open.expires, now)}`,
            ]),
          })
    }
${
  checking.length === 0
    ? NOTHING
    : html`<h2>Being checked</h2>${table({
        caption: "A rule does not hold yet that time can make hold. You are told when they wait for you.",
        heads: ["Order", "Asked by", "Came", "Runs out"],
        rows: checking.map((one) => [
          link(one),
          html`${one.open?.requester ?? ""}`,
          html`${ago(one.receivedAt, now)}`,
          one.open === null ? NOTHING : html`${until(one.open.expires, now)}`,
        ]),
      })}`
}
<h2>Decided</h2>${
      rest.length === 0
        ? empty("Nothing was decided here yet.")
        : table({
            caption: "Approved and refused, the newest first.",
            heads: ["Order", "State", "Asked by", "Came"],
            rows: rest.map((one) => {
              const [words, tone] = STAGES[one.state];
              return [
                link(one),
                html`${badge(words, tone)}${one.code === null ? NOTHING : html` <span class="soft">${one.code}</span>`}`,
                html`${one.open?.requester ?? "–"}`,
                instant(one.receivedAt),
              ];
            }),
          })
    }`,
  };
}

function nothingYet({ charters }: Status): Markup {
  if (charters.length === 0)
    return html`<p>This keyholder has signed no charter yet. <a href="/charters">Read and sign one</a></p>`;
  const inForce = charters.some((charter) => charter.inForce);
  return inForce
    ? NOTHING
    : html`<p>The charter is signed here and not in the log yet: it takes the signatures of all.</p>`;
}

function link({ id, reference, open }: Listed): Markup {
  const marks = join([
    open?.isEmergency === true ? html` ${badge("emergency", "bad")}` : NOTHING,
    open?.secretUntil == null ? NOTHING : html` ${badge(`secret until ${formatDay(open.secretUntil)}`)}`,
  ]);
  return html`<a href="/orders/${id}">${reference}</a>${marks}`;
}
