import type { ClientError } from "@porchlight/client/page";
import { PasskeyError } from "../onboarding/passkey.ts";
import { ForeignLinkError } from "../people/contact-link.ts";
import type { Key } from "./catalogue.ts";
import { en } from "./en.ts";
import { say } from "./say.tsx";

function has(key: string): key is Key {
  return Object.hasOwn(en, key);
}

type Plain = Extract<Key, `error.${string}` | `refused.${string}` | `passkey.error.${string}`>;

/** Every code that the SDK has today has its sentence, or this does not compile. */
type Speechless = Exclude<`error.${ClientError["code"]}`, Key>;
true satisfies [Speechless] extends [never] ? true : Speechless;

/** What went wrong and what to do next, in a sentence. */
export function errorText(error: unknown): string {
  if (error instanceof PasskeyError) return say(`passkey.error.${error.code}`);
  if (error instanceof ForeignLinkError) return say("new.code-foreign");
  return codeText((error as Partial<ClientError>).code ?? "internal");
}

/** The sentence of an error's code; a code that is newer than this page has a general one. */
export function codeText(code: string): string {
  const key = `error.${code}`;
  return say((has(key) ? key : "error.internal") as Extract<Plain, "error.internal">);
}

/** Why something that arrived is not shown. Codes that a later SDK adds get the general sentence. */
export function refusalText(code: string): string {
  const key = `refused.${code}`;
  return say((has(key) ? key : "refused.other") as Extract<Plain, "refused.other">);
}
