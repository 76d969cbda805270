// What a user interface renders. All of it is plain data that can be structured-cloned; nothing here is a secret key.
import type { AccountId, CharterId, ConversationId, DayNumber, UnixSeconds } from "@porchlight/encoding";
import type { ClientErrorCode } from "../error.ts";
import type { LogPlace } from "../log-reader.ts";

export type { LogPlace } from "../log-reader.ts";

/** The whole application as a person sees it, without the messages: those are windows of {@link ThreadView}. */
export type AppState =
  /** Reading what was saved; a moment. */
  | { readonly kind: "starting" }
  /** Another tab or program has this device open: only one may, or both would send from one state. */
  | { readonly kind: "elsewhere" }
  /** No device here: sign up with an invitation, pair with a device, or restore from a backup. */
  | {
      readonly kind: "signed-out";
      readonly deployment: DeploymentView;
      /** This device waits to be taken in by another one of the same person. */
      readonly pairing: PairingGuestView | null;
    }
  | {
      readonly kind: "locked";
      readonly deployment: DeploymentView;
      readonly name: string;
      readonly account: AccountId;
      readonly ways: readonly UnlockWay[];
    }
  | ReadyState
  /** Nothing goes on from here but what {@link FailureCode} says. */
  | { readonly kind: "failed"; readonly code: FailureCode };

export type FailureCode =
  /** What was saved does not read back. Restore from a backup, or start anew. */
  | "state-corrupt"
  /** A later version wrote it. */
  | "state-newer"
  /** The browser keeps nothing here (private window, storage refused, disk full). */
  | "storage-refused"
  /** The service was not reached at the first start here, which needs it once. */
  | "unreachable"
  /** The program did not come whole: a new start asks for it again. */
  | "not-loaded"
  /** A defect of this program; a new start may help. */
  | "internal";

export type PairingGuestView =
  /** To be typed, or shown as a QR code, on the device that has the account. */
  | { readonly kind: "code"; readonly code: string; readonly qr: string }
  /** Six digits to compare with those on the other device, which has answered. */
  | { readonly kind: "digits"; readonly digits: string }
  /**
   * Let in; what the other device has is coming over. `cancelPairing` goes on without the rest, or gives up where nothing
   * has come: "abandoned".
   */
  | ({ readonly kind: "receiving" } & HandoverView)
  /** It is in and saved, and not all of the history came. `cancelPairing` goes on with what there is. */
  | { readonly kind: "came-short" }
  /** The other device let it in, and lists it; here it could not go on, and nothing of it is left. */
  | { readonly kind: "abandoned"; readonly code: ClientErrorCode }
  /** It came to nothing: "pairing-refused", "pairing-over", or "pairing-altered" where somebody was in between. */
  | { readonly kind: "ended"; readonly code: ClientErrorCode };

/** `stopPairing` ends the first four, at once; `closePairing` puts the others away. */
export type PairingHostView =
  /** A code was taken up; the device behind it has not answered. Stopped, it is refused. */
  | { readonly kind: "waiting" }
  /** Stopped, it is refused. */
  | { readonly kind: "compare"; readonly digits: string; readonly deviceName: string }
  /** The person said yes, and the server has not confirmed it. Stopped, it is "unsure". */
  | { readonly kind: "letting-in"; readonly deviceName: string }
  /**
   * It is in, becomes a member of the conversations, and gets what it needs, with the history or without. Stopped, it has
   * the conversations that went over whole.
   */
  | ({ readonly kind: "sending" } & LetIn & HandoverView)
  /** The person said no: it is not in. Said before the server is told. */
  | { readonly kind: "refused"; readonly deviceName: string }
  /** It is not in. */
  | { readonly kind: "failed"; readonly deviceName: string; readonly code: ClientErrorCode }
  /** Nobody knows whether it is in. `device`: its key, hex; in `MeView.devices` as soon as it is. */
  | { readonly kind: "unsure"; readonly deviceName: string; readonly device: string }
  /** It is in. */
  | ({ readonly kind: "in"; readonly sent: SentView } & LetIn);

type LetIn = { readonly deviceName: string; readonly withHistory: boolean };

/** What became of what was to go over. */
export type SentView =
  | { readonly kind: "whole" }
  | { readonly kind: "stopped" }
  | { readonly kind: "broken"; readonly code: ClientErrorCode };

/** Records that went over, of how many; `null` until that is known. */
export type HandoverView = { readonly done: number; readonly total: number | null };

export type DeploymentView = {
  /** The server's address. */
  readonly url: string;
  /** The log's origin, which is the deployment's name. */
  readonly origin: string;
};

/** How the device's key can be unwrapped. Passkeys: what `navigator.credentials.get` has to ask for. */
export type UnlockWay =
  | { readonly kind: "passphrase" }
  | {
      readonly kind: "passkey";
      /** base64url. */
      readonly credential: string;
      /** Input of the PRF extension (`eval.first`), base64url of 32 bytes. */
      readonly prfInput: string;
      /** What its person calls it; "" where that was never said. */
      readonly label: string;
      readonly made: UnixSeconds | null;
    };

export type ReadyState = {
  readonly kind: "ready";
  readonly deployment: DeploymentView;
  readonly me: MeView;
  readonly connection: ConnectionView;
  readonly settings: SettingsView;
  readonly conversations: { readonly [id: ConversationId]: ConversationView };
  /** Everybody met in a conversation or added by a contact code, without oneself. */
  readonly contacts: { readonly [account: AccountId]: ContactView };
  readonly charters: { readonly [charter: CharterId]: CharterView };
  readonly log: LogView;
  /** Who opened, or asked to open, this person's messages: own notices, newest first. */
  readonly notices: readonly NoticeView[];
  /** `null` until the log was read far enough to say it. */
  readonly allClear: AllClearView | null;
  readonly transfers: { readonly [id: string]: TransferView };
  /** A new device of this person that is being let in, and what became of it. */
  readonly pairing: PairingHostView | null;
};

export type MeView = {
  readonly account: AccountId;
  /** The name that others are shown. */
  readonly name: string;
  /** 30 digits in groups of five: the own half of every safety number. */
  readonly fingerprint: string;
  /** To be shared as text (safe in URLs) or QR: whoever has it can start a conversation with this person. */
  readonly contactCode: string;
  /** Whether this device can approve new ones: it made the account, or was restored with the recovery code. */
  readonly holdsIdentity: boolean;
  readonly backup: BackupView;
  readonly devices: readonly DeviceView[];
  /** When the server last listed them; `null`: this device was never told. */
  readonly devicesAt: UnixSeconds | null;
};

/** What a recovery code would bring back. */
export type BackupView =
  /** No code was made, or another device made a newer one. */
  | { readonly kind: "none" }
  /** One was asked for, and nobody knows whether the server took it: the code of before may open nothing. Make it again. */
  | { readonly kind: "unfinished" }
  /** A code was made, by what this device has: how far its backup is shows with a connection. */
  | { readonly kind: "unseen" }
  /** The code is good; not everything is in its backup yet. */
  | { readonly kind: "uploading" }
  /** Within a minute or so of everything is in it. */
  | { readonly kind: "current" }
  | { readonly kind: "refused"; readonly code: ClientErrorCode };

export type DeviceView = {
  /** Hex MLS signature key. */
  readonly key: string;
  readonly isThis: boolean;
  /** As its person named it; "" where this device was never told. */
  readonly name: string;
  readonly since: UnixSeconds;
  readonly sessions: readonly {
    readonly id: string;
    readonly lastUsed: UnixSeconds;
    readonly isThis: boolean;
  }[];
};

export type PasskeyView = {
  readonly id: string;
  readonly label: string;
  readonly created: UnixSeconds;
  readonly lastUsed: UnixSeconds | null;
};

export type ConnectionView =
  | { readonly kind: "online"; readonly since: UnixSeconds }
  | { readonly kind: "connecting"; readonly since: UnixSeconds }
  /** `code`: what stands in the way, where it is known ("clock-wrong": set the clock; nothing else helps). */
  | {
      readonly kind: "offline";
      readonly since: UnixSeconds;
      readonly code: ClientErrorCode;
    };

export type SettingsView = {
  /** Tells others what was received and read, in conversations of up to 20 people. Off: neither says it nor sees it. */
  readonly receipts: boolean;
  /** Shows others that this person is typing. Never stored anywhere. */
  readonly typing: boolean;
  readonly notifications: "all" | "mentions" | "none";
};

export type ConversationView = {
  readonly id: ConversationId;
  /** The name it was given, or the names of its people. */
  readonly title: string;
  /** `direct`: two people and no name of its own. */
  readonly kind: "direct" | "group";
  /** In a direct conversation the other person. */
  readonly peer: AccountId | null;
  /** Who can open this: `null` is nobody. Key of {@link ReadyState.charters}. */
  readonly charter: CharterId | null;
  readonly status: ConversationStatus;
  readonly people: number;
  /** Grows with every change of members, devices or their names: fetch `members` again. */
  readonly membersVersion: number;
  readonly unread: number;
  /** Unread messages that mention this person. */
  readonly mentions: number;
  /** Index in the thread of the first unread entry; `null` where all was read. */
  readonly firstUnread: number | null;
  /** A new name stands as the title already and waits to be sent. */
  readonly renameWaiting: boolean;
  /** A new name that was refused and is not shown as the title: `retry`, or `discard`. */
  readonly renameRefused: {
    readonly id: string;
    readonly title: string;
    readonly code: ClientErrorCode;
  } | null;
  /** Text that was typed and not sent; "" where there is none. */
  readonly draft: string;
  /** People who are added as soon as one of their devices has been online. */
  readonly waitingFor: readonly AccountId[];
  /** Members whose keys are not those that this person compared ("changed"): say it loudly before anything is written. */
  readonly changed: readonly AccountId[];
  /** Own messages that wait to be sent. */
  readonly queued: number;
  readonly pinned: boolean;
  readonly muted: boolean;
  readonly archived: boolean;
  readonly last: PreviewView | null;
  /** To sort by: when the newest entry came. */
  readonly lastAt: UnixSeconds;
  readonly typing: readonly AccountId[];
};

export type ConversationStatus =
  | { readonly kind: "active" }
  /** A change of charter waits for this person: nothing is sent or shown before the answer. */
  | {
      readonly kind: "charter-proposed";
      readonly by: AccountId;
      readonly charter: CharterId | null;
    }
  /** Accepted here; goes on when the others meet under the new charter. */
  | { readonly kind: "suspended"; readonly charter: CharterId | null }
  /** This device is new: it waits until a device of a member is online and lets it in. What was before is readable. */
  | { readonly kind: "waiting" }
  /** Removed, or left: what was received stays readable. */
  | { readonly kind: "left" };

/** One line for the list of conversations. */
export type PreviewView = {
  readonly from: AccountId;
  readonly fromMe: boolean;
  readonly kind: "text" | "attachment" | "deleted" | "event" | "refused" | "not-understood";
  /** The beginning of the text, at most 200 characters; for "attachment" its name or type. */
  readonly text: string;
};

export type ContactView = {
  readonly account: AccountId;
  /** The name that the person gave, at most 64 characters; "" where none was received yet. */
  readonly name: string;
  /** Another contact, or oneself, has the same or a look-alike name. */
  readonly isNameAmbiguous: boolean;
  readonly trust: TrustView;
};

export type TrustView =
  | { readonly kind: "unverified" }
  | { readonly kind: "verified"; readonly at: UnixSeconds }
  /** Verified at `at`, and has devices since then that were not there: say it loudly, until `confirmDevices`. */
  | { readonly kind: "changed"; readonly at: UnixSeconds; readonly newDevices: readonly string[] };

/** Answer of `safetyNumber`. */
export type SafetyNumberView = {
  /** 60 digits in twelve groups of five; the same for both people. */
  readonly digits: string;
  /** What the QR code shows: the two account ids. The other side scans it with `verifyContact`. */
  readonly qr: string;
  readonly contact: ContactView;
};

export type MemberView = {
  readonly account: AccountId;
  readonly name: string;
  readonly isMe: boolean;
  readonly trust: TrustView;
  /** Hex signature keys of the devices that read this conversation. */
  readonly devices: readonly string[];
};

/** "Who can open this", as the public log shows it, every signature verified on this device. */
export type CharterView = {
  readonly id: CharterId;
  /** The two look different everywhere: a court signs warrants, a house has hold orders. */
  readonly kind: "court" | "house";
  readonly deployment: string;
  readonly isReplay: boolean;
  readonly validFrom: DayNumber;
  readonly validUntil: DayNumber;
  readonly provider: string;
  /** How many of the keyholders must agree. */
  readonly threshold: number;
  /** Those of now. */
  readonly keyholders: readonly KeyholderView[];
  /** Keyholders that were lost and replaced since everyone signed the charter, in the order of the log. */
  readonly replacements: readonly ReplacementView[];
  readonly issuers: readonly { readonly name: string; readonly title: string }[];
  /** Of a house: who can stop any hold order, and for how many days each waits for them. */
  readonly inspection: {
    readonly inspectors: readonly { readonly name: string; readonly title: string }[];
    readonly days: number;
  } | null;
  readonly legalBases: readonly string[];
  readonly offenceCategories: readonly string[];
  readonly retentionDays: number;
  readonly contestDays: number;
  readonly longestSecrecyDays: number;
  readonly longestPreservationDays: number;
  readonly caps: {
    readonly accountsPerWarrant: number;
    readonly daysPerWarrant: number;
    readonly warrantsPer30Days: number;
  };
  readonly warnings: readonly CharterWarning[];
  /**
   * From the log alone, up to `asOf`. `orders`: logged warrants or hold orders; `revoked`: of those taken back; `preserved`:
   * orders that keep somebody's messages from being deleted, and open nothing.
   */
  readonly history: {
    readonly orders: number;
    readonly revoked: number;
    readonly preserved: number;
    readonly asOf: UnixSeconds;
  } | null;
};

/** The public log, as this device has verified it. */
export type LogView =
  | { readonly kind: "unknown" }
  /** "stale": what is newer may be kept from this device. `asOf`: the witnesses' time. */
  | { readonly kind: "fresh" | "stale"; readonly asOf: UnixSeconds; readonly place: LogPlace }
  /** It showed what no honest log shows ("fork", "rollback", "entry-hash", …): somebody lies about who can open what. */
  | { readonly kind: "refused"; readonly code: string };

export type KeyholderView = {
  readonly name: string;
  readonly owner: string;
  readonly payer: string;
  readonly jurisdiction: string;
};

/** Agreed at `at` by the provider and all other keyholders, who signed it, for the `ground` that they give. */
export type ReplacementView = {
  readonly lost: string;
  readonly successor: string;
  readonly ground: string;
  readonly at: UnixSeconds;
};

export type CharterWarning =
  /** Enough keyholders to open share one of these: together they are one power. */
  | { readonly kind: "shared-owner" | "shared-payer" | "shared-jurisdiction"; readonly name: string }
  | { readonly kind: "not-in-force" };

/** An order about this person, as its notice says it; the notice was found in the log and opened with the own key. */
export type NoticeView = {
  /** Commitment of the order in the log. */
  readonly id: string;
  readonly kind: "warrant" | "hold-order";
  readonly orderedBy: string;
  /** Who may read what is opened. */
  readonly requester: string;
  readonly reference: string;
  readonly legalBasis: string;
  readonly offenceCategory: string;
  /** "other-side": the order is about somebody else whom this person wrote with. */
  readonly role: "named" | "other-side";
  readonly conversations: readonly ConversationId[] | "all";
  readonly firstDay: DayNumber;
  readonly lastDay: DayNumber;
  readonly issued: UnixSeconds;
  /** Told first: nothing is opened before this day is over, until which it can be contested. `null`: it may be open. */
  readonly contestUntil: DayNumber | null;
  /** What the log shows that was said of it later: taken back for good, or nothing is opened for now. */
  readonly stopped: "revoked" | "suspended" | null;
  readonly isRead: boolean;
  /** The provider's signed word that this person contested it, as JSON, where this device has it. */
  readonly contested: string | null;
  /** SHA-256, hex, of the court's original act and of the signed order: by these its issuer is asked for them. */
  readonly actHash: string;
  readonly orderHash: string;
};

/** "No order about you whose secrecy ended by `clearUntil`; none signed before `secretSince` can still be secret." */
export type AllClearView = {
  readonly asOf: UnixSeconds;
  /** `null`: nothing can be said of any day yet. */
  readonly clearUntil: DayNumber | null;
  readonly secretSince: DayNumber;
  /** Orders whose notices should have come and have not; they may be about anybody. */
  readonly overdue: number;
};

export type TransferView = {
  readonly id: string;
  readonly direction: "up" | "down";
  readonly conversation: ConversationId;
  /** Id of the message that carries it. */
  readonly message: string;
  readonly attachment: number;
  readonly name: string;
  readonly size: number;
  readonly done: number;
  readonly status:
    | { readonly kind: "waiting" }
    | { readonly kind: "running" }
    /** After a restart, for a large file: the person has to choose it again (`resumeUpload`). */
    | { readonly kind: "needs-file" }
    | { readonly kind: "failed"; readonly code: ClientErrorCode };
};

// Threads

/** What a thread has at one moment. Entries have indices 0 to count − 1, oldest first; own waiting messages are last. */
export type ThreadView = { readonly count: number; readonly firstUnread: number | null };

/** Entries `from` to `to` (exclusive) are new or different; where `count` shrank, those beyond it are gone. */
export type ThreadChange = {
  readonly count: number;
  readonly ranges: readonly { readonly from: number; readonly to: number }[];
};

export type EntryView = MessageView | EventView | RefusedView | NotUnderstoodView;

type Entry = {
  /** Stable over edits, delivery and restarts: a key for lists. */
  readonly key: string;
  /** Place in the server's order, the same for all members; 0 while it waits. */
  readonly seq: number;
  /** When the server took it; while it waits, when it was written. */
  readonly at: UnixSeconds;
};

export type MessageView = Entry & {
  readonly kind: "message";
  readonly id: string;
  readonly from: AccountId;
  readonly fromMe: boolean;
  /** The sender's own clock, where it is more than ten minutes away from `at`; otherwise `null`. */
  readonly writtenAt: UnixSeconds | null;
  readonly body:
    | {
        readonly kind: "text";
        readonly text: string;
        readonly isAction: boolean;
        readonly mentions: readonly MentionView[];
        readonly attachments: readonly AttachmentView[];
      }
    /** Its author took it back. Copies may exist: others' devices, and the provider until retention ends. */
    | { readonly kind: "deleted" };
  readonly editedAt: UnixSeconds | null;
  readonly replyTo: ReplyView | null;
  readonly reactions: readonly ReactionView[];
  /** For own messages; `null` for those of others. */
  readonly delivery: DeliveryView | null;
  /** What this person did with it that nobody else has yet, in the order in which it was done. */
  readonly changes: readonly ChangeView[];
};

/** A change of a message that waits to be sent, and is shown as made; or was refused, and is not: `retry`, or `discard`. */
export type ChangeView = {
  readonly id: string;
  readonly kind: "edit" | "deletion" | "reaction";
  readonly refused: ClientErrorCode | null;
};

/** A reply names another message; what is shown of it comes from this device's own history. */
export type ReplyView = {
  readonly id: string;
  /** `null`: not in this device's history. */
  readonly found: {
    readonly index: number;
    readonly from: AccountId;
    readonly text: string;
    readonly isDeleted: boolean;
  } | null;
};

export type MentionView = {
  readonly account: AccountId;
  /** UTF-16 code units of the text, as JavaScript counts. */
  readonly start: number;
  readonly length: number;
};

export type ReactionView = {
  readonly emoji: string;
  readonly by: readonly AccountId[];
  readonly byMe: boolean;
};

export type AttachmentView = {
  /** The sender's words, for display only. */
  readonly name: string;
  readonly type: string;
  readonly size: number;
  /** A small picture that came inside the message. */
  readonly preview: PreviewImage | null;
};

export type PreviewImage = {
  readonly type: "image/jpeg" | "image/png" | "image/webp";
  /** Pixels of the original. */
  readonly width: number;
  readonly height: number;
  readonly bytes: Uint8Array;
};

export type DeliveryView =
  /** Saved on this device; nobody else has it. */
  | { readonly kind: "queued" }
  /**
   * In the server's order, durable. Received and read: how many of the `of` others said so. "lost": a device of some of
   * them refused it or never got it, and said so; who, is in `lost`.
   */
  | {
      readonly kind: "sent" | "delivered" | "read" | "lost";
      readonly received: number;
      readonly read: number;
      readonly of: number;
      readonly lost: readonly AccountId[];
    }
  /** It will not be sent as things are: `retry`, or `discard`. */
  | { readonly kind: "refused"; readonly code: ClientErrorCode };

export type EventView = Entry & {
  readonly kind: "event";
  /** Nothing is before it on this device. */
  readonly isFirst: boolean;
  /** Who did it; of a keyholder's replacement, this device's own account, which read it in the log. */
  readonly by: AccountId;
  readonly byMe: boolean;
  readonly event:
    | { readonly kind: "created"; readonly charter: CharterId | null }
    /** This person, or this device of theirs, was let in. */
    | { readonly kind: "you-joined"; readonly charter: CharterId | null }
    | { readonly kind: "joined"; readonly accounts: readonly AccountId[] }
    | { readonly kind: "left"; readonly accounts: readonly AccountId[] }
    | { readonly kind: "you-left" }
    | {
        readonly kind: "device-added" | "device-removed";
        readonly account: AccountId;
        readonly device: string;
      }
    /** A verified person has a new device: the loud one. */
    | { readonly kind: "safety-number-changed"; readonly account: AccountId }
    | { readonly kind: "charter-proposed"; readonly charter: CharterId | null }
    | { readonly kind: "charter-accepted"; readonly charter: CharterId | null }
    | { readonly kind: "charter-changed"; readonly charter: CharterId | null }
    | {
        readonly kind: "keyholder-replaced";
        readonly charter: CharterId;
        readonly replacement: ReplacementView;
      }
    | { readonly kind: "titled"; readonly title: string }
    | { readonly kind: "named"; readonly name: string; readonly before: string };
};

/**
 * Something that the server delivered and that broke a rule of the protocol. Its content is nowhere: not shown, not
 * kept. `code` is closed; texts for people are the interface's.
 */
export type RefusedView = Entry & {
  readonly kind: "refused";
  readonly item: "commit" | "envelope" | "message" | "welcome" | "key-package";
  /**
   * "missing": before this place messages of `from` should have come. Otherwise a code of spec/mls.md and its rule;
   * "key-package" is what the server gave for somebody who was to be added: of `from`, and it was not theirs.
   */
  readonly code: string;
  /** Whom the server names as its sender, which is the server's word only. */
  readonly from: AccountId;
  /** How many of the same kind stand here in a row, and when the last of them came. */
  readonly times: number;
  readonly lastAt: UnixSeconds;
};

/** A content of a kind that this version does not know: an update may show it. */
export type NotUnderstoodView = Entry & { readonly kind: "not-understood"; readonly from: AccountId };
