import type { CharterView, ReadyState } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { Label } from "react-aria-components/Label";
import { Radio, RadioGroup } from "react-aria-components/RadioGroup";
import { say } from "../i18n/say.tsx";
import { CharterMark } from "../parts/charter-mark.tsx";
import { CharterSummary } from "./summary.tsx";

export type CharterId = keyof ReadyState["charters"];

/** In the radio group, which knows texts only: nobody can open it. */
const NONE = "none";

/** Under which a conversation can be begun or go on today. */
export function usableCharters({ charters }: Pick<ReadyState, "charters">): readonly CharterView[] {
  return Object.values(charters).filter(
    ({ warnings }) => !warnings.some(({ kind }) => kind === "not-in-force"),
  );
}

/** Who can open a conversation, one of several; `null` is nobody. */
export function CharterChoice({
  label,
  charters,
  hasNone,
  value,
  onChange,
}: {
  readonly label: string;
  readonly charters: readonly CharterView[];
  readonly hasNone: boolean;
  /** `undefined` before anything was chosen. */
  readonly value: CharterId | null | undefined;
  readonly onChange: (charter: CharterId | null) => void;
}): ReactElement {
  return (
    <RadioGroup
      className="stack-tight"
      value={value === undefined ? "" : (value ?? NONE)}
      onChange={(chosen) => onChange(chosen === NONE ? null : (chosen as CharterId))}
    >
      <Label className="field-label">{label}</Label>
      {charters.map((one) => (
        <Radio key={one.id} value={one.id} className="card-choice">
          <CharterMark kind={one.kind} withWords />
          <CharterSummary charter={one} />
        </Radio>
      ))}
      {hasNone ? (
        <Radio value={NONE} className="card-choice">
          <CharterMark kind="none" withWords />
          <p className="small soft">{say("charter.none.short")}</p>
        </Radio>
      ) : null}
    </RadioGroup>
  );
}
