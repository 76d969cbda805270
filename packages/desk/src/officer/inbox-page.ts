import type { UnixSeconds } from "@porchlight/encoding";
import { html, NOTHING } from "@porchlight/markup";
import type { View } from "../shell/desk.ts";
import { badge, clockBadge, empty, instant, type Tone, table } from "../shell/look.ts";
import type { Inbox } from "./client.ts";

const WHAT: Readonly<Record<string, string>> = {
  Authorisation: "Authorisation",
  StoredContentData: "Task: content, by the quorum",
  SubscriberData: "Task: whose account",
  TrafficData: "Task: when it wrote",
  LPTask: "Task: keep from deletion",
  Warrant: "Signed order",
  OriginalAct: "Original act",
};

const STATUS: Readonly<Record<string, readonly [words: string, tone: Tone]>> = {
  AwaitingApproval: ["waits for you", "wait"],
  AwaitingPreservation: ["waits for you", "wait"],
  AwaitingDisclosure: ["waits for the quorum", "wait"],
  Approved: ["approved", "good"],
  Disclosed: ["answered", "good"],
  Preserved: ["kept", "good"],
  Rejected: ["refused", "bad"],
  Cancelled: ["cancelled", "plain"],
  Suspended: ["suspended", "bad"],
  Expired: ["over", "plain"],
  DisclosureNotAvailable: ["nothing to give", "plain"],
  PreservationNotAvailable: ["nothing to keep", "plain"],
};

export function whatWords(what: string): string {
  return WHAT[what] ?? what;
}

export function statusWords(status: string): string {
  return STATUS[status]?.[0] ?? status;
}

export function statusBadge(status: string) {
  const [words, tone] = STATUS[status] ?? [status, "plain" as const];
  return badge(words, tone);
}

export function inboxPage({ from, lines, more }: Inbox, now: UnixSeconds): View {
  const rows = (open: boolean) =>
    lines
      .filter((one) => one.isOpen === open)
      .map((one) => [
        html`<a href="/objects/${one.id}">${whatWords(one.what)}</a>`,
        html`${one.owner}`,
        html`${one.reference ?? "none"}`,
        html`${statusBadge(one.status)} ${one.isEmergency ? badge("emergency", "bad") : NOTHING} ${one.wantsMore ? badge("asked to be kept longer", "wait") : NOTHING}`,
        clockBadge(one.deadline, now),
        instant(one.received),
      ]);
  const heads = ["What", "From", "Reference", "State", "Clock", "Received"];
  const [open, over] = [rows(true), rows(false)];
  const next = from + lines.length;
  return {
    title: "Inbox",
    body: html`<h1>Inbox</h1><p class="lead">What authorities sent. A clock runs from when a task and the paper that it needs are both here, and stands at all that belongs to it. Of what is kept from deletion it shows how long it is kept.</p>
${from === 0 ? NOTHING : html`<p>What is more urgent stands <a href="/inbox">at the beginning</a>. This begins behind the first ${from}.</p>`}
${open.length === 0 ? (from === 0 ? empty("Nothing waits.") : NOTHING) : table({ caption: "Open", heads, rows: open })}
${over.length === 0 ? NOTHING : table({ caption: "Done", heads, rows: over })}
${more === 0 ? NOTHING : html`<p>There are ${more} more, less urgent or done. <a href="/inbox?from=${next}">Show those that come next</a></p>`}`,
  };
}
