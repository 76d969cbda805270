import type { AllClearView, LogPlace, NoticeView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { say } from "../i18n/say.tsx";
import { useAttempt, useMessenger } from "../messenger/use.ts";
import { Arrival } from "../parts/arrival.tsx";
import { Banner, Waiting } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Field } from "../parts/field.tsx";
import { Icon } from "../parts/icon.tsx";
import { Link } from "../parts/link.tsx";
import { Cleared } from "./cleared.tsx";
import { Notice } from "./notice.tsx";
import { Whence } from "./whence.tsx";

type Read = {
  readonly code: string;
  readonly notices: readonly NoticeView[];
  readonly allClear: AllClearView | null;
  readonly place: LogPlace;
};

/** For whoever has a printed code: with or without a device here, and long after leaving. */
export function NoticeCodePage(): ReactElement {
  const messenger = useMessenger();
  const [code, setCode] = useState("");
  const [read, setRead] = useState<Read | null>(null);
  const [attempt, run] = useAttempt();
  return (
    <main className="reading" id="main">
      <header className="page-head">
        <Link to="/" className="icon-button" aria-label={say("settings.back")}>
          <Icon name="back" />
        </Link>
        <h1>{say("notices.by-code.title")}</h1>
      </header>
      <div className="stack">
        <p className="soft">{say("notices.by-code.text")}</p>
        <form
          className="stack-tight"
          onSubmit={(event) => {
            event.preventDefault();
            if (code.trim() === "" || attempt.kind === "busy") return;
            setRead(null);
            run(async () => {
              setRead({ code, ...(await messenger.perform("readNotices", { noticeCode: code })) });
            });
          }}
        >
          <Field
            label={say("notice-code.title")}
            hint={say("notices.by-code.hint")}
            value={code}
            onChange={setCode}
            autoComplete="off"
          />
          {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
          <div className="row-wrap">
            <Button
              look="main"
              type="submit"
              isDisabled={code.trim() === ""}
              isBusy={attempt.kind === "busy"}
            >
              {say("notices.by-code.do")}
            </Button>
          </div>
        </form>
        <div aria-live="polite">
          {attempt.kind === "busy" ? <Waiting label={say("notices.reading-log")} /> : null}
        </div>
        {read === null ? null : (
          <>
            {read.allClear === null ? null : <Whence place={read.place} asOf={read.allClear.asOf} />}
            <Cleared
              allClear={read.allClear}
              hasNoCharter={read.allClear === null}
              found={read.notices.length}
            />
            {read.notices.map((notice) => (
              <Notice key={notice.id} notice={notice} noticeCode={read.code} titleOf={() => ""} />
            ))}
          </>
        )}
      </div>
      <Arrival page="notice code" />
    </main>
  );
}
