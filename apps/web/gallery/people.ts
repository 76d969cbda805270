import type { CharterView, ContactView, ConversationView, MeView, ReadyState } from "@porchlight/client/page";

export const NOW = 1_764_000_000 as ReadyState["connection"]["since"];
const id = <T>(start: string): T => start.padEnd(64, "0") as T;
type Account = ContactView["account"];
type ConversationId = ConversationView["id"];
type CharterId = CharterView["id"];
type Day = CharterView["validFrom"];

export const ME = id<Account>("a11ce0");
export const NOOR = id<Account>("0b0e01");
export const TOMAS = id<Account>("70a5f2");
export const INES = id<Account>("1ae5c3");
export const COURT = id<CharterId>("c0a7");
export const HOUSE = id<CharterId>("h0b5e".replace("h", "f"));
export const conversationId = (n: number): ConversationId => id<ConversationId>(`c0${n.toString(16)}e`);

const keyholder = (name: string, owner: string, payer: string, jurisdiction: string) => ({
  name,
  owner,
  payer,
  jurisdiction,
});

const COURT_CHARTER: CharterView = {
  id: COURT,
  kind: "court",
  deployment: "porchlight.example",
  isReplay: false,
  validFrom: 20_400 as Day,
  validUntil: 21_500 as Day,
  provider: "Example Messages",
  threshold: 3,
  keyholders: [
    keyholder("Data Protection Authority", "State", "State budget", "Northland"),
    keyholder("Bar Association", "Its members", "Membership fees", "Northland"),
    keyholder("University of the Coast", "Foundation", "Foundation", "Westland"),
    keyholder("Consumer Union", "Its members", "Membership fees", "Southland"),
    keyholder("Press Council", "Its members", "Publishers", "Northland"),
  ],
  replacements: [
    {
      lost: "Institute of Archives",
      successor: "Press Council",
      ground: "The institute was dissolved at the end of the year.",
      at: NOW,
    },
  ],
  issuers: [{ name: "district-court", title: "District Court, investigating judge" }],
  inspection: null,
  legalBases: ["Code of Criminal Procedure, s. 100b"],
  offenceCategories: ["Murder and manslaughter", "Extortion", "Abuse of children"],
  retentionDays: 90,
  contestDays: 5,
  longestSecrecyDays: 180,
  longestPreservationDays: 90,
  caps: { accountsPerWarrant: 3, daysPerWarrant: 30, warrantsPer30Days: 5 },
  warnings: [{ kind: "shared-jurisdiction", name: "Northland" }],
  history: { orders: 7, revoked: 1, preserved: 2, asOf: NOW },
};

const HOUSE_CHARTER: CharterView = {
  ...COURT_CHARTER,
  id: HOUSE,
  kind: "house",
  isReplay: true,
  provider: "Hospital of the Holy Ghost",
  threshold: 2,
  keyholders: [
    keyholder("Staff association", "Its members", "Hospital", "Northland"),
    keyholder("Data protection officer", "Hospital", "Hospital", "Northland"),
    keyholder("Auditors Kranz & Partner", "Partners", "Hospital", "Northland"),
  ],
  replacements: [],
  issuers: [
    { name: "legal", title: "Head of legal affairs" },
    { name: "director", title: "Managing director" },
  ],
  inspection: { inspectors: [{ name: "works-council", title: "Works council" }], days: 3 },
  legalBases: ["Works agreement on legal holds, s. 4"],
  offenceCategories: ["Legal hold in a pending case", "Internal investigation"],
  warnings: [{ kind: "shared-payer", name: "Hospital" }],
  history: { orders: 1, revoked: 0, preserved: 0, asOf: NOW },
};

const me: MeView = {
  account: ME,
  name: "Alice Marlow",
  fingerprint: "31415 92653 58979 32384 62643 38327",
  contactCode: "PLC1-8K4NW-TQ2RZ-X6M3P-1V7YB-G5H0J-C9DFA",
  holdsIdentity: true,
  backup: { kind: "current" },
  devicesAt: NOW,
  devices: [
    {
      key: "ab".repeat(32),
      isThis: true,
      name: "Laptop",
      since: NOW,
      sessions: [{ id: "s1", lastUsed: NOW, isThis: true }],
    },
    {
      key: "cd".repeat(32),
      isThis: false,
      name: "Phone",
      since: NOW,
      sessions: [
        { id: "s2", lastUsed: NOW, isThis: false },
        { id: "s3", lastUsed: NOW, isThis: false },
      ],
    },
  ],
};

export const contact = (account: Account, name: string, more: Partial<ContactView> = {}): ContactView => ({
  account,
  name,
  isNameAmbiguous: false,
  trust: { kind: "unverified" },
  ...more,
});

export const conversation = (n: number, more: Partial<ConversationView> = {}): ConversationView => ({
  id: conversationId(n),
  title: `Conversation ${n}`,
  kind: "group",
  peer: null,
  charter: COURT,
  status: { kind: "active" },
  people: 4,
  membersVersion: 1,
  unread: 0,
  mentions: 0,
  firstUnread: null,
  renameWaiting: false,
  renameRefused: null,
  draft: "",
  waitingFor: [],
  changed: [],
  queued: 0,
  pinned: false,
  muted: false,
  archived: false,
  last: { from: NOOR, fromMe: false, kind: "text", text: "See you on Friday." },
  lastAt: (NOW - n * 4000) as ConversationView["lastAt"],
  typing: [],
  ...more,
});

export function ready(
  conversations: readonly ConversationView[],
  more: Partial<ReadyState> = {},
): ReadyState {
  const state = {
    kind: "ready",
    log: { kind: "fresh", asOf: NOW, place: { kind: "provider" } },
    pairing: null,
    deployment: { url: "http://localhost:7400", origin: "log.porchlight.example" },
    me,
    connection: { kind: "online", since: NOW },
    settings: { receipts: true, typing: true, notifications: "all" },
    conversations: Object.fromEntries(conversations.map((one) => [one.id, one])),
    contacts: {
      [NOOR]: contact(NOOR, "Noor Haddad", { trust: { kind: "verified", at: NOW } }),
      [TOMAS]: contact(TOMAS, "Tomás Rivera"),
      [INES]: contact(INES, "Inês Carvalho"),
    },
    charters: { [COURT]: COURT_CHARTER, [HOUSE]: HOUSE_CHARTER },
    notices: [],
    allClear: { asOf: NOW, clearUntil: 20_400 as Day, secretSince: 20_230 as Day, overdue: 0 },
    transfers: {},
    ...more,
  };
  return state as ReadyState;
}

export const SEVERAL: readonly ConversationView[] = [
  conversation(1, { title: "Garden club", pinned: true, unread: 3, mentions: 1, typing: [TOMAS] }),
  conversation(2, {
    title: "Noor Haddad",
    kind: "direct",
    peer: NOOR,
    people: 2,
    last: { from: ME, fromMe: true, kind: "text", text: "I am on my way" },
  }),
  conversation(3, { title: "Night shift, ward 4", charter: HOUSE, muted: true, unread: 12 }),
  conversation(4, {
    title: "Tomás Rivera",
    kind: "direct",
    peer: TOMAS,
    people: 2,
    charter: null,
    draft: "What about Tuesday?",
  }),
  conversation(5, {
    title: "Choir",
    queued: 2,
    last: { from: INES, fromMe: false, kind: "attachment", text: "programme.pdf" },
  }),
  conversation(6, {
    title: "Allotment committee",
    status: { kind: "charter-proposed", by: INES, charter: HOUSE },
  }),
  conversation(7, { title: "Old flat", archived: true, status: { kind: "left" } }),
];
