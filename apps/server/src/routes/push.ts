import { nothing, pushKeyAnswer, pushSubscription } from "@porchlight/wire";
import { json, type Route, readBody } from "../http.ts";
import type { Services } from "../services.ts";

/** Where devices are told that something waits for them. */
export function pushRoutes({ push }: Services): Route[] {
  return [
    {
      method: "GET",
      url: "/v1/push",
      access: "member",
      contract: { answer: pushKeyAnswer },
      handle: async () => json(pushKeyAnswer, { publicKey: await push.publicKey() }),
    },
    {
      method: "POST",
      url: "/v1/push",
      access: "member",
      contract: { request: pushSubscription, answer: nothing },
      handle: async ({ device, body }) => {
        await push.subscribe(device(), readBody(pushSubscription, body));
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/push/remove",
      access: "member",
      contract: { request: nothing, answer: nothing },
      handle: async ({ device, body }) => {
        readBody(nothing, body);
        await push.remove(device());
        return json(nothing, {});
      },
    },
  ];
}
