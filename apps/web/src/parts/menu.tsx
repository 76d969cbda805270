import type { ReactElement } from "react";
import { Menu as AriaMenu, MenuItem } from "react-aria-components/Menu";
import { Icon, type IconName } from "./icon.tsx";
import { PopupButton } from "./popup.tsx";

export type Action = {
  readonly id: string;
  readonly label: string;
  readonly icon: IconName;
  readonly isDangerous?: boolean;
  readonly run: () => void;
};

/** A button that opens a list of things to do. */
export function Menu({
  label,
  icon = "more",
  actions,
  tabIndex,
}: {
  readonly label: string;
  readonly icon?: IconName;
  /** Asked when it opens. */
  readonly actions: () => readonly Action[];
  readonly tabIndex?: 0 | -1;
}): ReactElement {
  return (
    <PopupButton
      icon={icon}
      label={label}
      opens="menu"
      placement="bottom end"
      {...(tabIndex === undefined ? {} : { tabIndex })}
    >
      {(close) => <Actions label={label} actions={actions()} close={close} />}
    </PopupButton>
  );
}

function Actions({
  label,
  actions,
  close,
}: {
  readonly label: string;
  readonly actions: readonly Action[];
  readonly close: () => void;
}): ReactElement {
  return (
    <AriaMenu
      className="menu"
      aria-label={label}
      autoFocus="first"
      onClose={close}
      onAction={(id) => {
        close();
        actions.find((one) => one.id === id)?.run();
      }}
    >
      {actions.map((action) => (
        <MenuItem
          key={action.id}
          id={action.id}
          textValue={action.label}
          className={action.isDangerous === true ? "menu-item menu-item-danger" : "menu-item"}
        >
          <Icon name={action.icon} />
          <span>{action.label}</span>
        </MenuItem>
      ))}
    </AriaMenu>
  );
}
