import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Violation = {
  readonly id: string;
  readonly nodes: readonly {
    readonly html: string;
    readonly target: readonly string[];
    readonly failureSummary?: string;
  }[];
};

/** What axe finds, one line each. It is evaluated by the debugger, so the page's policy is as it is for people. */
export async function axe(page: Page): Promise<string[]> {
  // Once a page: half a megabyte to compile.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(source);
  const violations = await page.evaluate(async () => {
    const { axe: tool } = globalThis as unknown as {
      axe: { run: (context: unknown, options: unknown) => Promise<{ violations: Violation[] }> };
    };
    // React Aria speaks of a button by its name, and its log keeps that for seven seconds: the button may be gone by then.
    const found = await tool.run(
      { exclude: [["[data-live-announcer]"]] },
      {
        resultTypes: ["violations"],
        // Style sheets of our own origin need no second fetch.
        preload: false,
        runOnly: {
          type: "tag",
          values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        },
      },
    );
    // Nobody reaches what is behind a dialog, and axe misses what could be focused in it: it is judged where no dialog is open.
    const isReached = ({ target: [selector = ""] }: Violation["nodes"][number]): boolean => {
      const DIALOG = "[role=dialog], [role=alertdialog]";
      const element = document.querySelector(selector);
      const isPage = element === document.documentElement || element === document.body;
      return isPage || document.querySelector(DIALOG) === null || element?.closest(DIALOG) !== null;
    };
    return found.violations.map((one) => ({ ...one, nodes: one.nodes.filter(isReached) }));
  });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ html, failureSummary }) =>
        `${id}: ${html.slice(0, 160)} ${(failureSummary ?? "").replaceAll("\n", " ").slice(0, 260)}`,
    ),
  );
}
