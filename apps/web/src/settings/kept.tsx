import { type ReactElement, useEffect, useState } from "react";
import { say } from "../i18n/say.tsx";
import { useReady } from "../messenger/use.ts";
import { Banner } from "../parts/banner.tsx";
import { Link } from "../parts/link.tsx";
import { keepStorage, type StorageState } from "../pwa/storage.ts";

/** Whether the browser keeps what is only here; where it may delete it, what to do about that. */
export function Kept(): ReactElement | null {
  const { backup } = useReady().me;
  const [state, setState] = useState<StorageState | null>(null);
  useEffect(() => void keepStorage().then(setState), []);
  if (state === null) return null;
  if (state === "kept") return <p className="small soft">{say("storage.kept")}</p>;
  return (
    <Banner tone={backup.kind === "current" ? "info" : "danger"} title={say(`storage.${state}`)}>
      <p>{say("storage.evictable-text")}</p>
      <Link to="/settings/$section" params={{ section: "recovery" }}>
        {say("recovery.title")}
      </Link>
    </Banner>
  );
}
