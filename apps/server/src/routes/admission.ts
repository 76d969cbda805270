import {
  invitationAnswer,
  invitationLook,
  invitationLookAnswer,
  invitationRequest,
  invitationRevocation,
  invitationsAnswer,
  nothing,
  pairingAnswer,
  pairingClaim,
  pairingGuestAnswer,
  pairingGuestRequest,
  pairingHostAnswer,
  pairingHostMessage,
  pairingHostRead,
  pairingOfferAnswer,
  pairingOffersAnswer,
  pairingRequest,
  passkeyAnswer,
  passkeyAssertion,
  passkeyChallenge,
  passkeyCreation,
  passkeyRegistration,
  passkeyRemoval,
  passkeySignInAnswer,
  passkeysAnswer,
  type Role,
  unixSecondsValue,
} from "@porchlight/wire";
import { json, type Route, readBody } from "../http.ts";
import { Refusal } from "../refusal.ts";
import type { Services } from "../services.ts";

/** How people and devices come in: invitations, passkeys, pairing. Secrets and codes are in bodies, never in addresses. */
export function admissionRoutes({ accounts, invitations, passkeys, pairings }: Services): Route[] {
  const withRole = async (account: Parameters<typeof accounts.role>[0]) => {
    const role: Role | null = await accounts.role(account);
    if (role === null) throw new Refusal("session-expired", "the account was deleted");
    return { account, role };
  };
  return [
    {
      method: "POST",
      url: "/v1/invitations",
      access: "member",
      contract: { request: invitationRequest, answer: invitationAnswer },
      handle: async ({ device, body }) => {
        const asked = readBody(invitationRequest, body);
        return json(invitationAnswer, await invitations.make(await withRole(device().account), asked), 201);
      },
    },
    {
      method: "GET",
      url: "/v1/invitations",
      access: "member",
      contract: { answer: invitationsAnswer },
      handle: async ({ device }) =>
        json(invitationsAnswer, { invitations: await invitations.list(device().account) }),
    },
    {
      method: "POST",
      url: "/v1/invitations/look",
      access: "open",
      contract: { request: invitationLook, answer: invitationLookAnswer },
      handle: async ({ body }) => {
        const { inviter, expires } = await accounts.lookIn(readBody(invitationLook, body).secret);
        return json(invitationLookAnswer, {
          inviter,
          expires: expires === null ? null : unixSecondsValue.parse(expires),
        });
      },
    },
    {
      method: "POST",
      url: "/v1/invitations/revoke",
      access: "member",
      contract: { request: invitationRevocation, answer: nothing },
      handle: async ({ device, body }) => {
        const { secretHash } = readBody(invitationRevocation, body);
        await invitations.revoke(await withRole(device().account), secretHash);
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/passkeys/begin",
      access: "member",
      contract: { answer: passkeyCreation },
      handle: async ({ device }) => json(passkeyCreation, await passkeys.begin(device().account), 201),
    },
    {
      method: "POST",
      url: "/v1/passkeys",
      access: "member",
      contract: { request: passkeyRegistration, answer: passkeyAnswer },
      handle: async ({ device, body }) =>
        json(
          passkeyAnswer,
          await passkeys.register(device().account, readBody(passkeyRegistration, body)),
          201,
        ),
    },
    {
      method: "GET",
      url: "/v1/passkeys",
      access: "member",
      contract: { answer: passkeysAnswer },
      handle: async ({ device }) => json(passkeysAnswer, { passkeys: await passkeys.list(device().account) }),
    },
    {
      method: "POST",
      url: "/v1/passkeys/remove",
      access: "member",
      contract: { request: passkeyRemoval, answer: nothing },
      handle: async ({ device, body }) => {
        await passkeys.remove(device().account, readBody(passkeyRemoval, body).id);
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/passkeys/sign-in/begin",
      access: "open",
      contract: { answer: passkeyChallenge },
      handle: async () => json(passkeyChallenge, passkeys.beginSignIn(), 201),
    },
    {
      method: "POST",
      url: "/v1/passkeys/sign-in",
      access: "signed",
      contract: { request: passkeyAssertion, answer: passkeySignInAnswer },
      handle: async ({ body }) => {
        const asked = readBody(passkeyAssertion, body);
        const account = await passkeys.signIn(asked);
        if (asked.pairing !== null) await pairings.attach(asked.pairing, account);
        return json(passkeySignInAnswer, { account });
      },
    },
    {
      method: "POST",
      url: "/v1/pairings",
      access: "open",
      contract: { request: pairingRequest, answer: pairingAnswer },
      handle: async ({ body }) => {
        const { id, offer } = readBody(pairingRequest, body);
        return json(pairingAnswer, await pairings.open(id, offer), 201);
      },
    },
    {
      method: "GET",
      url: "/v1/pairings",
      access: "member",
      contract: { answer: pairingOffersAnswer },
      handle: async ({ device }) =>
        json(pairingOffersAnswer, { pairings: await pairings.waiting(device().account) }),
    },
    {
      method: "POST",
      url: "/v1/pairings/guest",
      access: "capability",
      contract: { request: pairingGuestRequest, answer: pairingGuestAnswer },
      handle: async ({ body, signal }) =>
        json(pairingGuestAnswer, await pairings.guest(readBody(pairingGuestRequest, body), signal)),
    },
    {
      method: "POST",
      url: "/v1/pairings/claim",
      access: "member",
      contract: { request: pairingClaim, answer: pairingOfferAnswer },
      handle: async ({ device, body }) =>
        json(pairingOfferAnswer, await pairings.claim(device(), readBody(pairingClaim, body).id)),
    },
    {
      method: "POST",
      url: "/v1/pairings/host",
      access: "member",
      contract: { request: pairingHostMessage, answer: nothing },
      handle: async ({ device, body }) => {
        const { id, slot, bytes } = readBody(pairingHostMessage, body);
        await pairings.say(device(), id, slot, bytes);
        return json(nothing, {});
      },
    },
    {
      method: "POST",
      url: "/v1/pairings/read",
      access: "member",
      contract: { request: pairingHostRead, answer: pairingHostAnswer },
      handle: async ({ device, body, signal }) => {
        const { id, wait } = readBody(pairingHostRead, body);
        return json(pairingHostAnswer, { reveal: await pairings.reveal(device(), id, wait, signal) });
      },
    },
  ];
}
