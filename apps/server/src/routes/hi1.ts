import { MAX_MESSAGE_BYTES } from "@porchlight/hi1";
import { z } from "zod";
import type { Route } from "../http.ts";
import type { PrimaryServices } from "../services.ts";

/** HI1Message of TS 103 120; `packages/hi1` parses it, with the codes that the profile has for what is wrong in it. */
const message = z.looseObject({
  Header: z.looseObject({}),
  Payload: z.looseObject({}),
  Signature: z.looseObject({}).optional(),
});

/** Orders between authorities and this provider (spec/hi1.md). */
export function hi1Routes({ hi1 }: PrimaryServices): Route[] {
  return [
    {
      method: "POST",
      url: "/hi1",
      access: "signed",
      contract: { request: message, answer: message },
      limit: MAX_MESSAGE_BYTES,
      handle: async ({ body }) => {
        return { bytes: await hi1.take(body), type: "application/json", cache: "no-store" };
      },
    },
  ];
}
