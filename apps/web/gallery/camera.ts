import { qrModules } from "../src/parts/qr.tsx";
import type { Scene } from "./port.ts";

const MODULE = 6;
const MILLISECONDS_A_FRAME = 100;

/** In the place of the browser's camera: for drawing states, and for nothing else. */
export function placeCamera(camera: NonNullable<Scene["camera"]>): void {
  Object.defineProperty(navigator.mediaDevices, "getUserMedia", {
    configurable: true,
    value: async (): Promise<MediaStream> => {
      if (camera === "asks") return await new Promise(() => {});
      if (camera === "refuses") throw new DOMException("as the person wants it", "NotAllowedError");
      return filmOf(camera.shows);
    },
  });
}

function filmOf(text: string): MediaStream {
  const canvas = document.createElement("canvas");
  canvas.width = 640;
  canvas.height = 480;
  const pencil = canvas.getContext("2d") as CanvasRenderingContext2D;
  const stream = canvas.captureStream();
  const rows = qrModules(text);
  const side = rows.length * MODULE;
  const draw = (): void => {
    pencil.fillStyle = "#6b6f73";
    pencil.fillRect(0, 0, canvas.width, canvas.height);
    const [left, top] = [(canvas.width - side) / 2, (canvas.height - side) / 2];
    pencil.fillStyle = "#f2f2f2";
    pencil.fillRect(left, top, side, side);
    pencil.fillStyle = "#101010";
    for (const [y, row] of rows.entries()) {
      for (const [x, dark] of row.entries()) {
        if (dark) pencil.fillRect(left + x * MODULE, top + y * MODULE, MODULE, MODULE);
      }
    }
    if (stream.active) setTimeout(draw, MILLISECONDS_A_FRAME);
  };
  draw();
  return stream;
}
