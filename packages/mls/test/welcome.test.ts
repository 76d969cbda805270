// Welcomes and key packages by a member who controls everything that it signs.
import { type DayNumber, dayNumber, dayStart, SECONDS_PER_DAY } from "@porchlight/encoding";
import { formatAuthenticatedData } from "@porchlight/envelope";
import { describe, expect, test } from "vitest";
import { createCommit } from "../src/commit.ts";
import { newGroup } from "../src/conversation.ts";
import {
  type CharterExtension,
  DAY_EXTENSION,
  formatDayExtension,
  parseGroupExtensions,
} from "../src/extension.ts";
import {
  applyCommit,
  CHARTER_EXTENSION,
  CIPHER_SUITE,
  createKeyPackage,
  joinContinued,
  joinConversation,
  type MlsSuite,
  type OwnKeyPackage,
  prepareCommit,
  prepareReinit,
  type SuspendedConversation,
} from "../src/index.ts";
import { parseMessage } from "../src/wire-format.ts";
import {
  encodeMlsMessage,
  encodeRatchetTree,
  generateKeyPackageWithKey,
  makeResumptionPsk,
  type Proposal,
} from "./stock.ts";
import { codeOf, DAY, noon, person, Room, random, type Seat, suite, TERMS } from "./world.ts";

type State = Seat["conversation"]["state"];

function adding(keyPackage: OwnKeyPackage): Proposal {
  return {
    proposalType: "add",
    add: { keyPackage: parseMessage(keyPackage.public, "mls_key_package").keyPackage },
  };
}

function draft(proposals: readonly Proposal[], day: DayNumber, path: boolean) {
  return {
    proposals,
    path,
    authenticatedData: formatAuthenticatedData({ day, counter: 0, franking: null }),
    groupInfoExtensions: [{ extensionType: DAY_EXTENSION, extensionData: formatDayExtension(day) }],
  };
}

describe("MLS-25: a Welcome", () => {
  /** What somebody says who is welcomed by a commit made with this suite from this state. */
  async function welcomed(change: {
    suite?: MlsSuite;
    state?: Partial<State>;
    path?: boolean;
  }): Promise<string> {
    const room = await Room.of(3);
    const by = room.seat(1);
    const device = person();
    const keyPackage = await createKeyPackage(device, noon());
    const made = await createCommit(
      change.suite ?? suite,
      { ...by.conversation.state, ...change.state },
      draft([adding(keyPackage)], DAY, change.path ?? false),
    );
    try {
      await joinConversation({
        device,
        keyPackage,
        welcome: made.welcome as Uint8Array,
        ratchetTree: encodeRatchetTree(made.state.ratchetTree),
        submitter: by.device.account,
        now: noon(),
      });
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
    return "accepted";
  }

  test("is accepted with and without path secrets", async () => {
    expect(await welcomed({})).toBe("accepted");
    expect(await welcomed({ path: true })).toBe("accepted");
  });

  test("is refused where another key than the signer's signed its GroupInfo", async () => {
    expect(await welcomed({ state: { signaturePrivateKey: random(32) } })).toBe(
      "welcome-refused: GroupInfo signature",
    );
  });

  test("is refused where its confirmation tag does not come from its secrets", async () => {
    const { hash } = suite.mls;
    const flipped = async (key: Uint8Array, data: Uint8Array) => {
      const tag = await hash.mac(key, data);
      tag[0] = (tag[0] as number) ^ 1;
      return tag;
    };
    const forging = { ...suite, mls: { ...suite.mls, hash: { ...hash, mac: flipped } } };
    expect(await welcomed({ suite: forging })).toBe("welcome-refused: confirmation tag");
  });

  test("is refused where its path secret does not give the keys of the tree", async () => {
    const { hpke } = suite.mls;
    const forging: MlsSuite = {
      ...suite,
      mls: {
        ...suite.mls,
        hpke: {
          ...hpke,
          seal: (key, plaintext, info, aad) => {
            const altered = plaintext.slice();
            // GroupSecrets: length and joiner_secret, presence and length of path_secret, then its first byte.
            if (new TextDecoder("latin1").decode(info).includes("Welcome"))
              altered[35] = (altered[35] as number) ^ 1;
            return hpke.seal(key, altered, info, aad);
          },
        },
      },
    };
    expect(await welcomed({ suite: forging, path: true })).toBe("welcome-refused: path secret");
  });

  test("is refused by somebody else's key package", async () => {
    const room = await Room.of(2);
    const [device, other] = [person(), person()];
    const [keyPackage, foreign] = [
      await createKeyPackage(device, noon()),
      await createKeyPackage(other, noon()),
    ];
    const made = await prepareCommit(room.seat(0).conversation, { adds: [keyPackage.public], day: DAY });
    await expect(
      joinConversation({
        device: other,
        keyPackage: foreign,
        welcome: made.welcome as Uint8Array,
        ratchetTree: made.ratchetTree,
        submitter: room.seat(0).device.account,
        now: noon(),
      }),
    ).rejects.toThrow("welcome-refused: not for this key package");
  });
});

describe("MLS-61: the group that follows a ReInit", () => {
  /** What a member who accepted says to a next group that another one makes as it likes. */
  async function continued(change: {
    extension?: Partial<CharterExtension>;
    groupId?: Uint8Array;
    day?: DayNumber;
    usage?: "reinit" | "branch";
    stranger?: boolean;
    later?: boolean;
  }): Promise<string> {
    const room = await Room.of(2, TERMS);
    const [by, seat] = [room.seat(0), room.seat(1)];
    const charter = TERMS.charter.replace(/^c4/, "d5") as typeof TERMS.charter;
    const made = await prepareReinit(by.conversation, { charter, day: DAY, random });
    const applied = await applyCommit(seat.conversation, made.commit, {
      submitter: by.device.account,
      now: noon(),
      arrival: "live",
      accept: { charter },
    });
    const held = applied.conversation as SuspendedConversation;
    const { groupActiveState } = made.pending.state;
    if (groupActiveState.kind !== "suspendedPendingReinit") throw new Error(groupActiveState.kind);
    const { reinit } = groupActiveState;
    const extension = { ...parseGroupExtensions(reinit.extensions), ...change.extension };
    const first = await newGroup(by.device, change.groupId ?? reinit.groupId, extension, noon());
    const psk = makeResumptionPsk(made.pending.state, change.usage ?? "reinit", suite.mls);
    const proposals: Proposal[] = [{ proposalType: "psk", psk: { preSharedKeyId: psk.id } }];
    if (change.stranger === true) proposals.push(adding(await createKeyPackage(person(), noon())));
    let { state } = first;
    if (change.later === true) state = (await createCommit(suite, state, draft([], DAY, true))).state;
    const keyPackage = await createKeyPackage(seat.device, noon());
    const next = await createCommit(suite, state, {
      ...draft([...proposals, adding(keyPackage)], change.day ?? DAY, true),
      resumed: made.pending.state,
    });
    try {
      await joinContinued(held, {
        device: seat.device,
        keyPackage,
        welcome: next.welcome as Uint8Array,
        ratchetTree: encodeRatchetTree(next.state.ratchetTree),
        submitter: by.device.account,
        now: noon(),
      });
    } catch (error) {
      return error instanceof Error ? error.message : "";
    }
    return "accepted";
  }

  test("is joined as it was announced", async () => {
    expect(await continued({})).toBe("accepted");
  });

  test("is refused with another charter, conversation, group id, epoch or day, with strangers, or as a branch", async () => {
    expect(await continued({ extension: { charter: null } })).toBe("charter-change-not-accepted");
    expect(await continued({ extension: { charter: TERMS.charter } })).toBe("charter-change-not-accepted");
    expect(await continued({ extension: { conversation: "ab".repeat(32) as never } })).toBe(
      "charter-change-not-accepted",
    );
    expect(await continued({ groupId: random(32) })).toBe("welcome-refused: group id");
    expect(await continued({ later: true })).toBe("welcome-refused: epoch");
    const yesterday = dayNumber(DAY - 1);
    expect(await continued({ extension: { day: yesterday }, day: yesterday })).toBe("day-backwards");
    expect(await continued({ stranger: true })).toBe("not-a-member");
    expect(await continued({ usage: "branch" })).toBe("welcome-refused: pre-shared key");
  });
});

describe("MLS-12, MLS-13: a key package", () => {
  const capabilities = {
    versions: ["mls10" as const],
    ciphersuites: [CIPHER_SUITE as "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"],
    extensions: [CHARTER_EXTENSION],
    proposals: [],
    credentials: ["basic" as const],
  };

  /** What an inviter says to a key package of this lifetime in days, altered before it is encoded. */
  async function offered(
    days: number,
    alter: (
      keyPackage: Awaited<ReturnType<typeof generateKeyPackageWithKey>>["publicPackage"],
    ) => void = () => {},
  ): Promise<string> {
    const room = await Room.of(1);
    const device = person();
    const start = dayStart(DAY);
    const { publicPackage } = await generateKeyPackageWithKey(
      { credentialType: "basic", identity: device.credential },
      capabilities,
      { notBefore: BigInt(start), notAfter: BigInt(start + days * SECONDS_PER_DAY) },
      [],
      { signKey: device.deviceSeed, publicKey: device.deviceKey },
      suite.mls,
    );
    alter(publicPackage);
    const bytes = encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_key_package",
      keyPackage: publicPackage,
    });
    return codeOf(() => prepareCommit(room.seat(0).conversation, { adds: [bytes], day: DAY }));
  }

  test("lives 91 days and no longer", async () => {
    expect(await offered(91)).toBe("accepted");
    expect(await offered(92)).toBe("key-package-refused");
    expect(await offered(-1)).toBe("key-package-refused");
  });

  test("is refused where either of its signatures does not verify", async () => {
    const flip = (bytes: Uint8Array) => {
      bytes[5] = (bytes[5] as number) ^ 1;
    };
    expect(await offered(90, ({ signature }) => flip(signature))).toBe("key-package-refused");
    expect(await offered(90, ({ leafNode }) => flip(leafNode.signature))).toBe("key-package-refused");
    expect(await offered(90, ({ initKey }) => flip(initKey))).toBe("key-package-refused");
  });
});
