import { parseNumber } from "./number.ts";
import { lookUp } from "./verified-entry.ts";
import { words } from "./words.ts";

// The one script of the site: it asks this origin, believes nothing of it, and writes text only (never markup).

function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  text: string | null,
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  made.append(...children);
  return made;
}

function part<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(id);
  return found as T;
}

const form = part<HTMLFormElement>("look-up");
const input = part<HTMLInputElement>("number");
const policy = part<HTMLTextAreaElement>("policy");
const state = part<HTMLParagraphElement>("state");
const result = part<HTMLDivElement>("result");
const button = form.querySelector("button");

function refuse(text: string): void {
  state.textContent = "";
  const box = element("p", text);
  box.className = "box warn";
  box.setAttribute("role", "alert");
  result.replaceChildren(box);
}

async function show(): Promise<void> {
  const number = parseNumber(input.value);
  if (number === null) {
    return refuse(
      "That is neither the number of an entry nor a number of 64 digits and letters from a letter.",
    );
  }
  state.textContent = "Fetching and checking…";
  result.replaceChildren();
  const outcome = await lookUp(number, policy.value);
  if (outcome.kind !== "found") return refuse(outcome.text);
  state.textContent = outcome.entries.length === 1 ? "Found." : `Found ${outcome.entries.length} entries.`;
  result.replaceChildren(
    ...outcome.entries.map(({ index, size, checks, entry, milliseconds }) => {
      const { title, facts } = words(entry);
      const list = element("ul", null, ...checks.map((text) => element("li", text)));
      list.className = "checks";
      const table = element("dl", null);
      table.className = "facts";
      for (const [term, text] of facts) table.append(element("dt", term), element("dd", text));
      return element(
        "section",
        null,
        element("h2", `Entry ${index}: ${title}`),
        table,
        element("h3", "What your browser has checked"),
        list,
        element(
          "p",
          `Of ${size} entries. The place in the log took ${milliseconds.toFixed(1)} thousandths of a second to check.`,
        ),
      );
    }),
  );
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (button !== null) button.disabled = true;
  show()
    .catch(() => refuse("The site did not answer. Try again, or ask another copy of the log."))
    .finally(() => {
      if (button !== null) button.disabled = false;
    });
});

// Filled in by the site, and the reader's to replace.
void fetch("/policy").then(async (answer) => {
  if (answer.ok && policy.value === "") policy.value = await answer.text();
  // A link can name what to look up: /look-up#12
  if (location.hash.length > 1) {
    input.value = decodeURIComponent(location.hash.slice(1));
    form.requestSubmit();
  }
});
