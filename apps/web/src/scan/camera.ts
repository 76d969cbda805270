import { type Frame, loadReader } from "./reader.ts";

/** Why there is no picture. */
export class CameraError extends Error {
  override readonly name = "CameraError";
  readonly code: "refused" | "none" | "busy" | "insecure" | "failed";

  constructor(code: CameraError["code"], options?: ErrorOptions) {
    super(`no picture of the camera: ${code}`, options);
    this.code = code;
  }
}

/** Pixels of the longer side that are read: a code that fills half of the picture has five of them for each module. */
const READ_SIZE = 800;
/** Milliseconds between two frames, for everything else that the page does. */
const REST = 100;

/**
 * Turns the camera on and hands on every text that it sees, until `signal` or the camera itself ends it. However it ends,
 * the camera is off then. Throws CameraError.
 */
export async function watchCamera(
  video: HTMLVideoElement,
  {
    signal,
    onPicture,
    onText,
  }: {
    readonly signal: AbortSignal;
    readonly onPicture: () => void;
    readonly onText: (text: string) => void;
  },
): Promise<void> {
  const stream = await openCamera();
  const turnOff = (): void => {
    for (const track of stream.getTracks()) track.stop();
    // Unless it shows the camera that was turned on after this one.
    if (video.srcObject === stream) video.srcObject = null;
  };
  signal.addEventListener("abort", turnOff);
  try {
    if (signal.aborted) return;
    video.srcObject = stream;
    const read = await loadReader();
    const take = frameTaker();
    let isSeen = false;
    while (!signal.aborted && stream.active) {
      const frame = take(video);
      if (frame !== null) {
        if (!isSeen) onPicture();
        isSeen = true;
        const text = read(frame);
        if (text !== null) onText(text);
      }
      await new Promise((resolve) => setTimeout(resolve, REST));
    }
  } finally {
    signal.removeEventListener("abort", turnOff);
    turnOff();
  }
}

async function openCamera(): Promise<MediaStream> {
  // A page without TLS is not even told that there are cameras.
  if (!isSecureContext || navigator.mediaDevices === undefined) throw new CameraError("insecure");
  try {
    return await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
  } catch (cause) {
    throw new CameraError(codeOf((cause as Partial<DOMException>).name), { cause });
  }
}

/** By the names of the W3C's Media Capture and Streams, 10.3.5. */
function codeOf(name: string | undefined): CameraError["code"] {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "OverconstrainedError":
      return "none";
    case "NotReadableError":
    case "AbortError":
      return "busy";
    default:
      return "failed";
  }
}

/** `null` before the first picture came. */
function frameTaker(): (video: HTMLVideoElement) => Frame | null {
  const canvas = document.createElement("canvas");
  const pixels = canvas.getContext("2d", { willReadFrequently: true });
  if (pixels === null) throw new CameraError("failed");
  return (video) => {
    const { videoWidth, videoHeight, readyState } = video;
    if (readyState < HTMLMediaElement.HAVE_CURRENT_DATA || videoWidth === 0) return null;
    const scale = Math.min(1, READ_SIZE / Math.max(videoWidth, videoHeight));
    const width = Math.max(1, Math.round(videoWidth * scale));
    const height = Math.max(1, Math.round(videoHeight * scale));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    pixels.drawImage(video, 0, 0, width, height);
    return pixels.getImageData(0, 0, width, height);
  };
}
