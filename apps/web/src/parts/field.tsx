import type { ReactElement, ReactNode, Ref } from "react";
import { FieldError } from "react-aria-components/FieldError";
import { Input } from "react-aria-components/Input";
import { Label } from "react-aria-components/Label";
import { Radio, RadioGroup } from "react-aria-components/RadioGroup";
import { Switch as AriaSwitch } from "react-aria-components/Switch";
import { Text } from "react-aria-components/Text";
import { TextArea } from "react-aria-components/TextArea";
import { TextField } from "react-aria-components/TextField";

export function Field({
  label,
  hint,
  error,
  action,
  input,
  ...rest
}: {
  readonly label: string;
  readonly hint?: ReactNode;
  /** Where it is written. */
  readonly input?: Ref<HTMLInputElement>;
  /** A button beside what is typed. */
  readonly action?: ReactNode;
  readonly error?: string | null;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: "text" | "password" | "search";
  readonly autoComplete?: string;
  readonly autoFocus?: boolean;
  readonly isRequired?: boolean;
  readonly maxLength?: number;
}): ReactElement {
  return (
    <TextField {...rest} className="field" isInvalid={typeof error === "string"} validationBehavior="aria">
      <Label className="field-label">{label}</Label>
      {action === undefined ? (
        <Input ref={input} className="field-input" />
      ) : (
        <div className="field-line">
          <Input ref={input} className="field-input" />
          {action}
        </div>
      )}
      {hint === undefined ? null : (
        <Text slot="description" className="field-hint">
          {hint}
        </Text>
      )}
      {/* In the page before there is an error: only then is it read out, wherever the focus is. */}
      <div aria-live="polite" className="field-errors">
        <FieldError className="field-error">{error}</FieldError>
      </div>
    </TextField>
  );
}

/** Several lines. */
export function LongField({
  label,
  ...rest
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly maxLength?: number;
}): ReactElement {
  return (
    <TextField {...rest} className="field">
      <Label className="field-label">{label}</Label>
      <TextArea className="field-input field-long" rows={5} />
    </TextField>
  );
}

export function Toggle({
  children,
  hint,
  ...rest
}: {
  readonly children: ReactNode;
  readonly hint?: ReactNode;
  readonly isSelected: boolean;
  readonly isDisabled?: boolean;
  readonly onChange: (isSelected: boolean) => void;
}): ReactElement {
  return (
    <AriaSwitch {...rest} className="toggle">
      <span className="grow">
        {children}
        {hint === undefined ? null : <span className="field-hint">{hint}</span>}
      </span>
      <span className="toggle-track" aria-hidden="true" />
    </AriaSwitch>
  );
}

export function Choice<V extends string>({
  label,
  value,
  onChange,
  options,
}: {
  readonly label: string;
  readonly value: V;
  readonly onChange: (value: V) => void;
  readonly options: readonly (readonly [value: V, label: string])[];
}): ReactElement {
  return (
    <RadioGroup className="choice" value={value} onChange={(chosen) => onChange(chosen as V)}>
      <Label className="field-label">{label}</Label>
      <div className="choice-options">
        {options.map(([option, text]) => (
          <Radio key={option} value={option} className="choice-option">
            {text}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  );
}
