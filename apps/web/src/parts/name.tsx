import type { ReactElement } from "react";
import { say } from "../i18n/say.tsx";
import { shownName } from "../text/marks.ts";

/** A name that somebody chose: one line, isolated, nothing invisible in it. */
export function Name({ name }: { readonly name: string }): ReactElement {
  return <bdi className="name">{shownName(name) || say("name.none")}</bdi>;
}

const HUES = 8;

/** Initials on a colour that follows from the account and not from the name. */
export function Avatar({
  name,
  seed,
  large = false,
}: {
  readonly name: string;
  readonly seed: string;
  readonly large?: boolean;
}): ReactElement {
  const hue = [...seed].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0, 7) % HUES;
  const words = shownName(name).split(" ").filter(Boolean);
  const initials = [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => [...(word ?? "")].find((letter) => /\p{L}|\p{N}/u.test(letter)) ?? "")
    .join("")
    .toUpperCase();
  return (
    <span className={`avatar avatar-${hue}${large ? " avatar-large" : ""}`} aria-hidden="true">
      {initials || "·"}
    </span>
  );
}
