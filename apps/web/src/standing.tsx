import type { ReactElement } from "react";
import { codeText } from "./i18n/errors.ts";
import { Say, say, timeOfDay, utcDate } from "./i18n/say.tsx";
import { useReady } from "./messenger/use.ts";
import { Banner } from "./parts/banner.tsx";
import { Icon } from "./parts/icon.tsx";

/**
 * How things stand with the service and its log, on every page; nothing while all is well. What says it is in the page
 * before there is anything to say: only then is it read out.
 */
export function Standing(): ReactElement {
  return (
    <>
      <div role="status">
        <ConnectionBar />
        <StaleLog />
      </div>
      <RefusedLog />
    </>
  );
}

/** What the public log shows that no honest log shows: said on every page until it is over. */
function RefusedLog(): ReactElement | null {
  const { log } = useReady();
  if (log.kind !== "refused") return null;
  return (
    <Banner tone="danger" isLoud title={say("log.refused.title")}>
      <p>
        <Say k="log.refused.text" v={{ code: <code>{log.code}</code> }} />
      </p>
    </Banner>
  );
}

/** It stands still. */
function StaleLog(): ReactElement | null {
  const { log } = useReady();
  if (log.kind !== "stale") return null;
  return (
    <div className="connection">
      <Icon name="clock" />
      <span>
        <Say k="log.stale" v={{ date: utcDate(Math.floor(log.asOf / 86_400)), time: timeOfDay(log.asOf) }} />
      </span>
    </div>
  );
}

/** Says that nothing comes or goes at the moment, and why; silent while all is well. */
function ConnectionBar(): ReactElement | null {
  const { connection } = useReady();
  if (connection.kind === "online") return null;
  return (
    <div className={`connection connection-${connection.kind}`}>
      <Icon name={connection.kind === "offline" ? "offline" : "clock"} />
      <span>
        {connection.kind === "connecting"
          ? say("connection.connecting")
          : connection.code === "offline"
            ? say("connection.offline")
            : codeText(connection.code)}
      </span>
    </div>
  );
}
