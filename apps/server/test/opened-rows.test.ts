import { expect, test } from "vitest";
import { OpenedRows } from "../src/opened-rows.ts";

test("a row is opened once, again when a byte of it changed, and one that fails is opened again", async () => {
  const opened: string[] = [];
  const rows = new OpenedRows(async ({ name, sealed }) => {
    opened.push(name as string);
    if ((sealed as Uint8Array)[0] === 9) throw new Error("altered");
    return `${name}:${(sealed as Uint8Array)[0]}`;
  });
  const row = (name: string, byte: number) => ({ name, sealed: Uint8Array.of(byte), taken: null });
  expect(await rows.of([row("a", 1), row("b", 1)])).toEqual(["a:1", "b:1"]);
  expect(await rows.of([row("a", 1), row("b", 2), row("c", 3)])).toEqual(["a:1", "b:2", "c:3"]);
  expect(opened).toEqual(["a", "b", "b", "c"]);
  await expect(rows.of([row("a", 1), row("b", 9)])).rejects.toThrow("altered");
  await expect(rows.of([row("a", 1), row("b", 9)])).rejects.toThrow("altered");
  // One that is gone is forgotten, so that nothing of it stays behind.
  expect(await rows.of([row("a", 1)])).toEqual(["a:1"]);
  expect(await rows.of([row("a", 1), row("b", 2)])).toEqual(["a:1", "b:2"]);
  expect(opened.slice(4)).toEqual(["b", "b", "b"]);
});
