// The one script of a desk: passkeys, and pages that are loaded again while something goes on behind them.
import {
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
} from "@simplewebauthn/browser";

const LOOK_MILLISECONDS = 2000;
/** A desk can take longer than that to answer: who has followed a link is not called back meanwhile, nor is a look begun anew. */
const PATIENCE_MILLISECONDS = 30_000;
/** Says that nobody asked for it: it keeps no session alive (DESK-3). */
const AGAIN = "again";

const state = document.querySelector<HTMLElement>("#passkey-state");
const form = document.querySelector<HTMLFormElement>("form[data-passkey]");

function say(text: string): void {
  if (state !== null) state.textContent = text;
}

class Refused extends Error {}

async function ask(path: string, body: unknown): Promise<unknown> {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = (await answer.json()) as { readonly message?: string };
  if (!answer.ok) throw new Refused(said.message ?? "That was refused.");
  return said;
}

/** What a passkey answered, without what nobody needs. */
async function assertion(optionsJSON: PublicKeyCredentialRequestOptionsJSON) {
  const { id, response } = await startAuthentication({ optionsJSON });
  const { clientDataJSON, authenticatorData, signature } = response;
  return { id, clientDataJSON, authenticatorData, signature };
}

async function enter(fields: FormData): Promise<void> {
  const secret = location.hash.slice(1);
  const name = String(fields.get("name") ?? "");
  const optionsJSON = (await ask("/enter/options", {
    secret,
    name,
  })) as PublicKeyCredentialCreationOptionsJSON;
  const { id, response } = await startRegistration({ optionsJSON });
  const { clientDataJSON, attestationObject } = response;
  await ask("/enter/passkey", { secret, name, made: { id, clientDataJSON, attestationObject } });
  location.replace("/");
}

async function signIn(): Promise<void> {
  const optionsJSON = (await ask("/sign-in/options", {})) as PublicKeyCredentialRequestOptionsJSON;
  await ask("/sign-in/passkey", { assertion: await assertion(optionsJSON) });
  location.replace("/");
}

async function confirm(own: HTMLFormElement): Promise<void> {
  const optionsJSON = JSON.parse(own.dataset["options"] ?? "{}") as PublicKeyCredentialRequestOptionsJSON;
  const field = own.elements.namedItem("assertion") as HTMLInputElement;
  field.value = JSON.stringify(await assertion(optionsJSON));
  say("Confirmed. This can take a moment.");
  own.submit();
}

if (form !== null) {
  const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (button !== null) button.disabled = true;
    say("Your passkey is asked …");
    const what = form.dataset["passkey"];
    const work = what === "enter" ? enter(new FormData(form)) : what === "sign-in" ? signIn() : confirm(form);
    work.catch((error: unknown) => {
      if (button !== null) button.disabled = false;
      say(
        error instanceof Refused
          ? error.message
          : "The passkey did not answer. Nothing was done. You can try again.",
      );
    });
  });
  if (button !== null) button.disabled = false;
}

const here = new URL(location.href);
if (here.searchParams.has(AGAIN)) {
  // What somebody loads again by hand is theirs.
  here.searchParams.delete(AGAIN);
  history.replaceState(null, "", here);
}

if (document.querySelector("[data-live]") !== null) {
  let left = Number.NEGATIVE_INFINITY;
  addEventListener("beforeunload", () => {
    left = performance.now();
  });
  setInterval(() => {
    if (performance.now() - left < PATIENCE_MILLISECONDS) return;
    // Not while somebody is in the middle of typing.
    if (
      document.activeElement instanceof HTMLInputElement ||
      document.activeElement instanceof HTMLTextAreaElement
    )
      return;
    const again = new URL(here);
    again.searchParams.set(AGAIN, "");
    location.replace(again);
  }, LOOK_MILLISECONDS);
}
