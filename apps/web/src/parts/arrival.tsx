import { type MouseEvent, type ReactElement, useEffect } from "react";

/** Where the person is, whichever view draws it; `null` before the first. */
let here: { readonly page: string; readonly part: string } | null = null;

/**
 * Last in a view: whoever came to it by their own doing is brought to its heading, so that a screen reader says where they
 * are and Tab goes on from there. Not at the first load, and not out of a field that took the focus to be written in.
 */
export function Arrival({
  page,
  part = "",
}: {
  readonly page: string;
  /** What of the page is open beside or below its heading; marked with `data-part`. */
  readonly part?: string;
}): null {
  useEffect(() => {
    const before = here;
    here = { page, part };
    if (before === null || (before.page === page && before.part === part)) return;
    if (document.activeElement?.matches("textarea, input") === true) return;
    const isPart = before.page === page && part !== "";
    focusOn(isPart ? "[data-part] :is(h1, h2)" : "#main h1");
  }, [page, part]);
  return null;
}

/** Not a place of its own in the order of Tab. */
function focusOn(selector: string): void {
  const heading = document.querySelector<HTMLElement>(selector);
  if (heading === null) return;
  heading.tabIndex = -1;
  heading.focus();
}

/** First on a page: past what stands on every page, to what this one is about. `words` say what that is. */
export function Skip({ words }: { readonly words: string }): ReactElement {
  const skip = (event: MouseEvent): void => {
    // The address stays as it is: it is the router's.
    event.preventDefault();
    focusOn("#main h1");
  };
  return (
    <a className="skip" href="#main" onClick={skip}>
      {words}
    </a>
  );
}
