const [GROUND, LIGHT, DARK] = [110, 225, 35];

/**
 * What a camera sees of a code on a screen, one byte of brightness a pixel: in the middle of something grey, `side` pixels
 * wide, a little turned. `spoils`: modules that something covers.
 */
export function drawnCode(
  rows: readonly (readonly boolean[])[],
  {
    width = 640,
    height = 480,
    side = 360,
    turn = 0.1,
    spoils = () => false,
  }: {
    readonly width?: number;
    readonly height?: number;
    readonly side?: number;
    /** Radians. */
    readonly turn?: number;
    readonly spoils?: (x: number, y: number) => boolean;
  } = {},
): Uint8Array {
  const picture = new Uint8Array(width * height);
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)];
  const perPixel = rows.length / side;
  for (let py = 0; py < height; py++) {
    for (let px = 0; px < width; px++) {
      const [dx, dy] = [px - width / 2, py - height / 2];
      const x = Math.floor((dx * cos + dy * sin) * perPixel + rows.length / 2);
      const y = Math.floor((dy * cos - dx * sin) * perPixel + rows.length / 2);
      const dark = rows[y]?.[x];
      picture[py * width + px] = dark === undefined ? GROUND : dark || spoils(x, y) ? DARK : LIGHT;
    }
  }
  return picture;
}
