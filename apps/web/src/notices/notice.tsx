import type { NoticeView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { Banner } from "../parts/banner.tsx";
import { Contest } from "./contest.tsx";

type Conversation = Exclude<NoticeView["conversations"], "all">[number];

/** One order about the reader. `noticeCode`: what it was read with; `null` where it is the unlocked account's own. */
export function Notice({
  notice,
  noticeCode,
  titleOf,
}: {
  readonly notice: NoticeView;
  readonly noticeCode: string | null;
  /** "" for a conversation that is not here. */
  readonly titleOf: (conversation: Conversation) => string;
}): ReactElement {
  return (
    <article className={`notice notice-${notice.kind}`}>
      <h2>
        <Say k={`notice.title.${notice.kind}`} v={{ by: notice.orderedBy }} />
      </h2>
      {notice.role === "other-side" ? <p>{say("notice.other-side")}</p> : null}
      {notice.stopped === null ? null : (
        <Banner tone="info" title={say(`notice.stopped.${notice.stopped}`)}>
          <p className="small">{say(`notice.stopped-text.${notice.stopped}`)}</p>
        </Banner>
      )}
      {notice.contestUntil === null || notice.stopped === "revoked" ? null : (
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
            ? say(notice.role === "named" ? "notice.all-conversations" : "notice.all-with-them")
            : notice.conversations.map((one) => (
                <bdi key={one} className="block">
                  {titleOf(one) || say("notice.unknown-conversation", { start: one.slice(0, 8) })}
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
        <dt>{say("notice.papers")}</dt>
        <dd className="stack-tight">
          <p>
            <Say k="notice.papers-text" v={{ by: notice.orderedBy }} />
          </p>
          <p>
            {say("notice.papers.order")}: <code className="break small">{notice.orderHash}</code>
          </p>
          <p>
            {say("notice.papers.act")}: <code className="break small">{notice.actHash}</code>
          </p>
        </dd>
        <dt>{say("notice.proof")}</dt>
        <dd>
          <code className="break small">{notice.id}</code>
        </dd>
      </dl>
      {notice.contestUntil === null || notice.stopped === "revoked" ? null : (
        <Contest notice={notice} noticeCode={noticeCode} />
      )}
    </article>
  );
}
