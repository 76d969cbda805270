import { type ReactElement, useState } from "react";
import { codeText } from "../i18n/errors.ts";
import { Say, say } from "../i18n/say.tsx";
import { useAsk, useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";

/** Printed with the code: whoever finds it in a drawer must know where it is good. */
const NOTICES_AT = `${location.origin}/notices/code`;

/** Codes on paper: one to come back with, one to read notices with. Neither is kept anywhere in the page. */
export function RecoverySection(): ReactElement {
  const ask = useAsk();
  const { backup } = useReady().me;
  const [recovery, setRecovery] = useState<string | null>(null);
  const [notice, setNotice] = useState<string | null>(null);
  return (
    <>
      <div className="stack-tight print-one">
        <h3>{say("recovery.title")}</h3>
        <p className="soft">{say("recovery.text")}</p>
        {recovery === null ? null : (
          <>
            <p className="code-large print-this">{recovery}</p>
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
          <Button
            icon="key"
            onPress={() =>
              void ask("makeRecoveryCode").then((made) => setRecovery(made?.recoveryCode ?? null))
            }
          >
            {recovery === null ? say("recovery.make") : say("recovery.make-new")}
          </Button>
          {recovery === null ? null : (
            <Button icon="print" onPress={() => print()}>
              {say("print")}
            </Button>
          )}
        </div>
      </div>
      <div className="stack-tight print-one">
        <h3>{say("notice-code.title")}</h3>
        <p className="soft">
          <Say k="notice-code.text" v={{ address: <code className="break">{NOTICES_AT}</code> }} />
        </p>
        {notice === null ? null : (
          <div className="code-large print-this">
            <p>{notice}</p>
            <p className="small">{NOTICES_AT}</p>
          </div>
        )}
        <div className="row-wrap">
          <Button
            icon="notice"
            onPress={() => void ask("noticeCode").then((made) => setNotice(made?.noticeCode ?? null))}
          >
            {say("notice-code.show")}
          </Button>
          {notice === null ? null : (
            <Button icon="print" onPress={() => print()}>
              {say("print")}
            </Button>
          )}
        </div>
      </div>
    </>
  );
}
