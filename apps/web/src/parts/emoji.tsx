import { type ReactElement, useState } from "react";
import { Button } from "react-aria-components/Button";
import { Dialog, DialogTrigger } from "react-aria-components/Dialog";
import { Popover } from "react-aria-components/Popover";
import { say } from "../i18n/say.tsx";
import { IconButton } from "./button.tsx";

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
}: {
  readonly label: string;
  readonly onChoose: (emoji: string) => void;
}): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setOpen}>
      <IconButton icon="emoji" label={label} />
      <Popover className="popover" placement="top">
        <Dialog className="emoji-palette" aria-label={say("emoji.choose")}>
          {EMOJI.map((emoji) => (
            <Button
              key={emoji}
              className="emoji"
              onPress={() => {
                setOpen(false);
                onChoose(emoji);
              }}
            >
              {emoji}
            </Button>
          ))}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
