import type { NoticeView } from "@porchlight/client/page";
import { type ReactElement, useEffect } from "react";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { shownName } from "../text/marks.ts";
import { Cleared } from "./cleared.tsx";
import { Notice } from "./notice.tsx";
import { OwnWhence } from "./whence.tsx";

/** Who asked to open this person's messages, and what the log says of the rest. */
export function NoticesPage(): ReactElement {
  const state = useReady();
  const { notices } = state;
  return (
    <main className="reading" id="main">
      <header className="page-head">
        <Link to="/" className="icon-button" aria-label={say("settings.back")}>
          <Icon name="back" />
        </Link>
        <h1>{say("notices.title")}</h1>
      </header>
      <div className="stack">
        <OwnWhence state={state} />
        {state.log.kind === "refused" ? (
          <p className="soft">{say("notices.log-refused")}</p>
        ) : (
          <Cleared
            allClear={state.allClear}
            hasNoCharter={state.log.kind !== "unknown" && Object.keys(state.charters).length === 0}
            found={notices.length}
          />
        )}
        {notices.map((notice) => (
          <OwnNotice key={notice.id} notice={notice} />
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

function OwnNotice({ notice }: { readonly notice: NoticeView }): ReactElement {
  const ask = useAsk();
  const { conversations } = useReady();
  const { id, isRead } = notice;
  useEffect(() => {
    if (!isRead) void ask("markNoticeRead", { notice: id });
  }, [ask, id, isRead]);
  return (
    <Notice
      notice={notice}
      noticeCode={null}
      titleOf={(conversation) => shownName(conversations[conversation]?.title ?? "")}
    />
  );
}
