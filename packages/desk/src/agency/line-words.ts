import type { LineAct, LineObject } from "@porchlight/parties";
import type { Tone } from "../shell/look.ts";

// What an authority has at its provider, in plain words.

const WHAT: Readonly<Record<string, string>> = {
  Authorisation: "Authorisation",
  StoredContentData: "Task: content, by the keyholders",
  SubscriberData: "Task: whose account",
  TrafficData: "Task: when it wrote",
  LPTask: "Task: keep from deletion",
  Warrant: "Signed order",
  OriginalAct: "Original act",
  Delivery: "Delivery",
};

const STATUS: Readonly<Record<string, readonly [words: string, tone: Tone]>> = {
  AwaitingApproval: ["waits for the provider", "wait"],
  AwaitingPreservation: ["waits for the provider", "wait"],
  EmergencyApproval: ["approved for now", "good"],
  AwaitingDisclosure: ["taken up, not answered yet", "wait"],
  Approved: ["approved", "good"],
  Disclosed: ["answered", "good"],
  Preserved: ["kept from deletion", "good"],
  Rejected: ["refused", "bad"],
  Invalid: ["not valid", "bad"],
  Suspended: ["suspended by the provider", "bad"],
  Error: ["failed at the provider", "bad"],
  Cancelled: ["cancelled", "plain"],
  Expired: ["over", "plain"],
  DisclosureNotAvailable: ["nothing to give", "plain"],
  PreservationNotAvailable: ["nothing to keep", "plain"],
  Available: ["to be received", "wait"],
  Received: ["received", "good"],
  Acknowledged: ["received and confirmed", "good"],
};

export function whatWords({ what }: Pick<LineObject, "what">): string {
  return Object.hasOwn(WHAT, what) ? (WHAT[what] as string) : what;
}

export function statusWords({ status }: Pick<LineObject, "status">): readonly [words: string, tone: Tone] {
  return (Object.hasOwn(STATUS, status) ? STATUS[status] : undefined) ?? [status, "plain"];
}

export const ACT_WORDS: Readonly<Record<LineAct, string>> = {
  receive: "Receive it",
  acknowledge: "Confirm that it is whole",
  extend: "Ask to keep it longer",
  cancel: "Cancel it",
};

/** What an act does, and what it does not do. */
export function actHelp(act: LineAct, { type, what }: Pick<LineObject, "type" | "what">): string {
  switch (act) {
    case "receive":
      return "It is fetched, checked against its fingerprint and kept here, encrypted to this agency. Then the provider is told.";
    case "acknowledge":
      return "The provider is told that what came was read and is whole.";
    case "extend":
      return "The provider keeps it until the day that an issuer's order to preserve says. Without a longer order nothing is kept for longer.";
    case "cancel":
      if (type === "LPTask")
        return "The provider need not keep it for you any more. An issuer's order to preserve goes on until its issuer lifts it.";
      return what === "StoredContentData" || what === "Warrant"
        ? "The provider does nothing more about it. An order that is in the public log goes on all the same: only whoever signed it revokes it."
        : "The provider does nothing more about it. It cannot be taken up again: send it anew.";
  }
}
