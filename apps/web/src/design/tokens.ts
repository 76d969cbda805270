/** Names of all tokens of tokens.css, as the page of the visual language shows them. */
export const COLOURS = {
  surfaces: ["ground", "surface", "raised", "sunken", "hover", "pressed", "line", "line-strong"],
  text: ["text", "text-soft", "text-on-accent"],
  meaning: [
    "accent",
    "accent-soft",
    "lamp",
    "lamp-soft",
    "lamp-line",
    "danger",
    "danger-soft",
    "good",
    "good-soft",
  ],
  charters: ["court", "court-soft", "house", "house-soft", "own"],
} as const;
export const TYPES = ["display", "title", "lead", "body", "small"] as const;
export const FONTS = ["font", "font-code", "leading", "weight-strong"] as const;
export const SPACES = [1, 2, 3, 4, 5, 6, 7] as const;
export const SHAPES = ["radius-small", "radius", "radius-large", "target", "shadow", "ring"] as const;
export const MOTIONS = ["quick", "calm", "ease"] as const;
