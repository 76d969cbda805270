import { type ReactElement, useEffect, useState } from "react";
import { flushSync } from "react-dom";
import { codeText } from "../i18n/errors.ts";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { Paper } from "./paper.tsx";

const NOTICES_AT = `${location.origin}/notices/code`;

/** Codes on paper: one to come back with, one to read notices with. Neither is kept anywhere in the page. */
export function RecoverySection(): ReactElement {
  const ask = useAsk();
  const { backup } = useReady().me;
  const [recovery, setRecovery] = useState<string | null>(null);
  const [notice, setNotice] = useState<string | null>(null);
  const [isReplacing, setReplacing] = useState(false);
  /** Of two codes that are shown, the one that is being printed; by the browser's own menu, both. */
  const [printed, setPrinted] = useState<"recovery" | "notice" | null>(null);
  const isUnfinished = backup.kind === "unfinished";
  useEffect(() => {
    // Whether the server took another one since is not known: what may be dead is not copied onto paper.
    if (isUnfinished) setRecovery(null);
  }, [isUnfinished]);
  const hasCode = recovery !== null || (backup.kind !== "none" && !isUnfinished);
  const make = async (): Promise<void> => {
    setReplacing(false);
    const made = await ask("makeRecoveryCode");
    // Refused, the code that is shown is as good as it was.
    if (made !== null) setRecovery(made.recoveryCode);
  };
  useEffect(() => {
    const over = (): void => setPrinted(null);
    addEventListener("afterprint", over);
    return () => removeEventListener("afterprint", over);
  }, []);
  const printOnly = (code: "recovery" | "notice"): void => {
    flushSync(() => setPrinted(code));
    print();
  };
  return (
    <>
      <div className="stack-tight">
        <h3>{say("recovery.title")}</h3>
        <p className="soft">{say("recovery.text")}</p>
        {recovery === null ? null : (
          <>
            <p className="code-large">{recovery}</p>
            {printed === "notice" ? null : (
              <Paper title={say("recovery.title")} code={recovery}>
                <p>{say("paper.recovery")}</p>
                <p>
                  <Say k="paper.recovery-use" v={{ address: <b>{location.origin}</b> }} />
                </p>
              </Paper>
            )}
            <Banner tone="danger" title={say("recovery.once")} />
          </>
        )}
        {backup.kind === "none" ? null : backup.kind === "unfinished" ? (
          <Banner tone="danger" title={say("backup.unfinished")} />
        ) : backup.kind === "refused" ? (
          <Banner tone="danger" title={say("backup.refused")}>
            <p>{codeText(backup.code)}</p>
          </Banner>
        ) : (
          <p role="status" className="small soft">
            {say(`backup.${backup.kind}`)}
          </p>
        )}
        <div className="row-wrap">
          <Button icon="key" onPress={() => (hasCode ? setReplacing(true) : void make())}>
            {say(hasCode ? "recovery.make-new" : "recovery.make")}
          </Button>
          {recovery === null ? null : (
            <Button icon="print" onPress={() => printOnly("recovery")}>
              {say("print")}
            </Button>
          )}
        </div>
      </div>
      {isReplacing ? (
        <Panel title={say("recovery.replace")} isAlert onClose={() => setReplacing(false)}>
          <p>{say("recovery.replace.text")}</p>
          <div className="row-wrap">
            <Button look="danger" icon="key" onPress={() => void make()}>
              {say("recovery.replace.do")}
            </Button>
            <Button onPress={() => setReplacing(false)}>{say("cancel")}</Button>
          </div>
        </Panel>
      ) : null}
      <div className="stack-tight">
        <h3>{say("notice-code.title")}</h3>
        <p className="soft">
          <Say k="notice-code.text" v={{ address: <code className="break">{NOTICES_AT}</code> }} />
        </p>
        {notice === null ? null : (
          <>
            <p className="code-large">{notice}</p>
            {printed === "recovery" ? null : (
              <Paper title={say("notice-code.title")} code={notice}>
                <p>{say("paper.notice")}</p>
                <p>
                  <Say k="paper.notice-use" v={{ address: <b>{NOTICES_AT}</b> }} />
                </p>
              </Paper>
            )}
          </>
        )}
        <div className="row-wrap">
          <Button
            icon="notice"
            onPress={() => void ask("noticeCode").then((made) => setNotice(made?.noticeCode ?? null))}
          >
            {say("notice-code.show")}
          </Button>
          {notice === null ? null : (
            <Button icon="print" onPress={() => printOnly("notice")}>
              {say("print")}
            </Button>
          )}
        </div>
      </div>
    </>
  );
}
