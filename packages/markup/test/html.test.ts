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
