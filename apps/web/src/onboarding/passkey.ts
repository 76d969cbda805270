import type { UnlockSecret, UnlockWay } from "@porchlight/client/page";
import {
  type PublicKeyCredentialCreationOptionsJSON,
  type RegistrationResponseJSON,
  startRegistration,
} from "@simplewebauthn/browser";

/** Why no passkey came: each has its sentence. */
export type PasskeyErrorCode = "cancelled" | "no-prf" | "not-here" | "failed";

export class PasskeyError extends Error {
  override readonly name = "PasskeyError";
  readonly code: PasskeyErrorCode;
  constructor(code: PasskeyErrorCode, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}

type PasskeySecret = Extract<UnlockSecret, { kind: "passkey" }>;
type Bytes = Uint8Array<ArrayBuffer>;
type PrfQuestion = { readonly prf?: { readonly eval?: { readonly first?: unknown } } };

/** Whether this browser knows passkeys at all. What it cannot do with them shows only when one is made. */
export function hasPasskeys(): boolean {
  return "PublicKeyCredential" in globalThis && globalThis.isSecureContext;
}

/**
 * A new passkey of this site whose PRF secret unlocks this device's storage. Throws PasskeyError "no-prf" where the
 * authenticator has no such secret: a passphrase does it then.
 */
async function createPasskey(name: string): Promise<PasskeySecret> {
  const prfInput = random(32);
  const created = await ceremony(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { id: location.hostname, name: "Porchlight" },
        user: { id: random(16), name, displayName: name },
        challenge: random(32),
        pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: "public-key" as const, alg })),
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
        extensions: { prf: { eval: { first: prfInput } } },
      },
    }),
  );
  const { prf } = created.getClientExtensionResults();
  if (prf === undefined || prf.enabled === false) throw new PasskeyError("no-prf");
  const credential = base64url(new Uint8Array(created.rawId));
  const first = prf.results?.first;
  if (first !== undefined) {
    return { kind: "passkey", credential, prfInput: base64url(prfInput), prf: bytesOf(first) };
  }
  // Many authenticators give the secret only when they are asked again.
  return await usePasskey({ kind: "passkey", credential, prfInput: base64url(prfInput) });
}

/** One that was made and opens nothing yet. Its secret is not kept here: it is asked for again. */
let unused: Pick<PasskeySecret, "kind" | "credential" | "prfInput"> | null = null;

/**
 * {@link createPasskey}, or where the last one that was made came to nothing its secret again: no try leaves one behind that
 * opens nothing. Throws PasskeyError; the next call then makes a new one.
 */
export async function createOrReusePasskey(name: string): Promise<PasskeySecret> {
  const before = unused;
  unused = null;
  const secret = before === null ? await createPasskey(name) : await usePasskey(before);
  const { kind, credential, prfInput } = secret;
  unused = { kind, credential, prfInput };
  return secret;
}

/** It opens something now. */
export function keepPasskey(): void {
  unused = null;
}

/**
 * A passkey that the provider knows too: answers its options. What the extensions gave stays here; `secret` unlocks this
 * device where the authenticator has a PRF, else it is `null`. Throws PasskeyError.
 */
export async function registerPasskey(
  options: unknown,
): Promise<{ readonly response: unknown; readonly secret: PasskeySecret | null }> {
  if (!hasPasskeys()) throw new PasskeyError("not-here");
  const plain = options as PublicKeyCredentialCreationOptionsJSON;
  const asked = (plain.extensions as PrfQuestion | undefined)?.prf?.eval?.first;
  // The library turns ids and challenge into bytes, and leaves extensions to the browser, which takes no text there.
  const extensions = typeof asked === "string" ? { prf: { eval: { first: fromBase64url(asked) } } } : {};
  let made: RegistrationResponseJSON;
  try {
    made = await startRegistration({ optionsJSON: { ...plain, extensions } as typeof plain });
  } catch (cause) {
    const isCancelled = cause instanceof Error && cause.name === "NotAllowedError";
    throw new PasskeyError(isCancelled ? "cancelled" : "failed", { cause });
  }
  const { clientExtensionResults, ...rest } = made;
  const response = { ...rest, clientExtensionResults: {} };
  const { prf } = clientExtensionResults as { readonly prf?: { readonly enabled?: boolean } };
  if (prf?.enabled !== true || typeof asked !== "string") return { response, secret: null };
  const secret = await usePasskey({ kind: "passkey", credential: made.id, prfInput: asked });
  return { response, secret };
}

/** The secret of a passkey that was made here before. Throws PasskeyError. */
export async function usePasskey(
  way: Pick<Extract<UnlockWay, { kind: "passkey" }>, "kind" | "credential" | "prfInput">,
): Promise<PasskeySecret> {
  const got = await ceremony(() =>
    navigator.credentials.get({
      publicKey: {
        rpId: location.hostname,
        challenge: random(32),
        allowCredentials: [{ type: "public-key", id: fromBase64url(way.credential) }],
        userVerification: "required",
        extensions: { prf: { eval: { first: fromBase64url(way.prfInput) } } },
      },
    }),
  );
  const first = got.getClientExtensionResults().prf?.results?.first;
  if (first === undefined) throw new PasskeyError("no-prf");
  const { kind, credential, prfInput } = way;
  return { kind, credential, prfInput, prf: bytesOf(first) };
}

async function ceremony(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  if (!hasPasskeys()) throw new PasskeyError("not-here");
  try {
    const credential = await ask();
    if (credential instanceof PublicKeyCredential) return credential;
  } catch (cause) {
    // The browser says no more than this, whether the person said no or the passkey is on another device.
    const isCancelled = cause instanceof DOMException && cause.name === "NotAllowedError";
    throw new PasskeyError(isCancelled ? "cancelled" : "failed", { cause });
  }
  throw new PasskeyError("failed");
}

function random(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

function bytesOf(source: BufferSource): Bytes {
  return source instanceof ArrayBuffer
    ? new Uint8Array(source)
    : new Uint8Array(source.buffer as ArrayBuffer, (source as Uint8Array).byteOffset, source.byteLength);
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

function fromBase64url(text: string): Bytes {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}
