import type { CharterId, Json, UnixSeconds } from "@porchlight/encoding";
import type { Words } from "@porchlight/evidence";
import type { Markup } from "@porchlight/markup";
import type { Script } from "@porchlight/markup/script";
import type { Form } from "./form.ts";

/** What a desk is opened with. */
export type DeskContext = {
  /** The party's own directory: its keys, its socket, its orders. */
  readonly directory: string;
  /** The service, where the directory does not say. */
  readonly url: string | null;
  readonly charter: CharterId | null;
};

/** The pages of one party. The shell signs in, guards and journals; a desk says what its pages are. */
export type Desk = {
  /** The party's own name. */
  readonly party: string;
  /** What it is, in a word: "Court". */
  readonly heading: string;
  readonly kind: "court" | "house";
  /** It can stop what others sign and signs nothing else: its pages say so by their looks. */
  readonly isInspecting?: boolean;
  /** The clock is a program's: every page says so. */
  readonly isReplay?: boolean;
  /** The time by which this party goes. */
  now(): UnixSeconds;
  /** The navigation; the first is where one lands. */
  readonly places: readonly Place[];
  readonly routes: (rooms: Rooms) => void;
  /** Reason codes of the rooms below, in this desk's words. */
  readonly sentences?: Readonly<Record<string, Sentence>>;
  /** Scripts of its own pages, served beside the shell's. */
  readonly scripts?: readonly Script[];
  readonly close?: () => Promise<void>;
};

type Place = { readonly path: string; readonly words: string };

/** What happened, and what to do next. */
export type Sentence = { readonly title: string; readonly next: string };

/** Everything here is behind sign-in; Host, Origin, tokens and limits have been checked (DESK-1 to DESK-4). */
export type Rooms = {
  page(path: string, show: (visit: Visit) => Promise<View>): void;
  /** A form without weight: drafts, notes, uploads. */
  form(
    path: string,
    take: (visit: Visit, form: Form) => Promise<View | GoTo>,
    options?: { readonly bodyLimit?: number },
  ): void;
  /** Whatever signs, approves, refuses, revokes or pauses (DESK-5). */
  act<P extends Json>(path: string, act: Act<P>, options?: { readonly bodyLimit?: number }): void;
  download(path: string, give: (visit: Visit) => Promise<Download>): void;
  /** Given to an image of a page of this desk, and to nothing else: opened by itself it is not there (DESK-10). */
  picture(path: string, give: (visit: Visit) => Promise<Omit<Download, "name">>): void;
  /** JSON for a script of this desk's own. */
  data(path: string, give: (visit: Visit) => Promise<Json>): void;
};

export type Person = {
  /** The passkey's credential id. */
  readonly id: string;
  readonly name: string;
};

export type Visit = {
  readonly person: Person;
  readonly now: UnixSeconds;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Into every form with `method="post"`. */
  readonly csrf: Markup;
};

export type View = {
  readonly title: string;
  readonly body: Markup;
  readonly status?: number;
  /** An own script of this page, from {@link Script.path}. */
  readonly script?: string;
  /** Something goes on behind the page: it is loaded again every few seconds where scripts run. */
  readonly isLive?: boolean;
  /** It shows pictures that {@link Rooms.picture} gives. */
  readonly pictures?: boolean;
};

export type GoTo = {
  /** A path of this desk. */
  readonly to: string;
  /** One sentence, shown once on the next page. */
  readonly said?: string;
};

export type Download = { readonly name: string; readonly type: string; readonly bytes: Uint8Array };

export type Act<P extends Json> = {
  /** Stands in the journal and in what the passkey signs: never changed. */
  readonly name: string;
  /** From the plain form to what will be done. A View shows the form again with its problem. */
  propose(visit: Visit, form: Form): Promise<Proposal<P> | View | GoTo>;
  /** Runs after a fresh assertion over exactly the proposal; uses nothing but the payload. */
  perform(visit: Visit, payload: P): Promise<Performed>;
};

/** Where it leads, and how it ends where it goes on behind the page. */
export type Performed = GoTo & {
  /** "" once it is done; the reason code where it was not. The journal has it then, and not before (DESK-7). */
  readonly outcome?: Promise<string>;
};

export type Proposal<P extends Json> = {
  /** "Sign this warrant" */
  readonly title: string;
  /** "Sign" */
  readonly button: string;
  readonly lead?: Markup;
  /** All that matters of the act, in words. */
  readonly shown: readonly Words[];
  /** All that {@link Act.perform} needs. */
  readonly payload: P;
  /** It cannot be taken back. */
  readonly isGrave?: boolean;
  /** Where one who does not want it goes. */
  readonly back: string;
};

export function isGoTo(answer: object): answer is GoTo {
  return "to" in answer;
}
