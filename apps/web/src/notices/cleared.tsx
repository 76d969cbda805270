import type { AllClearView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { Say, say, utcDate } from "../i18n/say.tsx";
import { Banner, Waiting } from "../parts/banner.tsx";

type ClearedProps = {
  readonly allClear: AllClearView | null;
  /** The log was read and has no charter. */
  readonly hasNoCharter: boolean;
  readonly found: number;
};

/** What the log says beside the notices that were found; each answer that there is has words of its own. */
export function Cleared({ allClear, hasNoCharter, found }: ClearedProps): ReactElement {
  if (allClear === null) {
    return hasNoCharter ? (
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
        <Say k={found > 0 ? "notices.rest-nothing-yet" : "notices.nothing-yet"} v={{ since }} />
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
