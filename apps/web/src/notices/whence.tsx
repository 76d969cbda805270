import type { LogPlace, ReadyState } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { Say, say, utcDateOf } from "../i18n/say.tsx";
import { Banner } from "../parts/banner.tsx";

/** Where what is shown was read, if not at the service. */
export function Whence({
  place,
  asOf,
}: {
  readonly place: LogPlace;
  /** Of the newest checkpoint. */
  readonly asOf: number;
}): ReactElement | null {
  if (place.kind === "provider") return null;
  return (
    <Banner title={say(`whence.${place.provider}`)}>
      <p className="small">
        <Say k="whence.text" v={{ address: <bdi>{place.url}</bdi>, date: utcDateOf(asOf) }} />
      </p>
    </Banner>
  );
}

/** The same for the unlocked device, which may have nothing but what it read before. */
export function OwnWhence({ state }: { readonly state: ReadyState }): ReactElement | null {
  const { log, connection, allClear } = state;
  if (log.kind === "fresh" || log.kind === "stale") {
    if (log.place.kind === "mirror") return <Whence place={log.place} asOf={log.asOf} />;
  }
  if (connection.kind !== "offline" || allClear === null) return null;
  return (
    <Banner title={say("whence.away")}>
      <p className="small">
        <Say k="whence.kept" v={{ date: utcDateOf(allClear.asOf) }} />
      </p>
    </Banner>
  );
}
