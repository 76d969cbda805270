// Pictures of one colour: a few bytes, and as many pixels as one likes. They run in Node and in the gallery's page.

/** RFC 9649, lossless: five prefix codes of one symbol each, so that every pixel takes no bit at all. */
export function flatWebp(width: number, height: number): Uint8Array {
  const bits: number[] = [];
  const put = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) bits.push((value >>> i) & 1);
  };
  put(width - 1, 14);
  put(height - 1, 14);
  // No alpha, version 0; no transform, no colour cache, no meta prefix codes.
  put(0, 4);
  put(0, 3);
  // Green, red, blue, alpha, distance: simple, one symbol, of one bit, 0.
  for (let code = 0; code < 5; code++) put(0b0001, 4);
  const body = new Uint8Array(1 + Math.ceil(bits.length / 8) + 8);
  body[0] = 0x2f;
  bits.forEach((bit, i) => {
    body[1 + (i >>> 3)] = (body[1 + (i >>> 3)] as number) | (bit << (i & 7));
  });
  const even = body.length + (body.length % 2);
  const file = new Uint8Array(20 + even);
  const view = new DataView(file.buffer);
  const say = (at: number, text: string): void =>
    [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  say(0, "RIFF");
  view.setUint32(4, 12 + even, true);
  say(8, "WEBPVP8L");
  view.setUint32(16, body.length, true);
  file.set(body, 20);
  return file;
}
