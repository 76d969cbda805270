import type { ReactElement, ReactNode } from "react";
import { Icon, type IconName } from "./icon.tsx";

type Tone = "info" | "good" | "danger" | "lamp";

const ICONS: Readonly<Record<Tone, IconName>> = {
  info: "info",
  good: "check",
  danger: "warning",
  lamp: "lamp",
};

/** Something to know before going on. `isLoud`: read out at once. */
export function Banner({
  tone = "info",
  icon,
  title,
  children,
  actions,
  isLoud = false,
}: {
  readonly tone?: Tone;
  readonly icon?: IconName;
  readonly title: ReactNode;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  readonly isLoud?: boolean;
}): ReactElement {
  return (
    <div className={`banner banner-${tone}`} role={isLoud ? "alert" : "status"}>
      <Icon name={icon ?? ICONS[tone]} />
      <div className="grow stack-tight">
        <p className="strong">{title}</p>
        {children === undefined ? null : <div className="banner-text">{children}</div>}
        {actions === undefined ? null : <div className="row-wrap">{actions}</div>}
      </div>
    </div>
  );
}

/** A whole page or pane that has nothing to show, and why. */
export function Empty({
  icon,
  title,
  children,
  actions,
  level = 1,
}: {
  readonly icon: IconName;
  readonly title: ReactNode;
  readonly children?: ReactNode;
  readonly actions?: ReactNode;
  /** 1 where nothing else on the page has a heading above it. */
  readonly level?: 1 | 2;
}): ReactElement {
  const Heading = `h${level}` as const;
  return (
    <div className="empty">
      <span className="empty-icon">
        <Icon name={icon} />
      </span>
      <Heading className="empty-title">{title}</Heading>
      {children === undefined ? null : <div className="soft stack-tight">{children}</div>}
      {actions === undefined ? null : <div className="row-wrap">{actions}</div>}
    </div>
  );
}

export function Waiting({ label }: { readonly label: string }): ReactElement {
  return (
    <div className="waiting" role="status">
      <span className="waiting-dots" aria-hidden="true" />
      <span>{label}</span>
    </div>
  );
}
