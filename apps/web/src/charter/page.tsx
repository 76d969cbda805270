import type { CharterView } from "@porchlight/client/page";
import type { ReactElement, ReactNode } from "react";
import { number, Say, say, utcDate, utcDateOf } from "../i18n/say.tsx";
import { Banner, Empty } from "../parts/banner.tsx";
import { CharterMark } from "../parts/charter-mark.tsx";
import { Icon } from "../parts/icon.tsx";

/** "Who can open this": the charter as it stands in the public log, in plain words. */
export function CharterText({ charter }: { readonly charter: CharterView }): ReactElement {
  const { kind, keyholders, threshold, issuers, history, caps } = charter;
  return (
    <article className={`charter charter-${kind}`}>
      <header className="charter-head">
        <CharterMark kind={kind} withWords />
        <h1>{say("who.title")}</h1>
        <p className="charter-lead">
          <Say k={`who.lead.${kind}`} v={{ threshold, keyholders: keyholders.length }} />
        </p>
      </header>
      {charter.isReplay ? <Banner tone="info" title={say("who.replay")} /> : null}
      <Warnings charter={charter} />
      <section className="charter-figures" aria-label={say("who.figures")}>
        <Figure
          value={<Say k="who.of" v={{ threshold, keyholders: keyholders.length }} />}
          words={say("who.must-agree")}
        />
        <Figure
          value={history === null ? "–" : number(history.orders)}
          words={
            history === null
              ? say("who.history-unknown")
              : say(`who.orders.${kind}`, { count: history.orders })
          }
        />
        <Figure value={number(charter.retentionDays)} words={say("who.days-kept")} />
      </section>
      <section>
        <h2>{say("who.keyholders")}</h2>
        <p className="soft">{say("who.keyholders-text")}</p>
        <ul className="keyholders">
          {keyholders.map((one) => (
            <li key={one.name} className="keyholder">
              <Icon name="key" />
              <div className="grow">
                <h3>
                  <bdi>{one.name}</bdi>
                </h3>
                <dl className="facts">
                  <dt>{say("who.owner")}</dt>
                  <dd>
                    <bdi>{one.owner}</bdi>
                  </dd>
                  <dt>{say("who.payer")}</dt>
                  <dd>
                    <bdi>{one.payer}</bdi>
                  </dd>
                  <dt>{say("who.jurisdiction")}</dt>
                  <dd>
                    <bdi>{one.jurisdiction}</bdi>
                  </dd>
                </dl>
              </div>
            </li>
          ))}
        </ul>
        <Replacements charter={charter} />
      </section>
      <section>
        <h2>{say(`who.issuers.${kind}`)}</h2>
        <ul className="plain-list">
          {issuers.map((one) => (
            <li key={one.name}>
              <bdi>{one.title}</bdi>
            </li>
          ))}
        </ul>
      </section>
      {charter.inspection === null || charter.inspection.inspectors.length === 0 ? null : (
        <section>
          <h2>{say("who.inspectors")}</h2>
          <ul className="plain-list">
            {charter.inspection.inspectors.map((one) => (
              <li key={one.name}>
                <bdi>{one.title}</bdi>
              </li>
            ))}
          </ul>
          <p>{say("who.inspection", { count: charter.inspection.days })}</p>
        </section>
      )}
      <section>
        <h2>{say("who.for-what")}</h2>
        <dl className="facts">
          <dt>{say("who.bases")}</dt>
          <dd>
            {charter.legalBases.map((one) => (
              <bdi key={one} className="block">
                {one}
              </bdi>
            ))}
          </dd>
          <dt>{say("who.categories")}</dt>
          <dd>
            {charter.offenceCategories.map((one) => (
              <bdi key={one} className="block">
                {one}
              </bdi>
            ))}
          </dd>
        </dl>
      </section>
      <section>
        <h2>{say("who.limits")}</h2>
        <ul className="plain-list">
          <li>{say("who.limit.label")}</li>
          <li>
            <Say k="who.limit.accounts" v={{ count: caps.accountsPerWarrant }} />
          </li>
          <li>
            <Say k="who.limit.days" v={{ count: caps.daysPerWarrant }} />
          </li>
          <li>
            <Say k="who.limit.warrants" v={{ count: caps.warrantsPer30Days }} />
          </li>
          <li>
            <Say
              k="who.limit.told"
              v={{ contest: charter.contestDays, secrecy: charter.longestSecrecyDays }}
            />
          </li>
          <li>
            <Say
              k="who.limit.kept"
              v={{ count: charter.retentionDays, preserved: charter.longestPreservationDays }}
            />
            {history === null || history.preserved === 0 ? null : (
              <>
                {" "}
                <Say k="who.limit.preserved" v={{ count: history.preserved }} />
              </>
            )}
          </li>
        </ul>
      </section>
      <section>
        <h2>{say("who.honest")}</h2>
        <p>
          <Say k="who.honest-text" v={{ threshold }} />
        </p>
      </section>
      <footer className="small soft stack-tight">
        <p>
          <Say
            k="who.valid"
            v={{
              from: utcDate(charter.validFrom),
              until: utcDate(charter.validUntil),
              provider: charter.provider,
              deployment: charter.deployment,
            }}
          />
        </p>
        <p>
          <Say k="who.id" v={{ id: <code>{charter.id}</code> }} />
        </p>
        <p>{say("who.verified")}</p>
      </footer>
    </article>
  );
}

/** Who holds a place that was another's when everyone signed: with the reason, as those who agreed to it gave it. */
function Replacements({ charter }: { readonly charter: CharterView }): ReactElement | null {
  const { replacements } = charter;
  if (replacements.length === 0) return null;
  return (
    <>
      <h3>{say("who.replaced")}</h3>
      <p className="soft small">{say("who.replaced-text")}</p>
      <ul className="plain-list">
        {replacements.map(({ lost, successor, ground, at }) => (
          <li key={`${lost} ${successor}`}>
            <Say k="who.replaced-by" v={{ lost, successor, date: utcDateOf(at) }} />{" "}
            <bdi className="block soft">{ground}</bdi>
          </li>
        ))}
      </ul>
    </>
  );
}

/** What weakens this charter, in one place: keyholders that are one power are no independent keyholders. */
function Warnings({ charter }: { readonly charter: CharterView }): ReactElement | null {
  const { warnings, threshold } = charter;
  if (warnings.length === 0) return null;
  return (
    <Banner tone="danger" title={say("who.warnings")}>
      <ul className="plain-list">
        {warnings.map((warning) =>
          warning.kind === "not-in-force" ? (
            <li key={warning.kind}>{say("who.warning.not-in-force")}</li>
          ) : (
            <li key={`${warning.kind}-${warning.name}`}>
              <Say k={`who.warning.${warning.kind}`} v={{ name: warning.name, threshold }} />
            </li>
          ),
        )}
      </ul>
    </Banner>
  );
}

/** Stated, not left out: without a charter there is nothing that could be opened. */
export function NoCharter(): ReactElement {
  return (
    <article className="charter charter-none">
      <header className="charter-head">
        <CharterMark kind="none" withWords />
        <h1>{say("who.title")}</h1>
        <p className="charter-lead">{say("charter.none.lead")}</p>
      </header>
      <p>{say("charter.none.text")}</p>
    </article>
  );
}

export function UnknownCharter(): ReactElement {
  return (
    <Empty icon="warning" title={say("charter.unknown")}>
      <p>{say("charter.unknown-text")}</p>
    </Empty>
  );
}

function Figure({ value, words }: { readonly value: ReactNode; readonly words: string }): ReactElement {
  return (
    <div className="figure">
      <p className="figure-value">{value}</p>
      <p className="small">{words}</p>
    </div>
  );
}
