// What Chromium's fake camera sees: a file of one picture that it reads over and over, and so sees at once what is drawn
// over it.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { drawnCode } from "../../apps/web/test/drawn-code.ts";

const [WIDTH, HEIGHT] = [640, 480];
const HEAD = Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420\nFRAME\n`);
/** Neither red nor blue: 4:2:0 has two such planes of a quarter each. */
const COLOURS = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);

export class Film {
  readonly #directory: string;
  readonly #file: number;
  /** What the browser is started with. */
  readonly flags: readonly string[];

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), "porchlight-film-"));
    const path = join(this.#directory, "seen.y4m");
    this.#file = openSync(path, "w");
    this.flags = ["--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${path}`];
    this.show([]);
  }

  /** A code in front of the camera; without rows nothing. */
  show(rows: readonly (readonly boolean[])[]): void {
    const brightness = drawnCode(rows, { width: WIDTH, height: HEIGHT });
    const film = Buffer.concat([HEAD, brightness, COLOURS]);
    writeSync(this.#file, film, 0, film.length, 0);
  }

  close(): void {
    closeSync(this.#file);
    rmSync(this.#directory, { recursive: true });
  }
}

/** The modules of the code that somebody's screen shows, as they are drawn there. */
export async function shownCode(page: Page): Promise<readonly (readonly boolean[])[]> {
  const code = page.locator("svg.qr").last();
  const [size, path] = await Promise.all([
    code.getAttribute("viewBox"),
    code.locator("path").getAttribute("d"),
  ]);
  const side = Number(size?.split(" ").at(-1));
  const dark = new Set([...(path ?? "").matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x} ${y}`));
  return Array.from({ length: side }, (_, y) =>
    Array.from({ length: side }, (__, x) => dark.has(`${x} ${y}`)),
  );
}
