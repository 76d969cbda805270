import type { PageLink } from "../../e2e/web/free-browser.ts";

/** Milliseconds between looks. */
const LOOK = 20;
const PATIENCE = 60_000;

/**
 * A person's mouse and keyboard on a page that nobody watches: every automation library leaves its own script and handles
 * in the heap that is measured here. The same words each time, because the browser keeps every script that it was sent.
 */
export class Hand {
  readonly #link: PageLink;

  constructor(link: PageLink) {
    this.#link = link;
  }

  /** Waits until it is so. `expression`: of the page. */
  async until(expression: string): Promise<void> {
    for (const began = performance.now(); performance.now() - began < PATIENCE; ) {
      if (await this.#link.evaluate<boolean>(`Boolean(${expression})`)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
    throw new Error(`this never came: ${expression}`);
  }

  /** The middle of the element, once it is there, on the screen. */
  async #place(element: string): Promise<{ readonly x: number; readonly y: number }> {
    await this.until(element);
    return await this.#link.evaluate(
      `((element) => {
        element.scrollIntoViewIfNeeded();
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
      })(${element})`,
    );
  }

  async press(element: string): Promise<void> {
    const place = await this.#place(element);
    const mouse = { ...place, button: "left", clickCount: 1 };
    await this.#link.send("Input.dispatchMouseEvent", { type: "mouseMoved", ...place });
    await this.#link.send("Input.dispatchMouseEvent", { type: "mousePressed", ...mouse });
    await this.#link.send("Input.dispatchMouseEvent", { type: "mouseReleased", ...mouse });
  }

  async wheel(element: string, turns: readonly number[]): Promise<void> {
    const place = await this.#place(element);
    for (const deltaY of turns)
      await this.#link.send("Input.dispatchMouseEvent", { type: "mouseWheel", ...place, deltaX: 0, deltaY });
  }

  /** Into this field, with Enter behind it. */
  async write(field: string, text: string): Promise<void> {
    await this.press(field);
    await this.#link.send("Input.insertText", { text });
    const key = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13 };
    await this.#link.send("Input.dispatchKeyEvent", { type: "keyDown", text: "\r", ...key });
    await this.#link.send("Input.dispatchKeyEvent", { type: "keyUp", ...key });
  }
}
