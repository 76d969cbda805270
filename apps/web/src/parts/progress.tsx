import type { ReactElement } from "react";
import { ProgressBar } from "react-aria-components/ProgressBar";

/** How far something is that a person waits for. `total` `null`: nobody knows yet how much there is. `words`: beside the bar. */
export function Progress({
  label,
  done,
  total,
  words,
}: {
  readonly label: string;
  readonly done: number;
  readonly total: number | null;
  readonly words?: string;
}): ReactElement {
  const isKnown = total !== null && total > 0;
  return (
    <ProgressBar
      className="progress grow"
      aria-label={label}
      {...(isKnown ? { value: done, maxValue: total } : { isIndeterminate: true })}
      {...(words === undefined ? {} : { valueLabel: words })}
    >
      {({ valueText }) => (
        <>
          <meter
            className="progress-bar"
            aria-hidden="true"
            min={0}
            max={isKnown ? total : 1}
            value={isKnown ? done : 0}
          />
          <span className="small soft">{words ?? (isKnown ? valueText : "")}</span>
        </>
      )}
    </ProgressBar>
  );
}
