import type { Progress } from "@porchlight/deployment";
import type { Context } from "./terminal.ts";

/** A deployment's progress: a bar for who watches; a line a phase for a log file; nothing where JSON was asked for. */
export function phases({ progress, json, streams }: Context): {
  readonly progress: Progress;
  readonly finish: () => void;
} {
  let current = "";
  let done = 0;
  let expected = 0;
  const say = (text: string): void => {
    if (!json && !streams.interactive) streams.error(`${text}\n`);
  };
  return {
    progress: {
      start: (phase, total) => {
        current = phase;
        done = 0;
        expected = total;
        say(`${phase} …`);
        progress(current, 0, expected);
      },
      step: (count = 1) => {
        done += count;
        progress(current, done, expected);
      },
      end: () => progress(current, expected, expected),
      note: (text) => say(text),
    },
    finish: () => {},
  };
}
