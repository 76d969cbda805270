import {
  backupPruning,
  backupsAnswer,
  decimalQuery,
  hexBytes,
  LIMITS,
  nothing,
  recoveryAnswer,
  recoveryRecord,
  recoveryRequest,
  transferIdText,
} from "@porchlight/wire";
import { z } from "zod";
import { json, type Route, readBody, readParameters } from "../http.ts";
import type { Services } from "../services.ts";

const number = decimalQuery(2 ** 31);
const chunkParams = z.object({ generation: number, number });
const backupParams = z.object({ deviceKey: hexBytes(32), generation: number, number });
const relayParams = z.object({ transfer: transferIdText, number });
const transferParams = z.object({ transfer: transferIdText });
const waitQuery = z.object({ wait: decimalQuery(LIMITS.wait).optional() });

const sealed = (bytes: Uint8Array) => ({ bytes, type: "application/octet-stream", cache: "no-store" });

/** What an account's devices keep here sealed: recovery, backups, and what goes from one device to another. */
export function vaultRoutes({ vault }: Services): Route[] {
  return [
    {
      method: "POST",
      url: "/v1/recovery",
      access: "member",
      contract: { request: recoveryRecord, answer: nothing },
      handle: async ({ device, body }) => {
        const record = readBody(recoveryRecord, body);
        await vault.setRecovery(device().account, record.recoveryKey, record.sealed);
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/recovery/open",
      access: "signed",
      contract: { request: recoveryRequest, answer: recoveryAnswer },
      handle: async ({ body }) =>
        json(recoveryAnswer, { sealed: await vault.openRecovery(readBody(recoveryRequest, body)) }),
    },
    {
      method: "GET",
      url: "/v1/backups",
      access: "member",
      contract: { answer: backupsAnswer },
      handle: async ({ device }) => json(backupsAnswer, { streams: await vault.backups(device().account) }),
    },
    {
      method: "POST",
      url: "/v1/backups/:generation/:number",
      access: "member",
      contract: { params: chunkParams, request: "bytes", answer: null },
      limit: LIMITS.streamChunk,
      handle: async ({ device, params, body }) => {
        const place = readParameters(chunkParams, params);
        await vault.putBackup(device(), place.generation, place.number, body);
        return { status: 204 };
      },
    },
    {
      method: "GET",
      url: "/v1/backups/:deviceKey/:generation/:number",
      access: "member",
      contract: { params: backupParams, answer: "bytes" },
      handle: async ({ device, params }) => {
        const place = readParameters(backupParams, params);
        const { account } = device();
        return sealed(await vault.backup(account, place.deviceKey, place.generation, place.number));
      },
    },
    {
      method: "POST",
      url: "/v1/backups/prune",
      access: "member",
      contract: { request: backupPruning, answer: nothing },
      handle: async ({ device, body }) => {
        const { deviceKey, before } = readBody(backupPruning, body);
        await vault.prune(device().account, deviceKey, before);
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/relay/:transfer/:number",
      access: "member",
      contract: { params: relayParams, request: "bytes", answer: null },
      limit: LIMITS.streamChunk,
      handle: async ({ device, params, body }) => {
        const place = readParameters(relayParams, params);
        await vault.putRelay(device().account, place.transfer, place.number, body);
        return { status: 204 };
      },
    },
    {
      method: "GET",
      url: "/v1/relay/:transfer/:number",
      access: "member",
      contract: { params: relayParams, query: waitQuery, answer: "bytes" },
      handle: async ({ device, params, query, signal }) => {
        const place = readParameters(relayParams, params);
        const { wait = 0 } = readParameters(waitQuery, query);
        const { account } = device();
        const chunk = await vault.relay(account, place.transfer, place.number, wait, signal);
        return chunk === null ? { status: 204 } : sealed(chunk);
      },
    },
    {
      method: "POST",
      url: "/v1/relay/:transfer/drop",
      access: "member",
      contract: { params: transferParams, answer: nothing },
      handle: async ({ device, params }) => {
        await vault.dropRelay(device().account, readParameters(transferParams, params).transfer);
        return json(nothing, {});
      },
    },
  ];
}
