import { type ReactElement, useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { say } from "../i18n/say.tsx";
import { Banner } from "../parts/banner.tsx";
import { Button } from "../parts/button.tsx";
import { Panel } from "../parts/dialog.tsx";
import { CameraError, watchCamera } from "./camera.ts";
import { claimOf, type Seen, type Wanted } from "./code.ts";

/** A button that reads a code with the camera. What it found is still to be parsed, like what somebody typed. */
export function Scan({
  wanted,
  isBusy = false,
  onFound,
}: {
  readonly wanted: Wanted;
  /** What was found before is being looked at. */
  readonly isBusy?: boolean;
  readonly onFound: (text: string) => void;
}): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button icon="scan" isBusy={isBusy} onPress={() => setOpen(true)}>
        {say(`scan.do.${wanted}`)}
      </Button>
      {isOpen ? (
        <Scanner
          wanted={wanted}
          onFound={(text) => {
            // With all that follows from it, before anything else: a button behind a dialog cannot be given the focus.
            flushSync(() => setOpen(false));
            onFound(text);
          }}
          onClose={() => setOpen(false)}
        />
      ) : null}
    </>
  );
}

type State =
  | { readonly kind: "asking" }
  /** `wrong`: what was seen last and is not what is asked for. */
  | { readonly kind: "looking"; readonly wrong: Seen | null }
  /** The person was elsewhere, or the camera went. */
  | { readonly kind: "off" }
  | { readonly kind: "failed"; readonly code: CameraError["code"] };

function Scanner({
  wanted,
  onFound,
  onClose,
}: {
  readonly wanted: Wanted;
  readonly onFound: (text: string) => void;
  readonly onClose: () => void;
}): ReactElement {
  const [state, setState] = useState<State>({ kind: "asking" });
  const [times, setTimes] = useState(0);
  const video = useRef<HTMLVideoElement>(null);
  const found = useRef(onFound);
  found.current = onFound;

  useEffect(() => {
    const end = new AbortController();
    const { signal } = end;
    const leave = (next: State): void => {
      if (signal.aborted) return;
      end.abort();
      setState(next);
    };
    setState({ kind: "asking" });
    document.addEventListener(
      "visibilitychange",
      () => (document.visibilityState === "hidden" ? leave({ kind: "off" }) : undefined),
      { signal },
    );
    watchCamera(video.current as HTMLVideoElement, {
      signal,
      onPicture: () => setState({ kind: "looking", wrong: null }),
      onText: (text) => {
        const seen = claimOf(text);
        if (seen !== wanted) return setState({ kind: "looking", wrong: seen });
        end.abort();
        found.current(text);
      },
    }).then(
      () => leave({ kind: "off" }),
      (error: unknown) =>
        leave({ kind: "failed", code: error instanceof CameraError ? error.code : "failed" }),
    );
    return () => end.abort();
  }, [wanted, times]);

  const isOn = state.kind === "asking" || state.kind === "looking";
  const again = (words: string): ReactElement => (
    <Button autoFocus onPress={() => setTimes(times + 1)}>
      {words}
    </Button>
  );
  return (
    <Panel title={say(`scan.title.${wanted}`)} onClose={onClose}>
      <p className="soft">{say("scan.private")}</p>
      <div className="scan" hidden={!isOn}>
        {/* What it shows is told in words below. */}
        <video ref={video} className="scan-picture" aria-hidden="true" autoPlay muted playsInline />
      </div>
      {/* In place before its words change, so that they are heard. */}
      <p role="status">
        {state.kind === "asking" ? say("scan.asking") : null}
        {state.kind === "looking" && state.wrong !== null ? (
          <strong>{say(`scan.wrong.${state.wrong}`)} </strong>
        ) : null}
        {state.kind === "looking" ? say(`scan.look.${wanted}`) : null}
      </p>
      {state.kind === "off" ? (
        <Banner title={say("scan.off")} isLoud actions={again(say("scan.on"))}>
          <p>{say("scan.off.next")}</p>
        </Banner>
      ) : null}
      {state.kind === "failed" ? (
        <Banner
          tone="danger"
          title={say(`scan.failed.${state.code}`)}
          isLoud
          actions={again(say("scan.again"))}
        >
          <p>{say(`scan.failed.${state.code}.next`)}</p>
        </Banner>
      ) : null}
      {isOn ? (
        <div className="row-wrap">
          <Button onPress={onClose}>{say("cancel")}</Button>
        </div>
      ) : (
        <p className="small soft">{say(`scan.type.${wanted}`)}</p>
      )}
    </Panel>
  );
}
