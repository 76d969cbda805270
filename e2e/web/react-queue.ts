import type { Page } from "playwright-core";

/** What React keeps of a component, in its own words, as far as it is looked at here. */
type Update = { readonly next: Update };
type Hook = { readonly queue?: { readonly pending?: Update | null } | null; readonly next: Hook | null };
type Fiber = {
  readonly tag: number;
  readonly memoizedState: Hook | null;
  readonly child: Fiber | null;
  readonly sibling: Fiber | null;
};

/**
 * How many changes of state one component of the page was told and has not read, at most. React keeps them until the component
 * is drawn: where nothing draws it, they pile up.
 */
export async function mostUnread(page: Page): Promise<number> {
  return await page.evaluate(() => {
    /** Function components, plain, with a forwarded reference and memoised. */
    const functions = new Set([0, 11, 14, 15]);
    const app = document.getElementById("app") as unknown as Record<string, Fiber>;
    const root = Object.keys(app).find((key) => key.startsWith("__reactContainer$"));
    if (root === undefined) throw new Error("React is not here");
    let [most, read] = [0, 0];
    const left: (Fiber | null)[] = [
      (app[root] as unknown as { stateNode: { current: Fiber } }).stateNode.current,
    ];
    for (let fiber = left.pop(); fiber !== undefined; fiber = left.pop()) {
      if (fiber === null) continue;
      left.push(fiber.child, fiber.sibling);
      if (!functions.has(fiber.tag)) continue;
      for (let hook = fiber.memoizedState; hook !== null; hook = hook.next) {
        const first = hook.queue?.pending ?? null;
        read++;
        let length = first === null ? 0 : 1;
        for (let one = first?.next; one !== undefined && one !== first; one = one?.next) length++;
        most = Math.max(most, length);
      }
    }
    if (read === 0) throw new Error("no component of React was found");
    return most;
  });
}
