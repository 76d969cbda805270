import type { Sentence } from "../shell/desk.ts";

/** Reasons of the keyholder's process, for the person in front of its desk. */
export const SENTENCES: Readonly<Record<string, Sentence>> = {
  "admin-unreachable": {
    title: "The keyholder's program is not running",
    next: "Nothing can be decided, and nothing is lost. Start it (systemctl start porchlight-keyholder) and load this page again.",
  },
  "order-unknown": {
    title: "This order is not here",
    next: "It was never handed in here, or it was turned away because its signature does not hold.",
  },
  "order-not-awaiting-approval": {
    title: "The order does not wait for a decision any more",
    next: "Somebody decided it, or a rule ended it. Look at it again.",
  },
  "commitment-differs": {
    title: "This is not the order that was shown",
    next: "Nothing was approved. Read the order again.",
  },
  busy: {
    title: "This cannot be decided at the moment",
    next: "Nothing was approved. The newest witnessed state of the log is needed: try again in a minute.",
  },
  paused: {
    title: "Everything is paused here",
    next: "Nothing was approved. Let it go on first, under State.",
  },
  "pause-differs": {
    title: "It was paused again meanwhile, or goes on already",
    next: "Nothing was changed. Read under State why it is paused.",
  },
  "period-has-keys": {
    title: "This month has keys already",
    next: "Share them anew instead, if that is what you want.",
  },
  "period-outside-charter": {
    title: "The charter is not in force in that month",
    next: "Choose a month within its dates.",
  },
  "keys-unavailable": {
    title: "There are no keys of that month to share anew",
    next: "Make them first, or choose another month.",
  },
  "ceremony-unknown": { title: "No such ceremony was begun here", next: "Look at the keys again." },
  "ceremony-over": { title: "This ceremony is over", next: "Look at the keys again." },
  "message-held": {
    title: "A keyholder that is waited for has spoken already",
    next: "The log does not show it yet. Wait a little: closing the step now would name an honest keyholder.",
  },
  "charter-not-ours": {
    title: "This charter does not name this keyholder with its own keys",
    next: "Do not sign it. Tell the provider, by telephone.",
  },
  "charter-wrong-clock": {
    title: "This charter runs on another clock than this keyholder",
    next: "Do not sign it. Ask the provider what it is for.",
  },
  "charter-wrong-log": {
    title: "This charter names another log than this keyholder follows",
    next: "Do not sign it. Compare the log's key by telephone.",
  },
  "charter-wrong-id": {
    title: "This is not the charter that was shown",
    next: "Nothing was signed. Read it again.",
  },
  "succession-differs": {
    title: "This is not the succession that was shown, or it cannot be one",
    next: "Nothing was signed. Read it again.",
  },
};
