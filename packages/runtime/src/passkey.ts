// What a browser's passkey answers (WebAuthn), checked alike in every program: with user verification, under three algorithms.
import { EncodingError, fromBase64url, fromUtf8 } from "@porchlight/encoding";

/** At the first passkey: two hundred files that no program needs to start. */
const webauthn = async () => await import("@simplewebauthn/server");

/** COSE: Ed25519, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257];

/** A passkey as it was made, in the browser's words. base64url. */
export type PasskeyMade = {
  readonly id: string;
  readonly clientDataJSON: string;
  readonly attestationObject: string;
};

/** A passkey's answer to a challenge. base64url. */
export type PasskeyAnswer = {
  readonly id: string;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
};

/** What was asked, and where alone the answer is good. `host`: the relying party's id. */
export type PasskeyAsked = {
  readonly challenge: string;
  readonly origin: string;
  readonly host: string;
};

/** The library throws an Error for whatever it does not like in a browser's answer: `cause`, where it did. */
type Refused = { readonly kind: "refused"; readonly cause?: unknown };

/** COSE key and counter of a passkey that was just made. */
export async function checkMade(
  { id, clientDataJSON, attestationObject }: PasskeyMade,
  asked: PasskeyAsked,
): Promise<
  | Refused
  | {
      readonly kind: "verified";
      readonly id: string;
      readonly publicKey: Uint8Array;
      readonly counter: number;
      readonly isBackedUp: boolean;
    }
> {
  const { verifyRegistrationResponse } = await webauthn();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: { ...responseOf(id), response: { clientDataJSON, attestationObject } },
      ...expectedOf(asked),
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) return { kind: "refused" };
    const { credential, credentialBackedUp: isBackedUp } = registrationInfo;
    const { id: made, publicKey, counter } = credential;
    return { kind: "verified", id: made, publicKey, counter, isBackedUp };
  } catch (cause) {
    return { kind: "refused", cause };
  }
}

/** The authenticator's counter after an answer, which is refused where it went back. */
export async function checkAnswer(
  { id, clientDataJSON, authenticatorData, signature }: PasskeyAnswer,
  key: { readonly publicKey: Uint8Array; readonly counter: number },
  asked: PasskeyAsked,
): Promise<Refused | { readonly kind: "verified"; readonly counter: number; readonly isBackedUp: boolean }> {
  const { verifyAuthenticationResponse } = await webauthn();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...responseOf(id), response: { clientDataJSON, authenticatorData, signature } },
      ...expectedOf(asked),
      credential: { id, publicKey: Uint8Array.from(key.publicKey), counter: key.counter },
    });
    if (!verified) return { kind: "refused" };
    const { newCounter: counter, credentialBackedUp: isBackedUp } = authenticationInfo;
    return { kind: "verified", counter, isBackedUp };
  } catch (cause) {
    return { kind: "refused", cause };
  }
}

function responseOf(id: string) {
  return { id, rawId: id, type: "public-key", clientExtensionResults: {} } as const;
}

function expectedOf({ challenge, origin, host }: PasskeyAsked) {
  return {
    expectedChallenge: challenge,
    expectedOrigin: origin,
    expectedRPID: host,
    requireUserVerification: true,
  } as const;
}

/** What the browser says was signed, and where; whether it was, the checks above say. `null` for what is no client data. */
export function clientDataOf(
  encoded: string,
): { readonly challenge: string; readonly origin: string } | null {
  try {
    const data = JSON.parse(fromUtf8(fromBase64url(encoded))) as Record<string, unknown> | null;
    const { challenge, origin } = data ?? {};
    return typeof challenge === "string" && typeof origin === "string" ? { challenge, origin } : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof EncodingError) return null;
    throw error;
  }
}
