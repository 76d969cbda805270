import type { NoticeView } from "@porchlight/client/page";
import { type ReactElement, useState } from "react";
import { save } from "../files/picture.ts";
import { Say, say } from "../i18n/say.tsx";
import { useAttempt, useMessenger } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { LongField } from "../parts/field.tsx";

/** CHA-6 */
const LONGEST_GROUND = 20_000;

/** What was signed for who reads with a code: nothing of theirs is kept but this, as long as the page is open. */
const signedByCode = new Map<string, string>();

/** What a person says against an order that waits. The service signs that it has it; who ordered it decides. */
export function Contest({
  notice,
  noticeCode,
}: {
  readonly notice: NoticeView;
  readonly noticeCode: string | null;
}): ReactElement {
  const messenger = useMessenger();
  const [ground, setGround] = useState("");
  const [signed, setSigned] = useState<string | null>(null);
  const word = signed ?? notice.contested ?? signedByCode.get(notice.id) ?? null;
  const [attempt, run] = useAttempt();
  const by = notice.orderedBy;
  if (word !== null) {
    return (
      <Banner
        tone="good"
        title={say("contest.done")}
        isLoud={signed !== null}
        actions={
          <Button
            icon="download"
            onPress={() => save(new Blob([word], { type: "application/json" }), "contest.json")}
          >
            {say("contest.save")}
          </Button>
        }
      >
        <p className="small">
          <Say k="contest.done-text" v={{ by }} />{" "}
          {say(noticeCode === null ? "contest.kept" : "contest.not-kept")}
        </p>
      </Banner>
    );
  }
  return (
    <section className="stack-tight contest">
      <h3>{say("contest.title")}</h3>
      <p className="soft">
        <Say k="contest.text" v={{ by }} />
      </p>
      <LongField
        label={say("contest.ground")}
        value={ground}
        onChange={setGround}
        maxLength={LONGEST_GROUND}
      />
      {attempt.kind === "refused" ? <Banner tone="danger" title={attempt.text} isLoud /> : null}
      <div className="row-wrap">
        <Button
          isDisabled={ground.trim() === ""}
          isBusy={attempt.kind === "busy"}
          onPress={() =>
            run(async () => {
              const input = { noticeCode, notice: notice.id, ground: ground.trim() };
              const { document } = await messenger.perform("contestOrder", input);
              if (noticeCode !== null) signedByCode.set(notice.id, document);
              setSigned(document);
            })
          }
        >
          {say("contest.do")}
        </Button>
      </div>
    </section>
  );
}
