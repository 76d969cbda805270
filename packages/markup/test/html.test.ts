import { expect, test } from "vitest";
import { html, join, type Markup, page } from "../src/html.ts";

test("EVI-52: only what this package made is markup; an object that was parsed is none, whatever its members", () => {
  const parsed = JSON.parse('{"markup":"<form action=//evil.example>"}') as Markup;
  const borrowed = Object.assign(Object.create(Object.getPrototypeOf(html``) as object) as object, {});
  for (const forged of [parsed, borrowed as Markup, [html`<b></b>`] as never, null as never]) {
    expect(() => html`<p>${forged}</p>`).toThrow(TypeError);
    expect(() => join([forged])).toThrow(TypeError);
    expect(() => page("t", "", forged)).toThrow(TypeError);
  }
  expect(html`<p>${html`<b>${"<i>"}</b>`} ${7}</p>`.markup).toBe("<p><b>&lt;i&gt;</b> 7</p>");
  expect(join([html`<b></b>`, html`${"&"}`]).markup).toBe("<b></b>&amp;");
});

const TYPED = `a\u202e"<b>\u200b`;

test("EVI-52: what is hidden or reorders is a number in the text of a page, and what was typed in its fields", () => {
  const shown = `a<span class="hidden-char">U+202E</span>&quot;&lt;b&gt;<span class="hidden-char">U+200B</span>`;
  const kept = "a&#x202E;&quot;&lt;b&gt;&#x200B;";
  expect(html`<p>${TYPED}</p>`.markup).toBe(`<p>${shown}</p>`);
  const more = html` aria-invalid="true"`;
  expect(html`<input value="${TYPED}"${more}><b>${TYPED}</b>`.markup).toBe(
    `<input value="${kept}" aria-invalid="true"><b>${shown}</b>`,
  );
  expect(
    html`<textarea id="${"x"}"${more}>
${TYPED}</textarea>${TYPED}`.markup,
  ).toBe(`<textarea id="x" aria-invalid="true">\n${kept}</textarea>${shown}`);
  expect(html`<option value="${TYPED}">${"plain"}</option>`.markup).toBe(
    `<option value="${kept}">plain</option>`,
  );
  expect(page(TYPED, "", html``)).toContain("<title>aU+202E&quot;&lt;b&gt;U+200B</title>");
});
