// What the profile answers where it does not do as asked: `ErrorInformation` of TS 103 120, clause 6.

/** A refusal: ErrorCode, its name in the profile, and the sentence a person reads. HI1-40. */
export type Hi1Refusal = {
  readonly code: Hi1Code;
  readonly number: number;
  readonly rule: string;
  /** Says what to change. Holds nothing that the request said. */
  readonly description: string;
  /** Where in the object, by ETSI's member names; absent where it is the whole. */
  readonly field?: string;
};

const TABLE = {
  malformed: [10001, "HI1-1", "The message is not in the agreed form."],
  "too-large": [10002, "HI1-1", "The message is larger than this endpoint takes. Send the act by its hash."],
  "version-unknown": [10003, "HI1-3", "The version or the national profile is not one that is spoken here."],
  "receiver-wrong": [10004, "HI1-4", "The message is for another endpoint."],
  "sender-unknown": [
    10005,
    "HI1-4",
    "The sender has no key here. Ask to be registered; a call back precedes it.",
  ],
  "signature-missing": [10006, "HI1-5", "The message is not signed."],
  "signature-invalid": [10007, "HI1-5", "The signature does not hold, or was not made with Ed25519."],
  "clock-off": [
    10008,
    "HI1-6",
    "The message's time and this endpoint's clock are too far apart. Set the clock and send a new message.",
  ],
  "transaction-reused": [
    10009,
    "HI1-7",
    "Another message came under this transaction's number. Draw a new one.",
  ],
  "action-unsupported": [10010, "HI1-8", "This action is not taken here."],
  "object-unsupported": [
    10011,
    "HI1-9",
    "Objects of this type are not taken here. Content is ordered with LDTask, also of days to come.",
  ],
  "object-exists": [10012, "HI1-10", "There is an object with this identifier. Draw a new one."],
  "object-unknown": [10013, "HI1-11", "There is no such object for you here."],
  "not-owner": [10014, "HI1-11", "Only who made the object can change it."],
  "generation-stale": [10015, "HI1-12", "The object has changed since. Get it again."],
  "field-missing": [10016, "HI1-13", "Something that the profile demands is missing."],
  "field-fixed": [10017, "HI1-12", "This cannot be changed any more. Cancel, and make a new one."],
  "status-not-yours": [
    10018,
    "HI1-14",
    "The status is for the receiver to set. Ask for one with the desired status.",
  ],
  "transition-refused": [10019, "HI1-15", "From its present status the object cannot become this."],
  "dates-inconsistent": [10020, "HI1-16", "The dates contradict each other or are no whole days in UTC."],
  "authorisation-missing": [
    10021,
    "HI1-17",
    "A task belongs to exactly one authorisation of the same owner.",
  ],
  "outside-authorisation": [10022, "HI1-18", "The task asks for days that its authorisation does not name."],
  "target-missing": [10023, "HI1-19", "The task names no target."],
  "target-format-unknown": [10024, "HI1-19", "The target is not named in a form that is known here."],
  "no-such-account": [10025, "HI1-20", "No such account."],
  "basis-unknown": [
    10026,
    "HI1-21",
    "The legal basis or the category is none of those that the charter allows.",
  ],
  "emergency-inconsistent": [
    10027,
    "HI1-22",
    "Authorisation and task do not agree on whether this is an emergency.",
  ],
  "preservation-too-long": [
    10028,
    "HI1-23",
    "Preservation is asked for longer than the law of this deployment allows.",
  ],
  "document-unreadable": [
    10029,
    "HI1-24",
    "The document's contents and its checksum do not agree, or one of them is missing.",
  ],
  "answer-too-large": [
    10032,
    "HI1-8",
    "The answers are more than a message carries. Ask for this again, in a message of its own.",
  ],
  "too-many-waiting": [
    10033,
    "HI1-27",
    "As much of yours waits here as may. Wait until some of it is decided; what you cancel makes room a day later.",
  ],
  "text-too-long": [
    10034,
    "HI1-28",
    "A reference or name has more than 200 characters, or the object more than 512 KiB beside its document. Say it shorter, or in the document.",
  ],
  objection: [10031, "HI1-33", "The provider's officer refuses. The reason stands here."],
  "test-refused": [10030, "HI1-22", "Objects that are marked as tests are not taken by a live deployment."],
} as const satisfies Record<string, readonly [number, string, string]>;

export type Hi1Code = keyof typeof TABLE;

export function refusal(code: Hi1Code, field?: string): Hi1Refusal {
  const [number, rule, description] = TABLE[code];
  return { code, number, rule, description, ...(field === undefined ? {} : { field }) };
}

/** HI1-33: a refusal in the words of the person who decided. */
export function objection(words: string): Hi1Refusal {
  return { ...refusal("objection"), description: words };
}

/** All codes with number, rule and sentence, for the specification's table and for screens. */
export function refusalTable(): readonly Hi1Refusal[] {
  return (Object.keys(TABLE) as Hi1Code[]).map((code) => refusal(code));
}

/** Thrown by the parsers. Its message holds the code and the place, never what stood there. */
export class Hi1Error extends Error {
  override readonly name = "Hi1Error";
  readonly refusal: Hi1Refusal;
  constructor(refused: Hi1Refusal, options?: { cause?: unknown }) {
    super(refused.field === undefined ? refused.code : `${refused.field}: ${refused.code}`, options);
    this.refusal = refused;
  }
}
