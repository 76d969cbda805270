import type {
  AppState,
  MemberView,
  NoticeView,
  PairingHostView,
  PasskeyView,
  SentView,
  TransferView,
  UnlockWay,
} from "@porchlight/client/page";
import { HOSTILE, message, TALK, TROUBLE } from "./entries.ts";
import {
  COURT,
  contact,
  conversation,
  conversationId,
  HOUSE,
  INES,
  ME,
  NOOR,
  NOW,
  ready,
  SEVERAL,
  TOMAS,
} from "./people.ts";
import type { Act, Scene } from "./port.ts";

const deployment = { url: "http://localhost:7400", origin: "log.porchlight.example" };
const WAYS: readonly UnlockWay[] = [
  { kind: "passkey", credential: "AAAA", prfInput: "AAAA", label: "Firefox on Linux", made: NOW },
  { kind: "passkey", credential: "BBBB", prfInput: "BBBB", label: "Blue key", made: NOW },
  { kind: "passphrase" },
];
const PASSKEYS: readonly PasskeyView[] = [
  { id: "BBBB", label: "Blue key", created: NOW, lastUsed: NOW },
  { id: "CCCC", label: "Phone", created: NOW, lastUsed: null },
];
const DELETING: readonly Act[] = [{ press: "What to do with this message" }, { press: "Delete" }];
const FIRST = conversationId(1);
const SECOND = conversationId(2);

const members: readonly MemberView[] = [
  {
    account: ME,
    name: "Alice Marlow",
    isMe: true,
    trust: { kind: "unverified" },
    devices: ["ab".repeat(32), "cd".repeat(32)],
  },
  {
    account: NOOR,
    name: "Noor Haddad",
    isMe: false,
    trust: { kind: "verified", at: NOW },
    devices: ["12".repeat(32)],
  },
  {
    account: TOMAS,
    name: "Tomás Rivera",
    isMe: false,
    trust: { kind: "unverified" },
    devices: ["34".repeat(32)],
  },
  {
    account: INES,
    name: "Inês Carvalho",
    isMe: false,
    trust: { kind: "changed", at: NOW, newDevices: ["56".repeat(32)] },
    devices: ["56".repeat(32)],
  },
];

const notice: NoticeView = {
  id: "9c".repeat(32),
  kind: "warrant",
  orderedBy: "District Court, investigating judge",
  requester: "Public Prosecutor",
  offenceCategory: "Stalking",
  role: "named",
  issued: NOW,
  contestUntil: null,
  contested: null,
  stopped: null,
  reference: "12 Gs 345/26",
  legalBasis: "Code of Criminal Procedure, s. 100b",
  conversations: [FIRST],
  firstDay: 20_405 as NoticeView["firstDay"],
  lastDay: 20_407 as NoticeView["lastDay"],
  isRead: true,
  actHash: "3c".repeat(32),
  orderHash: "d1".repeat(32),
};

const transfer = (n: number, status: TransferView["status"], name: string): TransferView => ({
  id: `up-${n}`,
  direction: "up",
  conversation: FIRST,
  message: "sending",
  attachment: n,
  name,
  size: 48_000_000,
  done: 17_000_000,
  status,
});

const file = (name: string) => ({ name, type: "", size: 48_000_000, preview: null });

const changed = ready(
  SEVERAL.map((one) => (one.id === FIRST || one.id === SECOND ? { ...one, changed: [NOOR] } : one)),
  {
    contacts: {
      [NOOR]: contact(NOOR, "Noor Haddad", {
        trust: { kind: "changed", at: NOW, newDevices: ["12".repeat(32)] },
      }),
      [TOMAS]: contact(TOMAS, "Tomás Rivera", { isNameAmbiguous: true }),
      [INES]: contact(INES, "Inês Carvalho"),
    },
  },
);

const failed = (code: Extract<AppState, { kind: "failed" }>["code"]): Scene => ({
  at: "/",
  state: { kind: "failed", code },
});

const hostile: Scene = {
  at: `/c/${FIRST}`,
  state: ready(
    [
      conversation(1, {
        title: "\u202eevil\u202c <b>club</b> Z\u0317\u0319\u0320\u0325\u0335\u0336\u0489",
        last: { from: TOMAS, fromMe: false, kind: "text", text: "\u202eevil <img src=x onerror=alert(1)>" },
      }),
    ],
    {
      contacts: {
        [TOMAS]: contact(
          TOMAS,
          `\u202eT\u0317\u0319\u0320\u0325\u0335\u0336\u0489om <script>${"x".repeat(60)}`,
        ),
      },
    },
  ),
  entries: HOSTILE,
  members,
};

const comparing: Scene = {
  at: `/c/${FIRST}/people`,
  state: ready(SEVERAL),
  entries: TALK,
  members,
  answers: {
    safetyNumber: {
      digits: "31415 92653 58979 32384 62643 38327 27182 81828 45904 52353 60287 47135",
      qr: "PLQ1-0123456789ABCDEF",
      contact: contact(NOOR, "Noor Haddad"),
    },
  },
};

const newDevice: Scene = {
  ...comparing,
  state: changed,
  answers: {
    safetyNumber: {
      digits: "31415 92653 58979 32384 62643 38327 27182 81828 45904 52353 60287 47135",
      qr: "PLQ1-0123456789ABCDEF",
      contact: contact(NOOR, "Noor Haddad", {
        trust: {
          kind: "changed",
          at: NOW,
          newDevices: ["0f1e2d3c4b5a6978".repeat(4), "8796a5b4c3d2e1f0".repeat(4)],
        },
      }),
    },
  },
};

/** `words`: what the person then reads. */
function scanning(camera: NonNullable<Scene["camera"]>, words = "Turning the camera on."): Scene {
  return {
    ...comparing,
    camera,
    does: [{ press: "Compare keys" }, { press: "Scan their code" }, { sees: words }],
  };
}

const everybody = ready(SEVERAL);

const recovery: Scene = {
  at: "/settings/recovery",
  state: everybody,
  answers: {
    makeRecoveryCode: { recoveryCode: "K7QM-4TXD-9PVA-22BC-H8JW-M3NR-5EYF" },
    noticeCode: {
      noticeCode: "PLN1-ABCDE-FGHJK-MNPQR-STVWX-YZ012-34567-89ABC-DEFGH-JKMNP-QRSTV-WXYZ0-12345",
    },
  },
};

function letting(pairing: PairingHostView): Scene {
  return { at: "/settings/devices", state: ready(SEVERAL, { pairing }), answers: { passkeys: [] } };
}

function letIn(withHistory: boolean, sent: SentView): PairingHostView {
  return { kind: "in", deviceName: "Kitchen tablet", withHistory, sent };
}

/** Every state of every union of the contract, and every page. */
export const SCENES: Readonly<Record<string, Scene>> = {
  starting: { at: "/", state: { kind: "starting" } },
  elsewhere: { at: "/", state: { kind: "elsewhere" } },
  "failed-corrupt": failed("state-corrupt"),
  "failed-newer": failed("state-newer"),
  "failed-storage": failed("storage-refused"),
  "elsewhere-silent": {
    at: "/",
    state: { kind: "elsewhere" },
    refuses: { takeOver: "held-elsewhere" },
    does: [{ press: "Use it here" }],
  },
  "failed-not-loaded": failed("not-loaded"),
  "failed-internal": failed("internal"),
  "signed-out": { at: "/join", state: { kind: "signed-out", deployment, pairing: null } },
  pairing: {
    at: "/",
    state: {
      kind: "signed-out",
      deployment,
      pairing: { kind: "code", code: "K7QM-4TXD-9PVA", qr: "PLP1-K7QM4TXD9PVA" },
    },
  },
  "pairing-digits": {
    at: "/",
    state: {
      kind: "signed-out",
      deployment,
      pairing: { kind: "digits", digits: "314159" },
    },
  },
  "pairing-receiving": {
    at: "/",
    state: { kind: "signed-out", deployment, pairing: { kind: "receiving", done: 41, total: 130 } },
  },
  "pairing-receiving-nothing": {
    at: "/",
    state: { kind: "signed-out", deployment, pairing: { kind: "receiving", done: 0, total: null } },
    does: [],
  },
  "pairing-came-short": {
    at: "/",
    state: { kind: "signed-out", deployment, pairing: { kind: "came-short" } },
    does: [],
  },
  "pairing-abandoned": {
    at: "/",
    state: { kind: "signed-out", deployment, pairing: { kind: "abandoned", code: "pairing-over" } },
    does: [],
  },
  "pairing-given-up": {
    at: "/",
    state: { kind: "signed-out", deployment, pairing: { kind: "abandoned", code: "pairing-stopped" } },
    does: [],
  },
  "pairing-altered": {
    at: "/",
    state: { kind: "signed-out", deployment, pairing: { kind: "ended", code: "pairing-altered" } },
  },
  "pairing-refused": {
    at: "/",
    state: { kind: "signed-out", deployment, pairing: { kind: "ended", code: "pairing-refused" } },
    does: [],
  },
  "device-awaited": letting({ kind: "waiting" }),
  "device-waiting": letting({ kind: "compare", digits: "314159", deviceName: "Kitchen tablet" }),
  "device-changed": {
    ...letting({ kind: "compare", digits: "314159", deviceName: "Kitchen tablet" }),
    refuses: { confirmDevice: "pairing-changed" },
    does: [{ press: "They are the same: add it" }],
  },
  "device-letting-in": letting({ kind: "letting-in", deviceName: "Kitchen tablet" }),
  "device-sending": letting({
    kind: "sending",
    deviceName: "Kitchen tablet",
    withHistory: true,
    done: 41,
    total: 130,
  }),
  "device-sending-little": {
    ...letting({
      kind: "sending",
      deviceName: "Kitchen tablet",
      withHistory: false,
      done: 0,
      total: null,
    }),
    does: [],
  },
  "device-refused": letting({ kind: "refused", deviceName: "Kitchen tablet" }),
  "device-failed": {
    ...letting({ kind: "failed", deviceName: "Kitchen tablet", code: "pairing-over" }),
    does: [],
  },
  "device-unsure": letting({ kind: "unsure", deviceName: "Kitchen tablet", device: "0f".repeat(32) }),
  "device-unsure-in": {
    ...letting({ kind: "unsure", deviceName: "Kitchen tablet", device: "ab".repeat(32) }),
    does: [],
  },
  "device-in": letting(letIn(true, { kind: "whole" })),
  "device-in-without": { ...letting(letIn(false, { kind: "whole" })), does: [] },
  "device-in-stopped": { ...letting(letIn(true, { kind: "stopped" })), does: [] },
  "device-in-stopped-little": { ...letting(letIn(false, { kind: "stopped" })), does: [] },
  "device-in-broken": { ...letting(letIn(true, { kind: "broken", code: "offline" })), does: [] },
  "device-in-broken-little": { ...letting(letIn(false, { kind: "broken", code: "offline" })), does: [] },
  locked: {
    at: "/",
    state: {
      kind: "locked",
      deployment,
      name: "Alice Marlow",
      account: ME,
      ways: WAYS,
    },
  },
  "signed-out-passphrase": {
    at: "/join",
    state: { kind: "signed-out", deployment, pairing: null },
    does: [
      { fill: "Your name", with: "Alice Marlow" },
      { press: "Use a passphrase instead" },
      { fill: "Passphrase", with: "short" },
      { fill: "The same again", with: "other" },
    ],
  },
  "signed-out-refused": {
    at: "/join",
    state: { kind: "signed-out", deployment, pairing: null },
    refuses: { lookInvitation: "invitation-refused" },
    does: [
      { fill: "Invitation", with: "PLI1-0123" },
      { fill: "Your name", with: "Alice Marlow" },
      { press: "Use a passphrase instead" },
      { fill: "Passphrase", with: "several quite ordinary words" },
      { fill: "The same again", with: "several quite ordinary words" },
      { press: "Continue" },
    ],
  },
  "signed-out-invited": {
    at: "/join",
    state: { kind: "signed-out", deployment, pairing: null },
    answers: { lookInvitation: { inviter: { account: NOOR, name: "Noor Haddad" }, expires: NOW } },
    does: [{ fill: "Invitation", with: "PLI1-0123" }],
  },
  "signed-out-pair": {
    at: "/join",
    state: { kind: "signed-out", deployment, pairing: null },
    does: [{ press: "I use Porchlight on another device" }],
  },
  "signed-out-restore": {
    at: "/join",
    state: { kind: "signed-out", deployment, pairing: null },
    does: [{ press: "I have a recovery code" }],
  },
  "locked-busy": {
    at: "/",
    state: {
      kind: "locked",
      deployment,
      name: "Alice Marlow",
      account: ME,
      ways: [{ kind: "passphrase" }],
    },
    hangs: ["unlock"],
    does: [{ fill: "Passphrase", with: "a rather long passphrase" }, { press: "Unlock" }],
  },
  "locked-refused": {
    at: "/",
    state: {
      kind: "locked",
      deployment,
      name: "Alice Marlow",
      account: ME,
      ways: [{ kind: "passphrase" }],
    },
    refuses: { unlock: "unlock-refused" },
    does: [{ fill: "Passphrase", with: "not this" }, { press: "Unlock" }],
  },
  "start-over": {
    at: "/",
    state: {
      kind: "locked",
      deployment,
      name: "Alice Marlow",
      account: ME,
      ways: [{ kind: "passphrase" }],
    },
    does: [{ press: "I cannot unlock it any more" }],
  },
  "notice-code-empty": { at: "/notices/code", state: { kind: "signed-out", deployment, pairing: null } },
  "notice-code-refused": {
    at: "/notices/code",
    state: { kind: "signed-out", deployment, pairing: null },
    refuses: { readNotices: "code-malformed" },
    does: [{ fill: "Notice code", with: "PLN1-ABC" }, { press: "Read" }],
  },
  "notice-code-read": {
    at: "/notices/code",
    state: { kind: "signed-out", deployment, pairing: null },
    answers: {
      readNotices: {
        notices: [notice],
        allClear: { asOf: NOW, clearUntil: 20_400, secretSince: 20_230, overdue: 0 },
        place: { kind: "mirror", url: "https://mirror.example/log", provider: "away" },
      },
    },
    does: [{ fill: "Notice code", with: "PLN1-ABCDE" }, { press: "Read" }],
  },
  "first-who-court": { at: "/", state: ready([]) },
  empty: { at: "/", state: ready([], { contacts: {} }) },
  "empty-known": {
    at: "/",
    state: ready([], { contacts: { [NOOR]: contact(NOOR, "Noor Haddad") } }),
  },
  list: { at: "/", state: ready(SEVERAL) },
  thread: { at: `/c/${FIRST}`, state: ready(SEVERAL), entries: TALK, members },
  trouble: { at: `/c/${SECOND}`, state: changed, entries: TROUBLE, members },
  "trouble-group": { at: `/c/${FIRST}`, state: changed, entries: TALK, members },
  "trouble-several": {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL.map((one) => (one.id === FIRST ? { ...one, changed: [NOOR, INES] } : one))),
    entries: TALK,
    members,
    // Looks as the one before, to axe: for people to look at.
    does: [],
  },
  "thread-begin": {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL),
    entries: TALK,
    members,
    does: [{ top: true }],
  },
  "trouble-begin": {
    at: `/c/${SECOND}`,
    state: changed,
    entries: TROUBLE,
    members,
    does: [{ top: true }, { press: "Details" }],
  },
  "thread-house": { at: `/c/${conversationId(3)}`, state: ready(SEVERAL), entries: TALK, members },
  "thread-no-charter": { at: `/c/${conversationId(4)}`, state: ready(SEVERAL), entries: TALK, members },
  "message-delete": { at: `/c/${FIRST}`, state: ready(SEVERAL), entries: TALK, members, does: DELETING },
  "message-delete-no-charter": {
    at: `/c/${conversationId(4)}`,
    state: ready(SEVERAL),
    entries: TALK,
    members,
    does: DELETING,
  },
  "thread-charter-unknown": {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL, { charters: {} }),
    entries: TALK,
    members,
  },
  "new-conversation": { at: "/", state: ready(SEVERAL), does: [{ press: "New conversation" }] },
  "new-conversation-refused": {
    at: "/",
    state: ready(SEVERAL),
    refuses: { addContact: "contact-code-malformed" },
    does: [
      { press: "New conversation" },
      { fill: "Contact link or code", with: "https://example.org/" },
      { press: "Add" },
    ],
  },
  "new-conversation-foreign": {
    at: "/",
    state: ready(SEVERAL),
    does: [
      { press: "New conversation" },
      { fill: "Contact link or code", with: "https://other.example/join#contact=plc1.AAAA" },
      { press: "Add" },
      { sees: "This link is not of this service" },
    ],
  },
  leave: {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL),
    entries: TALK,
    members,
    does: [{ press: "More about this conversation" }, { press: "Leave" }],
  },
  "hostile-begin": { ...hostile, does: [{ top: true }] },
  hostile,
  transfers: {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL, {
      transfers: {
        a: transfer(0, { kind: "running" }, "film.mp4"),
        b: transfer(1, { kind: "waiting" }, "second.mp4"),
        c: transfer(2, { kind: "needs-file" }, "third.mp4"),
        d: transfer(3, { kind: "failed", code: "quota" }, "fourth.mp4"),
      },
    }),
    entries: [
      message(
        ME,
        "The recordings",
        { id: "sending", delivery: { kind: "queued" } },
        { attachments: ["film.mp4", "second.mp4", "third.mp4", "fourth.mp4"].map(file) },
      ),
    ],
    members,
  },
  "waiting-for": {
    at: `/c/${FIRST}/people`,
    state: ready([
      conversation(1, {
        people: 1,
        waitingFor: [NOOR],
        renameRefused: { id: "title", title: "Harvest", code: "quota" },
      }),
    ]),
    entries: [message(ME, "Welcome, whenever you come", { delivery: { kind: "queued" } })],
    members: members.filter(({ isMe }) => isMe),
  },
  offline: {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL, { connection: { kind: "offline", since: NOW, code: "offline" } }),
    entries: [
      ...TALK,
      message(ME, "Sent when the train is out of the tunnel", { delivery: { kind: "queued" } }),
    ],
    members,
  },
  connecting: {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL, { connection: { kind: "connecting", since: NOW } }),
    entries: TALK,
    members,
  },
  "clock-wrong": {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL, { connection: { kind: "offline", since: NOW, code: "clock-wrong" } }),
    entries: TALK,
    members,
  },
  "log-refused": {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL, { log: { kind: "refused", code: "fork" } }),
    entries: TALK,
    members,
  },
  "log-stale": {
    at: `/c/${FIRST}`,
    state: ready(SEVERAL, { log: { kind: "stale", asOf: NOW, place: { kind: "provider" } } }),
    entries: TALK,
    members,
  },
  "thread-empty": { at: `/c/${SECOND}`, state: ready(SEVERAL), entries: [], members },
  proposal: { at: `/c/${conversationId(6)}`, state: ready(SEVERAL), entries: TALK, members },
  left: { at: `/c/${conversationId(7)}`, state: ready(SEVERAL), entries: TALK, members },
  gone: { at: "/c/ffff", state: ready(SEVERAL) },
  people: comparing,
  "people-changed": { at: `/c/${SECOND}/people`, state: changed, entries: TALK, members },
  "people-remove": {
    at: `/c/${FIRST}/people`,
    state: ready(SEVERAL),
    entries: TALK,
    members,
    does: [{ press: "Remove Noor Haddad" }],
  },
  "people-add": {
    at: `/c/${FIRST}/people`,
    state: ready(SEVERAL),
    entries: TALK,
    members,
    does: [{ press: "Add people" }],
  },
  "safety-number": { ...comparing, does: [{ press: "Compare keys" }] },
  "safety-number-differs": {
    ...comparing,
    answers: { ...comparing.answers, verifyContact: { matches: false } },
    does: [{ press: "Compare keys" }, { press: "They are the same" }],
  },
  "safety-new": { ...newDevice, does: [{ press: "Compare keys" }] },
  "safety-new-theirs": { ...newDevice, does: [{ press: "Compare keys" }, { press: "It is theirs" }] },
  "safety-new-second": {
    ...newDevice,
    does: [{ press: "Compare keys" }, { press: "It is theirs" }, { press: "The next device" }],
  },
  "safety-new-foreign": { ...newDevice, does: [{ press: "Compare keys" }, { press: "It is not theirs" }] },
  "scan-asking": scanning("asks"),
  "scan-refused": scanning("refuses", "This page may not use the camera"),
  "scan-foreign": {
    at: "/settings/devices",
    state: ready(SEVERAL),
    camera: { shows: "porchlight" },
    does: [{ press: "Add a device" }, { press: "Scan it" }, { sees: "That is no code of Porchlight." }],
  },
  "scan-wrong": scanning({ shows: "plc1.AAAA" }, "That is a contact link."),
  "scan-foreign-contact": {
    at: "/",
    state: ready(SEVERAL),
    camera: { shows: "https://other.example/join#contact=plc1.AAAA" },
    does: [
      { press: "New conversation" },
      { press: "Scan" },
      { sees: "That is a contact link of another service." },
    ],
  },
  "who-court": { at: `/who/${COURT}`, state: ready(SEVERAL) },
  "who-house": { at: `/who/${HOUSE}`, state: ready(SEVERAL) },
  "who-none": { at: "/who/none", state: ready(SEVERAL) },
  "who-unknown": { at: "/who/ffff", state: ready(SEVERAL) },
  "notices-clear": { at: "/notices", state: ready(SEVERAL) },
  "notices-some": {
    at: "/notices",
    state: ready(SEVERAL, {
      notices: [
        { ...notice, contestUntil: 20_412 as NoticeView["firstDay"] },
        { ...notice, id: "8b".repeat(32), kind: "hold-order", role: "other-side", conversations: "all" },
      ],
    }),
  },
  "notices-overdue": {
    at: "/notices",
    state: ready(SEVERAL, {
      allClear: { asOf: NOW, clearUntil: null, secretSince: 20_230 as never, overdue: 2 },
    }),
  },
  "notices-reading": { at: "/notices", state: ready(SEVERAL, { allClear: null }) },
  "settings-profile": { at: "/settings/profile", state: ready(SEVERAL) },
  "settings-devices": {
    at: "/settings/devices",
    state: ready(SEVERAL),
    answers: { unlockWays: WAYS, passkeys: PASSKEYS },
  },
  "settings-devices-offline": {
    at: "/settings/devices",
    state: ready(SEVERAL, { connection: { kind: "offline", since: NOW, code: "offline" } }),
    answers: { unlockWays: WAYS.slice(0, 1) },
    refuses: { passkeys: "offline" },
  },
  "settings-device-name": {
    at: "/settings/devices",
    state: ready(SEVERAL),
    answers: { unlockWays: WAYS },
    does: [{ press: "Rename" }],
  },
  "settings-passphrase": {
    at: "/settings/devices",
    state: ready(SEVERAL),
    answers: { unlockWays: WAYS },
    does: [{ press: "Change" }],
  },
  "settings-unlock-remove": {
    at: "/settings/devices",
    state: ready(SEVERAL),
    answers: { unlockWays: WAYS, passkeys: PASSKEYS },
    does: [{ press: "Remove" }],
  },
  "settings-recovery": recovery,
  "settings-recovery-code": {
    ...recovery,
    state: { ...everybody, me: { ...everybody.me, backup: { kind: "none" } } },
    does: [{ press: "Make a recovery code" }],
  },
  "settings-recovery-replace": { ...recovery, does: [{ press: "Make another code" }] },
  "settings-notice-code": { ...recovery, does: [{ press: "Show the notice code" }] },
  "settings-recovery-refused": {
    at: "/settings/recovery",
    state: ready(SEVERAL),
    refuses: { makeRecoveryCode: "offline" },
    does: [{ press: "Make another code" }, { press: "Make it, and end the one before" }],
  },
  "settings-device-remove": {
    at: "/settings/devices",
    state: ready(SEVERAL),
    answers: { passkeys: [] },
    does: [{ press: "Remove" }],
  },
  "settings-device-add": {
    at: "/settings/devices",
    state: ready(SEVERAL),
    answers: { passkeys: [] },
    does: [{ press: "Add a device" }],
  },
  "settings-notifications": { at: "/settings/notifications", state: ready(SEVERAL) },
  "settings-appearance": { at: "/settings/appearance", state: ready(SEVERAL) },
  "settings-data": { at: "/settings/data", state: ready(SEVERAL) },
  "delete-account": { at: "/settings/data", state: ready(SEVERAL), does: [{ press: "Delete my account" }] },
  "export-refused": {
    at: "/settings/data",
    state: ready(SEVERAL),
    refuses: { exportData: "not-now" },
    does: [{ press: "Export a page to read" }],
  },
  contest: {
    at: "/notices",
    state: ready(SEVERAL, {
      notices: [
        { ...notice, contestUntil: 20_412 as NoticeView["firstDay"] },
        {
          ...notice,
          id: "9d".repeat(32),
          contestUntil: 20_412 as NoticeView["firstDay"],
          contested: "{}",
        },
      ],
    }),
    answers: { contestOrder: { document: "{}" } },
    does: [
      { fill: "Why it should not be opened", with: "I was not there." },
      { press: "Contest this order" },
    ],
  },
  design: { at: "/design", state: ready(SEVERAL) },
};
