import { type ReactElement, type ReactNode, useRef, useState } from "react";
import { Popover } from "react-aria-components/Popover";
import { Icon, type IconName } from "./icon.tsx";

/**
 * A button that opens something over the page. What it opens is made when it opens, and the button is the browser's own:
 * a thread has two of them in each message, and scrolling draws a screen of messages at once.
 */
export function PopupButton({
  icon,
  label,
  opens,
  placement,
  tabIndex = 0,
  isDisabled = false,
  children,
}: {
  readonly icon: IconName;
  readonly label: string;
  readonly opens: "menu" | "dialog";
  readonly placement: "bottom end" | "top";
  /** -1 where another key leads here: in a thread only the message that the person is at is in the order of Tab. */
  readonly tabIndex?: 0 | -1;
  readonly isDisabled?: boolean;
  readonly children: (close: () => void) => ReactNode;
}): ReactElement {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        tabIndex={tabIndex}
        disabled={isDisabled}
        className="icon-button"
        aria-label={label}
        aria-haspopup={opens}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        onKeyDown={(event) => {
          // As in every menu of this kind; a dialog opens with Enter and space only.
          if (opens !== "menu" || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
          event.preventDefault();
          event.stopPropagation();
          setOpen(true);
        }}
      >
        <Icon name={icon} />
      </button>
      {isOpen ? (
        <Popover
          className="popover"
          placement={placement}
          triggerRef={button}
          aria-label={label}
          isOpen
          onOpenChange={setOpen}
        >
          {children(() => setOpen(false))}
        </Popover>
      ) : null}
    </>
  );
}
