export { PublicLog, type PublicLogOptions } from "./public-log.ts";
export { type Site, serveSite } from "./site.ts";
