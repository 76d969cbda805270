import type { ReactElement, ReactNode } from "react";
import { Button as AriaButton, type ButtonProps } from "react-aria-components/Button";
import { Icon, type IconName } from "./icon.tsx";

type Look = "main" | "plain" | "quiet" | "danger";

export function Button({
  look = "plain",
  icon,
  children,
  isBusy = false,
  ...rest
}: Omit<ButtonProps, "children" | "className" | "style" | "isPending"> & {
  readonly look?: Look;
  readonly icon?: IconName;
  /** It is at it, and cannot be pressed again; unlike a disabled one it keeps the focus, for what comes of it. */
  readonly isBusy?: boolean;
  readonly children: ReactNode;
}): ReactElement {
  return (
    <AriaButton {...rest} isPending={isBusy} className={`button button-${look}`}>
      {icon === undefined ? null : <Icon name={icon} />}
      <span>{children}</span>
    </AriaButton>
  );
}

export function IconButton({
  icon,
  label,
  ...rest
}: Omit<ButtonProps, "children" | "className" | "style" | "aria-label"> & {
  readonly icon: IconName;
  readonly label: string;
}): ReactElement {
  return (
    <AriaButton {...rest} aria-label={label} className="icon-button">
      <Icon name={icon} />
    </AriaButton>
  );
}
