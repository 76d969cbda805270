import { formatSuccession } from "../packages/charter/src/succession.ts";
import { formatContent } from "../packages/client/src/content.ts";
import { invitationLink } from "../packages/client/src/invitation.ts";
import { formatDoor } from "../packages/client/src/messenger/door.ts";
import { formatContactCode } from "../packages/client/src/messenger/safety-number.ts";
import { formatRecoveryCode } from "../packages/client/src/recovery-code.ts";
import { formatUnlock } from "../packages/client/src/unlock.ts";
import { accountId, concat, hex, unixSeconds, utf8 } from "../packages/encoding/src/index.ts";
import { formatCopies } from "../packages/evidence/src/custody.ts";
import { writeTar } from "../packages/evidence/src/tar.ts";
import { formatOrder } from "../packages/gate/src/order.ts";
import { parseWarrant } from "../packages/gate/src/warrant.ts";
import { createKeyPackage, prepareCommit } from "../packages/mls/src/index.ts";
import { DAY, noon, person, Room } from "../packages/mls/test/world.ts";
import { formatNoticeCode } from "../packages/notice/src/code.ts";
import { formatOrderFile, formatRequest } from "../packages/parties/src/request-file.ts";
import { xwingKeygen } from "../packages/quorum/src/xwing.ts";
import { appendLeaves, EMPTY_FRONTIER, encodeFrontier } from "../packages/tlog/src/frontier.ts";
import { logIndex } from "../packages/tlog/src/index.ts";
import { formatSignerKey } from "../packages/tlog/src/vkey.ts";
import { charterOf, DEPLOYMENT, successionDocument } from "../vectors/fixture/deployment.ts";

const bytesOf = (value: unknown): Uint8Array => utf8(JSON.stringify(value));
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value);
const id = (byte: string): string => byte.repeat(32);

const SLOTS = [
  { kind: "passphrase", salt: filled(32, 1), logN: 17, wrapped: filled(60, 2) },
] as unknown as Parameters<typeof formatUnlock>[0];

/** Good input that no vector holds, by the names that the table of parsers uses. */
export async function makeSamples(
  corpus: readonly Uint8Array[],
  logVkey: string,
): Promise<Readonly<Record<string, Uint8Array>>> {
  const warrant = corpus.find((bytes) => accepts(() => parseWarrant(bytes))) as Uint8Array;
  const order = { warrant, opening: filled(32, 1), index: logIndex(7) };
  const room = await Room.of(2);
  const keyPackage = await createKeyPackage(person(), noon(DAY));
  const made = await prepareCommit(room.seat(0).conversation, { adds: [keyPackage.public], day: DAY });
  const label = { account: id("aa"), conversation: id("bb"), day: DAY };
  return {
    entryBundle: Uint8Array.from([0, 3, 1, 2, 3, 0, 2, 4, 5]),
    frontier: encodeFrontier(
      appendLeaves(
        EMPTY_FRONTIER,
        Array.from({ length: 300 }, (_, index) => filled(32, index % 256)),
      ).state,
    ),
    signerKey: utf8(formatSignerKey("ed25519", "witness.example.org", filled(32, 7))),
    treeSizeBody: utf8("1234\n"),
    pairingCode: utf8("0K7Q-M4TX-D9PV"),
    recoveryCode: utf8(formatRecoveryCode(filled(16, 5))),
    invitation: utf8(invitationLink("https://chat.example.org", filled(32, 6))),
    messageContent: Uint8Array.from([3, 1, 2, 3, 64, 64, ...filled(64, 9), 0, 0]),
    senderData: filled(12, 1),
    order: formatOrder(order),
    orderFile: formatOrderFile({ ...order, others: null }),
    request: formatRequest(parseWarrant(warrant)),
    orderEvent: bytesOf({
      version: 1,
      kind: "released",
      order: hex(filled(32, 3)),
      release: 0,
      at: 1_789_000_000,
    }),
    commit: made.commit,
    welcome: made.welcome as Uint8Array,
    keyPackage: keyPackage.public,
    ratchetTree: made.ratchetTree,
    content: formatContent({ id: "m1", at: unixSeconds(1_789_000_000), text: "Good morning" }),
    material: bytesOf({
      version: 2,
      labels: [
        {
          ...label,
          envelopes: [{ seq: 1, epoch: 1, at: 1_789_000_000, envelope: "AAAA", inner: "AAAA" }],
          messages: [{ seq: 2, epoch: 1, submitter: id("aa"), at: 1_789_000_000, wire: "AAAA" }],
          complete: true,
        },
      ],
    }),
    otherSides: bytesOf({ version: 1, day: DAY, sides: [] }),
    join: xwingKeygen(filled(32, 4)).publicKey,
    check: Uint8Array.of(1, 3),
    succession: formatSuccession(successionDocument(await charterOf("court"))),
    unlock: formatUnlock(SLOTS),
    door: formatDoor({ name: "Ada", account: accountId(id("aa")), slots: SLOTS }),
    contactCode: utf8(formatContactCode(accountId(id("aa")), "Ada")),
    noticeKey: filled(32 + 1313, 3),
    noticeCode: utf8(formatNoticeCode(filled(32, 8))),
    thread: bytesOf({ version: 1, count: 3 }),
    orderConversations: bytesOf({ version: 1, labels: [label] }),
    keyholderConfig: bytesOf({
      name: "keyholder-1",
      deployment: DEPLOYMENT,
      port: 7401,
      server: "http://127.0.0.1:7400",
      log: logVkey,
      workFactor: 10,
      batches: "daily",
      patienceSeconds: 20,
    }),
    serverConfig: bytesOf({ deployment: DEPLOYMENT, port: 7400, host: "127.0.0.1", workFactor: 10 }),
    witnessConfig: bytesOf({ name: "witness-1", deployment: DEPLOYMENT, port: 7406, logs: [logVkey] }),
    copies: concat(
      ...formatCopies(
        [1, 2].map((number) => ({
          at: unixSeconds(1_789_000_000 + number),
          actor: "Agency of Exampleland",
          action: "copied",
          subject: `package ${number} (${id("cc")}) for counsel of the defence`,
          digest: id("dd"),
        })),
      ),
    ),
    tar: writeTar(
      new Map([
        ["data/a.txt", utf8("a")],
        ["data/b.txt", filled(700, 98)],
      ]),
      "evidence",
      unixSeconds(1_789_000_000),
    ),
  };
}

function accepts(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
