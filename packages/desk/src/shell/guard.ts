import type { FastifyRequest } from "fastify";
import { DeskError } from "./error.ts";

/** DESK-1: only this desk's own name is served, and only its own pages may ask it to do something. */
export function guard(request: FastifyRequest, origin: string): void {
  const { host, origin: from, "sec-fetch-site": site } = request.headers;
  if (host !== new URL(origin).host) {
    throw new DeskError("host-foreign", `this desk is at ${origin}`);
  }
  if (request.method === "GET" || request.method === "HEAD") return;
  if (from !== origin || (site !== undefined && site !== "same-origin")) {
    throw new DeskError("origin-foreign", "the request does not come from a page of this desk");
  }
}

/** The value of a cookie that is there exactly once. */
export function cookieOf(request: FastifyRequest, name: string): string | null {
  const values = (request.headers.cookie ?? "")
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one.startsWith(`${name}=`));
  const [only] = values;
  return only === undefined || values.length > 1 ? null : only.slice(name.length + 1);
}
