import type { ReactElement, ReactNode } from "react";
import { Dialog } from "react-aria-components/Dialog";
import { Heading } from "react-aria-components/Heading";
import { Modal, ModalOverlay } from "react-aria-components/Modal";
import { say } from "../i18n/say.tsx";
import { IconButton } from "./button.tsx";

/** A question or a panel over the page; on a phone it comes from below and takes the width. */
export function Panel({
  title,
  children,
  onClose,
  isAlert = false,
}: {
  readonly title: string;
  readonly children: ReactNode;
  /** `null`: it stays until what it tells of is over. */
  readonly onClose: (() => void) | null;
  readonly isAlert?: boolean;
}): ReactElement {
  return (
    <ModalOverlay
      className="overlay"
      isOpen
      isDismissable={!isAlert}
      isKeyboardDismissDisabled={onClose === null}
      onOpenChange={(isOpen) => (isOpen ? undefined : onClose?.())}
    >
      <Modal className="modal">
        <Dialog className="dialog" role={isAlert ? "alertdialog" : "dialog"}>
          <header className="row spread dialog-head">
            <Heading slot="title" level={2}>
              {title}
            </Heading>
            {onClose === null ? null : <IconButton icon="close" label={say("close")} onPress={onClose} />}
          </header>
          <div className="dialog-body stack">{children}</div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
