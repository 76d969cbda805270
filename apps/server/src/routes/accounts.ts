import {
  accountDeletion,
  accountIdText,
  accountRequestPost,
  accountRequestsAnswer,
  auditAnswer,
  challengeAnswer,
  claimAnswer,
  claimRequest,
  decimalQuery,
  deviceNameRequest,
  deviceRequest,
  devicesAnswer,
  keyPackagesAnswer,
  keyPackagesRequest,
  LIMITS,
  nothing,
  noticeCardRequest,
  ownAccountAnswer,
  registrationAnswer,
  registrationRequest,
  roleChange,
  sessionAnswer,
  sessionEndRequest,
  sessionRequest,
} from "@porchlight/wire";
import { z } from "zod";
import { json, type Route, readBody, readParameters } from "../http.ts";
import { Refusal } from "../refusal.ts";
import type { Services } from "../services.ts";

/** Base64 and JSON around `bytes`. */
const inJson = (bytes: number): number => Math.ceil((bytes * 4) / 3) + 4096;

const accountParams = z.object({ account: accountIdText });
const auditQuery = z.object({ after: decimalQuery(Number.MAX_SAFE_INTEGER).optional() });

/** Accounts, their devices and sessions, and the key packages that devices leave. */
export function accountRoutes({
  accounts,
  devices,
  keyPackages,
  roles,
  requests,
  noticeCards,
}: Services): Route[] {
  return [
    {
      method: "POST",
      url: "/v1/accounts",
      access: "signed",
      contract: { request: registrationRequest, answer: registrationAnswer },
      handle: async ({ body }) =>
        json(registrationAnswer, await accounts.register(readBody(registrationRequest, body)), 201),
    },
    {
      method: "POST",
      url: "/v1/sessions/challenge",
      access: "open",
      contract: { answer: challengeAnswer },
      handle: async () => json(challengeAnswer, accounts.challenge(), 201),
    },
    {
      method: "POST",
      url: "/v1/sessions",
      access: "signed",
      contract: { request: sessionRequest, answer: sessionAnswer },
      handle: async ({ body }) =>
        json(sessionAnswer, await accounts.openSession(readBody(sessionRequest, body)), 201),
    },
    {
      method: "POST",
      url: "/v1/sessions/end",
      access: "member",
      contract: { request: sessionEndRequest, answer: nothing },
      handle: async ({ device, body }) => {
        await devices.endSession(device().account, readBody(sessionEndRequest, body).id);
        return json(nothing, {});
      },
    },
    {
      method: "GET",
      url: "/v1/account",
      access: "member",
      contract: { answer: ownAccountAnswer },
      handle: async ({ device }) => json(ownAccountAnswer, await devices.own(device().account)),
    },
    {
      method: "POST",
      url: "/v1/account/delete",
      access: "member",
      contract: { request: accountDeletion, answer: nothing },
      handle: async ({ device, body }) => {
        const { account } = device();
        if (readBody(accountDeletion, body).account !== account) {
          throw new Refusal("forbidden", "an account is deleted by its own devices only");
        }
        await devices.delete(account);
        return json(nothing, {});
      },
    },
    {
      method: "GET",
      url: "/v1/devices",
      access: "member",
      contract: { answer: devicesAnswer },
      handle: async ({ device }) => {
        const { tokenHash, ...caller } = device();
        return json(devicesAnswer, { devices: await devices.list(caller, tokenHash) });
      },
    },
    {
      method: "POST",
      url: "/v1/devices/name",
      access: "member",
      contract: { request: deviceNameRequest, answer: nothing },
      handle: async ({ device, body }) => {
        await devices.name(device(), readBody(deviceNameRequest, body).name);
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/devices/revoke",
      access: "member",
      contract: { request: deviceRequest, answer: nothing },
      handle: async ({ device, body }) => {
        await devices.revoke(device().account, readBody(deviceRequest, body).deviceKey);
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/notice-key",
      access: "member",
      contract: { request: noticeCardRequest, answer: nothing },
      handle: async ({ device, body }) => {
        await noticeCards.publish(device().account, readBody(noticeCardRequest, body).card);
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/key-packages",
      access: "member",
      contract: { request: keyPackagesRequest, answer: keyPackagesAnswer },
      limit: inJson(LIMITS.keyPackage * LIMITS.keyPackagesPerRequest),
      handle: async ({ device, body }) => {
        const { keyPackages: fresh } = readBody(keyPackagesRequest, body);
        return json(keyPackagesAnswer, { stored: await keyPackages.store(device(), fresh) }, 201);
      },
    },
    {
      method: "POST",
      url: "/v1/accounts/:account/key-package",
      access: "member",
      contract: { params: accountParams, request: claimRequest, answer: claimAnswer },
      handle: async ({ params, body }) => {
        const { account } = readParameters(accountParams, params);
        const { devices: asked } = body.length === 0 ? {} : readBody(claimRequest, body);
        return json(claimAnswer, { keyPackages: await keyPackages.claim(account, asked) });
      },
    },
    {
      method: "POST",
      url: "/v1/requests",
      access: "member",
      contract: { request: accountRequestPost, answer: nothing },
      handle: async ({ device, body }) => {
        await requests.post(device(), readBody(accountRequestPost, body));
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/requests/take",
      access: "member",
      contract: { answer: accountRequestsAnswer },
      handle: async ({ device }) => json(accountRequestsAnswer, { requests: await requests.take(device()) }),
    },
    {
      method: "POST",
      url: "/v1/roles",
      access: "member",
      roles: ["administrator"],
      contract: { request: roleChange, answer: nothing },
      handle: async ({ device, body }) => {
        const { account, role } = readBody(roleChange, body);
        await roles.set(device().account, account, role);
        return json(nothing, {});
      },
    },
    {
      method: "GET",
      url: "/v1/audit",
      access: "member",
      roles: ["administrator"],
      contract: { query: auditQuery, answer: auditAnswer },
      handle: async ({ query }) => {
        const { after } = readParameters(auditQuery, query);
        return json(auditAnswer, { lines: await roles.audit(after ?? 0) });
      },
    },
  ];
}
