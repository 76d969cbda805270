export * from "./brands.ts";
export * from "./bytes.ts";
export * from "./calendar.ts";
export * from "./error.ts";
export * from "./json.ts";
export * from "./text.ts";
