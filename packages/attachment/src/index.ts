export { digestOf } from "./digest.ts";
export { AttachmentError, type AttachmentErrorCode } from "./error.ts";
export { type AttachmentKey, fileKeyOf, keyFrom } from "./key.ts";
export { type Layout, layoutOf, MAX_ATTACHMENT, PART, paddedSize } from "./layout.ts";
export { nobleSuite } from "./noble-suite.ts";
export { openPart, sealPart } from "./part.ts";
export {
  type AttachmentReference,
  attachmentId,
  formatReference,
  MAX_ATTACHMENTS,
  readReference,
} from "./reference.ts";
export type { AttachmentSuite } from "./suite.ts";
