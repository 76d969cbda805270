// What runs in Node only.
export type { AccountId, ConversationId } from "@porchlight/encoding";
export { fileStorage } from "./file-storage.ts";
export type { Messenger } from "./messenger/messenger.ts";
export { nodePlatform, startMessenger } from "./messenger/node.ts";
export type { MessengerConfig } from "./messenger/platform.ts";
