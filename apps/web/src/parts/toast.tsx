import { type ReactElement, useSyncExternalStore } from "react";
import { say } from "../i18n/say.tsx";
import { IconButton } from "./button.tsx";

type Toast = { readonly id: number; readonly tone: "info" | "danger"; readonly text: string };

const SHOWN_MILLISECONDS = 7_000;
let toasts: readonly Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/** Says something that needs no answer. What is dangerous to miss stays until it is closed. */
export function tell({
  tone = "info",
  text,
}: {
  readonly tone?: Toast["tone"];
  readonly text: string;
}): void {
  const id = ++last;
  set([...toasts.filter((one) => one.text !== text), { id, tone, text }].slice(-3));
  if (tone === "info") setTimeout(() => set(toasts.filter((one) => one.id !== id)), SHOWN_MILLISECONDS);
}

export function Toasts(): ReactElement {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    // Over a dialog too: what is told there is seen, heard and closed.
    <div className="toasts" role="status" aria-live="polite" data-react-aria-top-layer="true">
      {shown.map(({ id, tone, text }) => (
        <div key={id} className={`toast toast-${tone}`}>
          <span className="grow">{text}</span>
          <IconButton
            icon="close"
            label={say("toast.close")}
            onPress={() => set(toasts.filter((one) => one.id !== id))}
          />
        </div>
      ))}
    </div>
  );
}
