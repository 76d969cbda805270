import type { MessageView } from "@porchlight/client/page";

/** Whether neither an edit nor a deletion stands between the two. */
export function isSaidAlike({ body: one }: MessageView, { body: other }: MessageView): boolean {
  return one.kind === "text" ? other.kind === "text" && one.text === other.text : other.kind === "deleted";
}
