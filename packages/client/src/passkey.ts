import { sha256 } from "@noble/hashes/sha2.js";
import { type AccountId, base64url, EncodingError, fromBase64url, utf8 } from "@porchlight/encoding";
import type { AccountClient, PasskeyInfo } from "@porchlight/wire";

// The halves of the WebAuthn ceremonies around the browser's own: the page calls `navigator.credentials` in between, with
// these JSON forms (`PublicKeyCredential.parseCreationOptionsFromJSON`, `toJSON()`).

/** What the PRF extension is evaluated on where no other input is kept (ACC-23). */
export const PRF_INPUT: Uint8Array = sha256(utf8("porchlight-v1/passkey-prf\0"));

type PrfEvaluation = { readonly prf: { readonly eval: { readonly first: string } } };

/** PublicKeyCredentialCreationOptionsJSON. */
export type PasskeyCreationJSON = {
  challenge: string;
  rp: { id: string; name: string };
  user: { id: string; name: string; displayName: string };
  pubKeyCredParams: { type: "public-key"; alg: number }[];
  excludeCredentials: { id: string; type: "public-key"; transports: string[] }[];
  authenticatorSelection: { residentKey: "required"; requireResidentKey: true; userVerification: "required" };
  attestation: "none";
  extensions: PrfEvaluation;
};

/** PublicKeyCredentialRequestOptionsJSON. */
export type PasskeyRequestJSON = {
  challenge: string;
  rpId: string;
  userVerification: "required";
  allowCredentials?: { id: string; type: "public-key" }[];
  extensions: PrfEvaluation;
};

/** RegistrationResponseJSON as far as it is used here. */
export type PasskeyCreated = {
  readonly id: string;
  readonly response: {
    readonly clientDataJSON: string;
    readonly attestationObject: string;
    readonly transports?: readonly string[];
  };
  readonly clientExtensionResults: PrfResults;
};

/** AuthenticationResponseJSON as far as it is used here. */
export type PasskeyAsserted = {
  readonly id: string;
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
  };
  readonly clientExtensionResults: PrfResults;
};

type PrfResults = { readonly prf?: { readonly results?: { readonly first?: unknown } } };

/** 32 bytes that only this passkey gives for {@link PRF_INPUT}: what unlocks the storage. Never sent anywhere. */
export type PrfOutput = Uint8Array;

/** COSE algorithms: Ed25519, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257];

/** The person's name is for their own authenticator's list; the server is not told. */
export async function beginPasskey(
  server: AccountClient,
  person: { readonly name: string },
): Promise<PasskeyCreationJSON> {
  const { challenge, rp, userId, exclude } = await server.beginPasskey();
  return {
    challenge,
    rp,
    user: { id: userId, name: person.name, displayName: person.name },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
    excludeCredentials: exclude.map((one) => ({
      type: "public-key",
      id: one.id,
      transports: one.transports,
    })),
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
    attestation: "none",
    extensions: evaluation(),
  };
}

/** `prf` is `null` where the authenticator gives it at sign-in only, or never: then a passphrase unlocks. */
export async function finishPasskey(
  server: AccountClient,
  created: PasskeyCreated,
  options: { readonly label: string },
): Promise<{ readonly passkey: PasskeyInfo; readonly prf: PrfOutput | null }> {
  const { clientDataJSON, attestationObject, transports } = created.response;
  const passkey = await server.registerPasskey({
    id: created.id,
    clientDataJSON,
    attestationObject,
    transports: [...(transports ?? [])],
    label: options.label,
  });
  return { passkey, prf: prfOf(created.clientExtensionResults) };
}

export async function beginPasskeySignIn(server: AccountClient): Promise<PasskeyRequestJSON> {
  const { challenge, rpId } = await server.beginPasskeySignIn();
  return { challenge, rpId, userVerification: "required", extensions: evaluation() };
}

/** `pairing`: the token of one that this device began (ACC-25). */
export async function finishPasskeySignIn(
  server: AccountClient,
  asserted: PasskeyAsserted,
  options: { readonly pairing?: string } = {},
): Promise<{ readonly account: AccountId; readonly prf: PrfOutput | null }> {
  const { clientDataJSON, authenticatorData, signature } = asserted.response;
  const account = await server.signInWithPasskey({
    id: asserted.id,
    clientDataJSON,
    authenticatorData,
    signature,
    pairing: options.pairing ?? null,
  });
  return { account, prf: prfOf(asserted.clientExtensionResults) };
}

/** To unlock what is on this device; no server takes part, and its answer goes to none. */
export function localPasskeyRequest(
  credentialIds: readonly string[],
  rpId: string,
  random: (length: number) => Uint8Array,
): PasskeyRequestJSON {
  return {
    challenge: base64url(random(32)),
    rpId,
    userVerification: "required",
    allowCredentials: credentialIds.map((id) => ({ type: "public-key", id })),
    extensions: evaluation(),
  };
}

/** The extension's result in JSON form (base64url) or as the browser gives it (a buffer). */
export function prfOf(results: PrfResults): PrfOutput | null {
  const first = results.prf?.results?.first;
  if (first instanceof ArrayBuffer && first.byteLength === 32) return new Uint8Array(first);
  if (ArrayBuffer.isView(first) && first.byteLength === 32) {
    return new Uint8Array(first.buffer, first.byteOffset, 32).slice();
  }
  if (typeof first !== "string") return null;
  try {
    return fromBase64url(first, 32);
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    return null;
  }
}

function evaluation(): PrfEvaluation {
  return { prf: { eval: { first: base64url(PRF_INPUT) } } };
}
