/** How the app looks on this device: kept in the browser, for it says nothing about anybody. */
export type Appearance = {
  readonly theme: "system" | "light" | "dark";
  readonly contrast: "system" | "more";
  readonly motion: "system" | "less";
};

const KEY = "porchlight.appearance";
const USUAL: Appearance = { theme: "system", contrast: "system", motion: "system" };

export function readAppearance(): Appearance {
  try {
    const { theme, contrast, motion } = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Appearance>;
    return {
      theme: theme === "light" || theme === "dark" ? theme : "system",
      contrast: contrast === "more" ? "more" : "system",
      motion: motion === "less" ? "less" : "system",
    };
  } catch {
    return USUAL;
  }
}

const CONTRAST = matchMedia("(prefers-contrast: more)");
const MOTION = matchMedia("(prefers-reduced-motion: reduce)");

/** What the system asks for and what the person chose become one: the style sheet says each look once. */
function applyAppearance({ theme, contrast, motion }: Appearance): void {
  const { dataset } = document.documentElement;
  if (theme === "system") delete dataset["theme"];
  else dataset["theme"] = theme;
  if (contrast === "more" || CONTRAST.matches) dataset["contrast"] = "more";
  else delete dataset["contrast"];
  if (motion === "less" || MOTION.matches) dataset["motion"] = "less";
  else delete dataset["motion"];
}

/** From now on, and again whenever the system changes its mind. */
export function keepAppearance(): void {
  const apply = (): void => applyAppearance(readAppearance());
  apply();
  for (const query of [CONTRAST, MOTION]) query.addEventListener("change", apply);
}

export function changeAppearance(appearance: Appearance): void {
  localStorage.setItem(KEY, JSON.stringify(appearance));
  applyAppearance(appearance);
}
