import type { ReactElement } from "react";
import { Button } from "react-aria-components/Button";
import { Dialog } from "react-aria-components/Dialog";
import { say } from "../i18n/say.tsx";
import { PopupButton } from "./popup.tsx";

const EMOJI = [
  "👍",
  "❤️",
  "😀",
  "😂",
  "😅",
  "😊",
  "😍",
  "🤔",
  "😮",
  "😢",
  "😡",
  "🙏",
  "👏",
  "🎉",
  "🔥",
  "✅",
  "👀",
  "💯",
  "🙌",
  "🤝",
  "👋",
  "💪",
  "🌱",
  "☀️",
  "🌙",
  "⭐",
  "☕",
  "🍰",
  "🏠",
  "🚲",
  "📎",
  "🔑",
] as const;

/** A small palette: the keyboard of every system has the rest. */
export function EmojiChoice({ onChoose }: { readonly onChoose: (emoji: string) => void }): ReactElement {
  return (
    <div className="emoji-palette">
      {EMOJI.map((emoji) => (
        <Button key={emoji} className="emoji" onPress={() => onChoose(emoji)}>
          {emoji}
        </Button>
      ))}
    </div>
  );
}

export function EmojiButton({
  label,
  onChoose,
  tabIndex,
  isDisabled = false,
}: {
  readonly label: string;
  readonly isDisabled?: boolean;
  readonly tabIndex?: 0 | -1;
  readonly onChoose: (emoji: string) => void;
}): ReactElement {
  return (
    <PopupButton
      icon="emoji"
      label={label}
      opens="dialog"
      placement="top"
      isDisabled={isDisabled}
      {...(tabIndex === undefined ? {} : { tabIndex })}
    >
      {(close) => (
        <Dialog aria-label={say("emoji.choose")}>
          <EmojiChoice
            onChoose={(emoji) => {
              close();
              onChoose(emoji);
            }}
          />
        </Dialog>
      )}
    </PopupButton>
  );
}
