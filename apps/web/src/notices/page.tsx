import type { AllClearView, NoticeView, ReadyState } from "@porchlight/client/page";
import { type ReactElement, useEffect } from "react";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Banner, Waiting } from "../parts/banner.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { shownName } from "../text/marks.ts";

/** Who asked to open this person's messages, and what the log says of the rest. */
export function NoticesPage(): ReactElement {
  const { notices, ...state } = useReady();
  return (
    <main className="reading" id="main">
      <header className="page-head">
        <Link to="/" className="icon-button" aria-label={say("settings.back")}>
          <Icon name="back" />
        </Link>
        <h1>{say("notices.title")}</h1>
      </header>
      <div className="stack">
        <Cleared state={state} found={notices.length} />
        {notices.map((notice) => (
          <Notice key={notice.id} notice={notice} />
        ))}
        <p className="small soft">
          <Say
            k="notices.code"
            v={{
              link: (
                <Link to="/settings/$section" params={{ section: "recovery" }}>
                  {say("notice-code.title")}
                </Link>
              ),
            }}
          />
        </p>
      </div>
    </main>
  );
}

type ClearedProps = {
  readonly state: Pick<ReadyState, "allClear" | "charters" | "log">;
  readonly found: number;
};

/** What the log says beside the notices that were found; each answer that there is has words of its own. */
function Cleared({ state, found }: ClearedProps): ReactElement {
  const { allClear, charters, log } = state;
  if (allClear === null) {
    return log.kind !== "unknown" && Object.keys(charters).length === 0 ? (
      <p className="soft">{say("notices.no-charter")}</p>
    ) : (
      <Waiting label={say("notices.reading-log")} />
    );
  }
  return (
    <>
      {allClear.overdue === 0 ? null : (
        <Banner tone="danger" title={<Say k="notices.overdue" v={{ count: allClear.overdue }} />}>
          <p className="small">{say("notices.overdue-text")}</p>
        </Banner>
      )}
      <Sentence allClear={allClear} found={found} />
    </>
  );
}

function Sentence({
  allClear,
  found,
}: {
  readonly allClear: AllClearView;
  readonly found: number;
}): ReactElement {
  const { clearUntil, secretSince, asOf } = allClear;
  const since = utcDate(secretSince);
  if (clearUntil === null) {
    return (
      <p className="soft">
        <Say k="notices.nothing-yet" v={{ since }} />
      </p>
    );
  }
  const until = utcDate(clearUntil);
  if (found > 0) {
    return (
      <p className="soft">
        <Say k="notices.rest" v={{ until, since }} />
      </p>
    );
  }
  return (
    <Banner tone="good" title={<Say k="notices.clear" v={{ until, since }} />}>
      <p className="small">
        <Say k="notices.clear-text" v={{ date: utcDate(Math.floor(asOf / 86_400)) }} />
      </p>
    </Banner>
  );
}

function Notice({ notice }: { readonly notice: NoticeView }): ReactElement {
  const ask = useAsk();
  const { conversations } = useReady();
  const { id, isRead } = notice;
  useEffect(() => {
    if (!isRead) void ask("markNoticeRead", { notice: id });
  }, [ask, id, isRead]);
  return (
    <article className={`notice notice-${notice.kind}`}>
      <h2>
        <Say k={`notice.title.${notice.kind}`} v={{ by: notice.orderedBy }} />
      </h2>
      {notice.role === "other-side" ? <p>{say("notice.other-side")}</p> : null}
      {notice.contestUntil === null ? null : (
        <p className="strong">
          <Say k="notice.contest" v={{ date: utcDate(notice.contestUntil) }} />
        </p>
      )}
      <dl className="facts">
        <dt>{say("notice.days")}</dt>
        <dd>
          {notice.firstDay === notice.lastDay ? (
            utcDate(notice.firstDay)
          ) : (
            <Say k="notice.from-to" v={{ from: utcDate(notice.firstDay), to: utcDate(notice.lastDay) }} />
          )}
        </dd>
        <dt>{say("notice.conversations")}</dt>
        <dd>
          {notice.conversations === "all"
            ? say("notice.all-conversations")
            : notice.conversations.map((one) => (
                <bdi key={one} className="block">
                  {shownName(conversations[one]?.title ?? "") ||
                    say("notice.unknown-conversation", { start: one.slice(0, 8) })}
                </bdi>
              ))}
        </dd>
        <dt>{say("notice.basis")}</dt>
        <dd>
          <bdi>{notice.legalBasis}</bdi>
        </dd>
        <dt>{say("notice.category")}</dt>
        <dd>
          <bdi>{notice.offenceCategory}</bdi>
        </dd>
        <dt>{say("notice.requester")}</dt>
        <dd>
          <bdi>{notice.requester}</bdi>
        </dd>
        <dt>{say("notice.reference")}</dt>
        <dd>
          <bdi>{notice.reference}</bdi>
        </dd>
        <dt>{say("notice.complaint")}</dt>
        <dd>
          <Say k="notice.complaint-text" v={{ by: notice.orderedBy, reference: notice.reference }} />
        </dd>
        <dt>{say("notice.proof")}</dt>
        <dd>
          <code className="break small">{notice.id}</code>
        </dd>
      </dl>
    </article>
  );
}
