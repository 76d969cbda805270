import type { ReactElement } from "react";

/** One stroke, one size, drawn on 24 × 24. */
const PATHS = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-6 16-3-7z",
  attach:
    "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7L9.400 17a1.700 1.700 0 0 1-2.400-2.400L14.500 7",
  emoji: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8.500 14a4 4 0 0 0 7 0M9 9.500v.01M15 9.500v.01",
  more: "M5 11.500v1M12 11.500v1M19 11.500v1",
  scan: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M8 12h8",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M20 20l-4-4",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  add: "M12 5v14M5 12h14",
  people:
    "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7M3 20a6 6 0 0 1 12 0M16 4.500a3.500 3.500 0 0 1 0 6.500M17 14.500a6 6 0 0 1 4 5.500",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  mute: "M6 10a6 6 0 0 1 9-5M18 12c0 3 1 4 2 5H8M4 4l16 16M10 20h4",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  reply: "M9 7l-5 5 5 5M4 12h9a7 7 0 0 1 7 7",
  edit: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  trash: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  copy: "M9 9h10v11H9zM5 15V4h10",
  lamp: "M12 3v3M8 10a4 4 0 0 1 8 0v1H8zM8 11h8l1.500 6h-11zM5 21h14v-4H5z",
  notice: "M4 6h16v12H4zM4 7l8 6 8-6",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M12 11v5M12 8v.01",
  device: "M7 3h10v18H7zM11 18h2",
  key: "M8 12a4 4 0 1 1 3.800 4L9 18H7v2H4v-3l4-4M16 8h.01",
  check: "M5 13l4 4 10-11",
  twice: "M2 13l4 4 9-10M11 16l1 1 10-11",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M12 8v4l3 2",
  stop: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M6 6l12 12",
  warning: "M12 4l9 16H3zM12 10v4M12 17v.01",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  offline: "M4 9a12 12 0 0 1 5-3M20 9a12 12 0 0 0-6-3.500M8 14a6 6 0 0 1 8 0M12 18h.01M4 4l16 16",
  down: "M6 9l6 6 6-6",
  print: "M7 8V4h10v4M5 8h14v8h-3M8 16H5V8M8 13h8v7H8z",
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration beside words; where it stands alone the button has a label. */
export function Icon({ name }: { readonly name: IconName }): ReactElement {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
