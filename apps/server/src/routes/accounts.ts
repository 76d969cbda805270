import {
  accountAnswer,
  accountIdText,
  accountRequest,
  challengeAnswer,
  claimAnswer,
  keyPackagesAnswer,
  keyPackagesRequest,
  LIMITS,
  sessionAnswer,
  sessionRequest,
} from "@porchlight/wire";
import { z } from "zod";
import { json, type Route, readBody, readParameters } from "../http.ts";
import type { Services } from "../services.ts";

/** Base64 and JSON around `bytes`. */
const inJson = (bytes: number): number => Math.ceil((bytes * 4) / 3) + 4096;

const accountParams = z.object({ account: accountIdText });

/** Accounts, sessions and the key packages that devices leave. */
export function accountRoutes({ accounts }: Services): Route[] {
  return [
    {
      method: "POST",
      url: "/v1/accounts",
      access: "open",
      handle: async ({ body }) => {
        const { identityKey } = readBody(accountRequest, body);
        return json(accountAnswer, { account: await accounts.register(identityKey) }, 201);
      },
    },
    {
      method: "POST",
      url: "/v1/sessions/challenge",
      access: "open",
      handle: async () => json(challengeAnswer, accounts.challenge(), 201),
    },
    {
      method: "POST",
      url: "/v1/sessions",
      access: "signed",
      handle: async ({ body }) =>
        json(sessionAnswer, await accounts.openSession(readBody(sessionRequest, body)), 201),
    },
    {
      method: "POST",
      url: "/v1/key-packages",
      access: "member",
      limit: inJson(LIMITS.keyPackage * LIMITS.keyPackagesPerRequest),
      handle: async ({ device, body }) => {
        const { keyPackages } = readBody(keyPackagesRequest, body);
        return json(
          keyPackagesAnswer,
          { stored: await accounts.storeKeyPackages(device(), keyPackages) },
          201,
        );
      },
    },
    {
      method: "POST",
      url: "/v1/accounts/:account/key-package",
      access: "member",
      handle: async ({ params }) => {
        const { account } = readParameters(accountParams, params);
        return json(claimAnswer, { keyPackages: await accounts.claimKeyPackages(account) });
      },
    },
  ];
}
