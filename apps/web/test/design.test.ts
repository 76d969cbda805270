import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { COLOURS, FONTS, MOTIONS, SHAPES, SPACES, TYPES } from "../src/design/tokens.ts";

test("the page of the visual language shows every token that there is, and no other", () => {
  const css = readFileSync(new URL("../src/design/tokens.css", import.meta.url), "utf8");
  const root = css.slice(css.indexOf(":root"), css.indexOf("[data-theme"));
  const names = [...root.matchAll(/^  --([a-z0-9-]+):/gm)].map(([, name]) => name);
  const shown = [
    ...Object.values(COLOURS).flat(),
    ...TYPES.map((name) => `type-${name}`),
    ...FONTS,
    ...SPACES.map((step) => `space-${step}`),
    ...SHAPES,
    ...MOTIONS,
  ];
  expect([...shown].sort()).toEqual([...names].sort());
});
