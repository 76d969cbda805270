import type { ReactElement } from "react";
import { Menu as AriaMenu, MenuItem, MenuTrigger } from "react-aria-components/Menu";
import { Popover } from "react-aria-components/Popover";
import { IconButton } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

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
}: {
  readonly label: string;
  readonly icon?: IconName;
  readonly actions: readonly Action[];
}): ReactElement {
  return (
    <MenuTrigger>
      <IconButton icon={icon} label={label} />
      <Popover className="popover" placement="bottom end">
        <AriaMenu className="menu" onAction={(id) => actions.find((one) => one.id === id)?.run()}>
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
      </Popover>
    </MenuTrigger>
  );
}
