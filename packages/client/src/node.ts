// What runs in Node only.
export { fileStorage } from "./file-storage.ts";
export { nodePlatform, startMessenger } from "./messenger/node.ts";
