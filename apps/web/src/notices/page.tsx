import type { NoticeView } from "@porchlight/client/page";
import { type ReactElement, useEffect } from "react";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Banner, Waiting } from "../parts/banner.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { shownName } from "../text/marks.ts";

/** Who asked to open this person's messages, and what the log says of the rest. */
export function NoticesPage(): ReactElement {
  const { notices, allClear } = useReady();
  return (
    <main className="reading" id="main">
      <header className="page-head">
        <Link to="/" className="icon-button" aria-label={say("settings.back")}>
          <Icon name="back" />
        </Link>
        <h1>{say("notices.title")}</h1>
      </header>
      <div className="stack">
        {allClear === null ? (
          <Waiting label={say("notices.reading-log")} />
        ) : notices.length === 0 ? (
          <Banner
            tone="good"
            title={
              <Say
                k="notices.clear"
                v={{ until: utcDate(allClear.clearUntil), since: utcDate(allClear.secretSince) }}
              />
            }
          >
            <p className="small">
              <Say k="notices.clear-text" v={{ date: utcDate(Math.floor(allClear.asOf / 86_400)) }} />
            </p>
          </Banner>
        ) : (
          <p className="soft">
            <Say
              k="notices.rest"
              v={{ until: utcDate(allClear.clearUntil), since: utcDate(allClear.secretSince) }}
            />
          </p>
        )}
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

function Notice({ notice }: { readonly notice: NoticeView }): ReactElement {
  const ask = useAsk();
  const { conversations } = useReady();
  const { id, isRead } = notice;
  useEffect(() => {
    if (!isRead) void ask("markNoticeRead", { notice: id });
  }, [ask, id, isRead]);
  return (
    <article className="notice">
      <h2>
        <Say k="notice.title" v={{ by: notice.orderedBy }} />
      </h2>
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
        <dt>{say("notice.reference")}</dt>
        <dd>
          <bdi>{notice.reference}</bdi>
        </dd>
        <dt>{say("notice.complaint")}</dt>
        <dd>
          <bdi>{notice.complaint}</bdi>
        </dd>
        <dt>{say("notice.proof")}</dt>
        <dd>
          <code className="break small">{notice.id}</code>
        </dd>
      </dl>
    </article>
  );
}
