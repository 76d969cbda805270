/** As a canvas gives it: four bytes a pixel. */
export type Frame = { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray };

/** Milliseconds for second looks at one frame: with the first look, and the copying, far from 50. */
const SECOND_LOOKS = 12;

/** Fetches what reads QR codes, which few pages need. `null`: there is none in the frame that can be read. */
export async function loadReader(): Promise<(frame: Frame) => string | null> {
  const { decodeQR } = await import("qr/decode.js");
  return ({ width, height, data }) => {
    try {
      return decodeQR({ width, height, data }, { timeLimit: SECOND_LOOKS });
    } catch {
      // It throws for a frame without a code, and for whatever somebody drew to confuse it: either way the next is read.
      return null;
    }
  };
}
