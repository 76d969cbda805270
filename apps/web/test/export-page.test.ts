import { expect, test } from "vitest";
import { HOSTILE, TALK, TROUBLE } from "../gallery/entries.ts";
import { contact, conversation, NOOR, ready, TOMAS } from "../gallery/people.ts";
import { readablePage } from "../src/settings/export-page.ts";

/** As packages/client/src/messenger/export.ts writes it. */
function lines(values: readonly unknown[]): Blob {
  const bytes = (_key: string, inner: unknown): unknown =>
    inner instanceof Uint8Array ? Buffer.from(inner).toString("base64") : inner;
  return new Blob(values.map((value) => `${JSON.stringify(value, bytes)}\n`));
}

test("an export can be read, every state of every entry in it, and what anybody wrote is text", async () => {
  const hostile = "</title><script>alert(1)</script>";
  const talk = conversation(1, { title: hostile });
  const state = ready([talk], {
    contacts: {
      [NOOR]: contact(NOOR, "Noor Haddad"),
      [TOMAS]: contact(TOMAS, `"><img src=x onerror=alert(2)>`),
    },
  });
  const entries = [...TALK, ...TROUBLE, ...HOSTILE];
  const page = await (
    await readablePage(
      lines([
        { ...state, kind: "account", at: 1_764_000_000 },
        ...Object.values(state.charters).map((charter) => ({ kind: "charter", charter })),
        { kind: "conversation", conversation: talk, members: [NOOR, TOMAS] },
        ...entries.map((entry) => ({ kind: "entry", conversation: talk.id, entry })),
      ]),
    )
  ).text();
  const tags = [...page.matchAll(/<[a-z][^>]*>/gi)].map(([tag]) => tag);
  expect(tags.filter((tag) => /<(script|svg|iframe|a)\b|\son[a-z]+=/i.test(tag))).toEqual([]);
  expect(tags.filter((tag) => tag.startsWith("<img")).length).toBeGreaterThan(0);
  expect(page).toContain("default-src 'none'");
  expect(page).toContain("&lt;script&gt;document.title=&#39;owned&#39;");
  for (const words of [
    "Noor Haddad",
    "Two packets of runner beans for plot 9, please.",
    "🌱",
    "order form (final).pdf",
    "deleted this message",
    "edited",
    "A message was refused",
    "Waiting to be sent",
    "Court charter: who can open this",
  ]) {
    expect(page).toContain(words);
  }
  expect(page).not.toMatch(/undefined|\[object|NaN|Invalid Date/);
  expect(page.endsWith("</html>")).toBe(true);
});
