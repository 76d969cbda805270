import { hex } from "@porchlight/encoding";
import type { Account } from "../account.ts";
import { ClientError } from "../error.ts";
import { sendHistory } from "../history.ts";
import type { PairingHost } from "../pairing-host.ts";
import { Patience } from "../patience.ts";
import type { IntentInput } from "./intents.ts";
import { handover } from "./keepsake.ts";
import { codeOf } from "./refusal.ts";
import type { Session } from "./session.ts";
import type { PairingHostView, SentView } from "./view.ts";

type Pairing = {
  /** Its person turns away, before anything is decided. */
  readonly turnedAway: AbortController;
  /** Nobody waits for it any more; what is under way ends as soon as it can. */
  readonly stopped: AbortController;
  host: PairingHost | null;
};

/** Somebody waits for what becomes of it. */
export function isUnderWay(pairing: PairingHostView | null): boolean {
  return pairing?.kind === "waiting" || pairing?.kind === "compare" || isDecided(pairing);
}

function isDecided(pairing: PairingHostView | null): boolean {
  return pairing?.kind === "letting-in" || pairing?.kind === "sending";
}

/** New devices of the person come in here, one at a time (ACC-37); what becomes of each stands in the state (ACC-38). */
export class LettingIn {
  readonly #session: Session;
  #current: Pairing | null = null;

  constructor(session: Session) {
    this.#session = session;
  }

  async approve(account: Account, code: string): Promise<void> {
    if (isDecided(this.#view))
      throw new ClientError("not-now", "a device is being let in: finish that first");
    this.#turnAway();
    const mine: Pairing = {
      turnedAway: new AbortController(),
      stopped: new AbortController(),
      host: null,
    };
    this.#current = mine;
    this.#show(mine, { kind: "waiting" });
    try {
      const signal = AbortSignal.any([mine.turnedAway.signal, this.#session.ended]);
      const host = await account.pair(code, { signal });
      if (signal.aborted) {
        this.#refuse(host);
        throw new ClientError("pairing-stopped", "this pairing was stopped: begin again on the new device");
      }
      mine.host = host;
      const { digits, deviceName } = host;
      this.#show(mine, { kind: "compare", digits, deviceName });
    } catch (error) {
      this.#show(mine, null);
      throw error;
    }
  }

  confirm({ digits, yes, history }: IntentInput<"confirmDevice">): void {
    const mine = this.#current;
    const host = mine?.host ?? null;
    if (mine === null || host === null || this.#view?.kind !== "compare") {
      throw new ClientError("not-now", "no new device waits");
    }
    // ACC-37: the yes is for what the person saw.
    if (digits !== host.digits) throw new ClientError("pairing-changed", "compare the digits again");
    const { deviceName } = host;
    if (!yes) {
      // Before anything that takes the server: somebody may be in between.
      this.#show(mine, { kind: "refused", deviceName });
      return this.#refuse(host);
    }
    this.#show(mine, { kind: "letting-in", deviceName });
    this.#letIn(mine, host, history).catch((error: unknown) => this.#session.failed(error));
  }

  /** ACC-38: at once; what was begun ends behind it, and corrects what is shown where more is known then. */
  stop(): void {
    const { pairing } = this.#session.state;
    switch (pairing?.kind) {
      case "waiting":
      case "compare":
        return this.#turnAway();
      case "letting-in":
      case "sending":
        this.#current?.stopped.abort();
    }
  }

  close(): void {
    if (isUnderWay(this.#view)) return;
    this.#current = null;
    this.#session.showPairing(null);
  }

  get #view(): PairingHostView | null {
    return this.#session.state.pairing;
  }

  #show(pairing: Pairing, view: PairingHostView | null): void {
    if (this.#current !== pairing) return;
    if (view === null) this.#current = null;
    this.#session.showPairing(view);
  }

  #turnAway(): void {
    const { host, turnedAway } = this.#current ?? {};
    const isCompared = this.#view?.kind === "compare";
    this.#current = null;
    this.#session.showPairing(null);
    // Without a host yet, its beginning refuses it.
    turnedAway?.abort();
    if (host != null && isCompared) this.#refuse(host);
  }

  #refuse(host: PairingHost): void {
    // Who is not told finds out that it is over: nothing was granted.
    new Patience(this.#session.ended).through(() => host.refuse()).catch(() => {});
  }

  async #letIn(mine: Pairing, host: PairingHost, withHistory: boolean): Promise<void> {
    const session = this.#session;
    const { deviceName } = host;
    const { signal } = mine.stopped;
    const hurry = AbortSignal.any([signal, session.ended]);
    const unsure = { kind: "unsure", deviceName, device: hex(host.deviceKey) } as const;
    const showIn = (sent: SentView): void => this.#show(mine, { kind: "in", deviceName, withHistory, sent });

    const doubt = (): void => this.#show(mine, unsure);
    signal.addEventListener("abort", doubt);
    let key: Uint8Array;
    try {
      key = await host.grant(hurry);
    } catch (error) {
      const code = codeOf(error);
      this.#show(mine, code === "pairing-unsure" ? unsure : { kind: "failed", deviceName, code });
      if (code === "internal" || code === "state-corrupt") throw error;
      return;
    } finally {
      signal.removeEventListener("abort", doubt);
      session.expectDevice();
    }

    const whenStopped = new Promise<void>((resolve) => {
      const stop = (): void => {
        showIn({ kind: "stopped" });
        resolve();
      };
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop);
    });
    const showProgress = (done: number, total: number | null): void => {
      if (!signal.aborted) this.#show(mine, { kind: "sending", deviceName, withHistory, done, total });
    };
    showProgress(0, null);
    // Its members learn of it in the rounds to come where that does not go now.
    const spread = host.spread(hurry).then(
      (attendance) => session.tellRefused(attendance),
      (error: unknown) => session.failed(error),
    );
    await Promise.race([spread, whenStopped]);
    // Without the history still who the person is, and whom they know.
    const isWanted = (name: string): boolean => withHistory || name === "people" || name === "profile";
    const onProgress = ({ done, total }: { done: number; total: number | null }): void =>
      showProgress(done, total);
    const records = handover(session.storage, { isWanted, signal, onProgress });
    try {
      await sendHistory(session.server.account, key, records, { signal: session.ended, hurry: signal });
      if (!signal.aborted) showIn({ kind: "whole" });
    } catch (error) {
      const code = codeOf(error);
      if (!signal.aborted) showIn({ kind: "broken", code });
      if (code === "internal" || code === "state-corrupt") throw error;
    } finally {
      session.expectDevice();
    }
  }
}
