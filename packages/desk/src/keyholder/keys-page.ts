import { formatDay } from "@porchlight/encoding";
import { html, join, type Markup, NOTHING } from "@porchlight/markup";
import type { View, Visit } from "../shell/desk.ts";
import { badge, box, button, empty, field, postForm, steps, table } from "../shell/look.ts";
import type { Ceremony, CharterState, Named, PeriodState, Status } from "./client.ts";
import { obstacles } from "./inbox-page.ts";

const PHASES = ["joining", "dealing", "checking", "answering", "signing", "logging"] as const;
const PHASE_WORDS: Readonly<Record<(typeof PHASES)[number], string>> = {
  joining: "Everybody says that it takes part",
  dealing: "Each deals parts to all the others",
  checking: "Each checks what it was dealt, and complains of what is wrong",
  answering: "Who was complained of answers",
  signing: "All sign the keys that came out",
  logging: "The keys come into the public log",
};

const FAULTS: Readonly<Record<string, string>> = {
  absent: "did not take part in time",
  equivocation: "said two different things",
  malformed: "said something that nobody can read",
  "not-dealing": "joined without dealing",
  silent: "did not show what it had dealt",
  "bad-deal": "dealt a wrong part",
  unanswered: "did not answer a complaint",
  "false-complaint": "complained of what was right",
  unsigned: "did not sign the keys",
};

const REASONS: Readonly<Record<string, string>> = {
  "too-few-dealers": "too few keyholders took part honestly",
  "too-few-receivers": "too few keyholders would have had a share",
  "too-few-signers": "too few keyholders signed the keys",
  "keys-differ": "the log has other keys of this month than this keyholder made",
  "nothing-to-reshare": "there was nothing to share anew: look at the newest generation",
};

export function keysPage(visit: Visit, status: Status): View {
  const isRunning = status.charters.some(({ ceremonies }) =>
    ceremonies.some(({ kind }) => kind === "running"),
  );
  return {
    title: "Keys",
    isLive: isRunning,
    body: html`<h1>Keys</h1>${obstacles(status)}
<p class="lead">Each month has keys of its own, in which every keyholder has a share. They are made by all together, ahead of time and by themselves; here you see how it goes, and can begin what does not begin by itself.</p>
${
  status.charters.length === 0
    ? empty(
        "No charter is signed here, so there are no keys.",
        html`<p><a href="/charters">Read and sign a charter</a></p>`,
      )
    : join(status.charters.map((charter) => charterKeys(visit, charter)))
}`,
  };
}

function charterKeys(visit: Visit, charter: CharterState): Markup {
  const newest = charter.ceremonies.toSorted((a, b) =>
    a.period < b.period ? 1 : a.period > b.period ? -1 : b.generation - a.generation,
  );
  return html`<h2>${charter.deployment}</h2>
${
  newest.length === 0
    ? empty("No key ceremony has been held under this charter.")
    : join(newest.map((ceremony) => ceremonyCard(visit, charter, ceremony)))
}
<h3>Months that have keys</h3>
${charter.periods.length === 0 ? empty("No month has keys yet.") : periodsTable(charter)}
<div class="columns"><div class="card"><h3>Make a month's keys</h3><p>For a month that does not have any. Every keyholder says the same; the rest goes by itself.</p>${monthForm(visit, charter, "ceremony", "Take part …")}</div>
<div class="card"><h3>Share a month's keys anew</h3><p>The same keys, other shares: when a share may have been seen, when a keyholder was away, or after one was replaced. Finish approved orders first: shares of before and after open nothing together.</p>${monthForm(visit, charter, "refresh", "Take part …")}</div></div>`;
}

function monthForm(visit: Visit, charter: CharterState, what: string, words: string): Markup {
  return postForm(
    visit,
    `/keys/${what}`,
    html`<input type="hidden" name="charter" value="${charter.id}">${field({ name: monthField(what, charter.id), label: "Month", help: "YYYY-MM", required: true })}${button(words, "plain")}`,
  );
}

/** The field's name in a form that begins a ceremony: several are on one page. */
export function monthField(what: string, charter: string): string {
  return `${what}-${charter.slice(0, 8)}`;
}

function ceremonyCard(visit: Visit, charter: CharterState, ceremony: Ceremony): Markup {
  const { period, generation, from } = ceremony;
  const title = from === 0 ? `New keys for ${period}` : `Shares of ${period} anew, generation ${generation}`;
  return html`<div class="card"><h3>${title} ${ceremonyBadge(ceremony)}</h3>${ceremonyBody(visit, charter, ceremony)}</div>`;
}

function ceremonyBadge({ kind }: Ceremony): Markup {
  switch (kind) {
    case "running":
      return badge("under way", "wait");
    case "ready":
      return badge("done", "good");
    case "aborted":
      return badge("failed", "bad");
    case "not-begun":
      return badge("waits for you", "wait");
  }
}

function ceremonyBody(visit: Visit, charter: CharterState, ceremony: Ceremony): Markup {
  const what = ceremony.from === 0 ? "ceremony" : "refresh";
  const hidden = html`<input type="hidden" name="charter" value="${charter.id}"><input type="hidden" name="period" value="${ceremony.period}"><input type="hidden" name="generation" value="${ceremony.generation}">`;
  switch (ceremony.kind) {
    case "not-begun":
      return html`<p>${namesOf(charter, ceremony.joined)} began it. This keyholder takes part when you say so.</p>${everyone(charter, { spoken: ceremony.joined })}${postForm(visit, `/keys/${what}`, html`${hidden}${button("Take part …", "main")}`)}`;
    case "running": {
      const at = PHASES.indexOf(ceremony.phase);
      const all = PHASES.map((phase, i) => ({
        words: PHASE_WORDS[phase],
        state: i < at ? ("done" as const) : i === at ? ("now" as const) : ("later" as const),
      }));
      const waits =
        ceremony.missing.length === 0
          ? html`<p>Nobody is waited for: the next step comes with the log.</p>`
          : html`<p><strong>Waits for ${namesOf(charter, ceremony.missing)}.</strong> Each step is kept open for hours; then whoever has not spoken is named and left out, and the others go on. You can ask not to wait any longer: it happens when ${charter.threshold} keyholders ask.</p>${postForm(visit, "/keys/close-round", html`${hidden}${button("Wait no longer …", "plain")}`)}`;
      return html`${steps(all)}${waits}${everyone(charter, { missing: ceremony.missing, named: ceremony.named })}`;
    }
    case "ready":
      return html`${ceremony.absent.length === 0 && ceremony.named.length === 0 ? html`<p>Everybody has a share.</p>` : everyone(charter, { absent: ceremony.absent, named: ceremony.named })}${ceremony.absent.length === 0 ? NOTHING : html`<p>Who has no share of this month gets one when all share it anew.</p>`}`;
    case "aborted":
      return html`${box("bad", html`<p>It ended without keys: ${REASONS[ceremony.reason] ?? ceremony.reason}.</p>`)}${everyone(charter, { named: ceremony.named })}<p>Speak with the others about who was named, then all begin it again${ceremony.from === 0 ? ` under number ${ceremony.generation + 1}` : ""}.</p>${postForm(visit, `/keys/${what}`, html`<input type="hidden" name="charter" value="${charter.id}"><input type="hidden" name="period" value="${ceremony.period}"><input type="hidden" name="generation" value="${ceremony.generation + 1}">${button("Begin again …", "plain")}`)}`;
  }
}

/** Every keyholder's part, by name. */
function everyone(
  { keyholders, self }: CharterState,
  state: {
    readonly spoken?: readonly number[];
    readonly missing?: readonly number[];
    readonly absent?: readonly number[];
    readonly named?: readonly Named[];
  },
): Markup {
  return table({
    caption: "Everybody's state",
    heads: ["Keyholder", "State"],
    rows: keyholders.map(({ index, name }) => {
      const faults = (state.named ?? []).filter(({ keyholder }) => keyholder === index);
      const badgeOf = (): Markup => {
        if (faults.length > 0)
          return html`${badge("named", "bad")} ${[...new Set(faults.map(({ fault }) => FAULTS[fault] ?? fault))].join(", ")}`;
        if (state.absent?.includes(index) === true) return badge("has no share", "wait");
        if (state.missing?.includes(index) === true) return badge("is waited for", "wait");
        if (state.spoken !== undefined)
          return state.spoken.includes(index) ? badge("takes part", "good") : badge("has not begun", "plain");
        return badge("in order", "good");
      };
      return [html`${name}${index === self ? html` <span class="soft">(you)</span>` : NOTHING}`, badgeOf()];
    }),
  });
}

function periodsTable(charter: CharterState): Markup {
  return table({
    caption:
      "Shares are destroyed by themselves, each keyholder says so in the log, and nothing of that month opens any more.",
    heads: ["Month", "Generation", "Without a share", "Messages until", "Notices until", "Destroyed"],
    rows: charter.periods
      .toReversed()
      .map((one) => [
        html`${one.period}`,
        html`${one.generation}`,
        html`${one.absent.length === 0 ? "nobody" : namesOf(charter, one.absent)}`,
        html`${formatDay(one.until.access)}`,
        html`${formatDay(one.until.notice)}`,
        html`${erasedWords(one, charter)}`,
      ]),
  });
}

function erasedWords({ erased, generation }: PeriodState, { keyholders }: CharterState): string {
  const gone = new Set(
    erased
      .filter((one) => one.kind === "access" && one.generation === generation)
      .map(({ keyholder }) => keyholder),
  );
  return gone.size === 0 ? "no" : `by ${gone.size} of ${keyholders.length}`;
}

export function namesOf({ keyholders }: CharterState, indices: readonly number[]): string {
  return indices
    .map((index) => keyholders.find((one) => one.index === index)?.name ?? String(index))
    .join(", ");
}
