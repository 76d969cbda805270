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
export function EmojiButton({
  label,
  onChoose,
  tabIndex,
}: {
  readonly label: string;
  readonly tabIndex?: 0 | -1;
  readonly onChoose: (emoji: string) => void;
}): ReactElement {
  return (
    <PopupButton
      icon="emoji"
      label={label}
      opens="dialog"
      placement="top"
      {...(tabIndex === undefined ? {} : { tabIndex })}
    >
      {(close) => (
        <Dialog className="emoji-palette" aria-label={say("emoji.choose")}>
          {EMOJI.map((emoji) => (
            <Button
              key={emoji}
              className="emoji"
              onPress={() => {
                close();
                onChoose(emoji);
              }}
            >
              {emoji}
            </Button>
          ))}
        </Dialog>
      )}
    </PopupButton>
  );
}
