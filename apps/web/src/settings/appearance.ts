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

export function applyAppearance(appearance: Appearance): void {
  const { dataset } = document.documentElement;
  for (const name of ["theme", "contrast", "motion"] as const) {
    if (appearance[name] === "system") delete dataset[name];
    else dataset[name] = appearance[name];
  }
}

export function changeAppearance(appearance: Appearance): void {
  localStorage.setItem(KEY, JSON.stringify(appearance));
  applyAppearance(appearance);
}
