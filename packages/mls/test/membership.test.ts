import { ed25519 } from "@noble/curves/ed25519.js";
import { dayNumber } from "@porchlight/encoding";
import { formatAuthenticatedData } from "@porchlight/envelope";
import { describe, expect, test } from "vitest";
import { createCommit } from "../src/commit.ts";
import { DAY_EXTENSION, formatDayExtension, groupExtensions } from "../src/extension.ts";
import {
  applyCommit,
  CHARTER_EXTENSION,
  createDevice,
  createKeyPackage,
  joinConversation,
  membersOf,
  type OwnDevice,
  prepareCommit,
  restoreDevice,
} from "../src/index.ts";
import { parseMessage } from "../src/wire-format.ts";
import {
  createGroupInfoWithExternalPub,
  createProposal,
  createCommit as createStockCommit,
  defaultClientConfig,
  encodeMlsMessage,
  encodeRatchetTree,
  generateKeyPackageWithKey,
  joinGroupExternal,
  makeCustomExtension,
  type Proposal,
} from "./stock.ts";
import {
  active,
  codeOf,
  DAY,
  encrypt,
  noon,
  person,
  Room,
  random,
  read,
  receive,
  type Seat,
  sent,
  suite,
  TERMS,
  text,
} from "./world.ts";

/** A commit with these proposals by somebody who skips every check of ours. */
async function forge(
  by: Seat,
  proposals: readonly Proposal[],
  options: { day?: number; path?: boolean; authenticatedData?: Uint8Array } = {},
) {
  const day = dayNumber(options.day ?? by.conversation.day);
  return createCommit(
    suite,
    { ...by.conversation.state, clientConfig: defaultClientConfig },
    {
      proposals,
      path: options.path ?? false,
      authenticatedData:
        options.authenticatedData ?? formatAuthenticatedData({ day, counter: 0, franking: null }),
      groupInfoExtensions: [{ extensionType: DAY_EXTENSION, extensionData: formatDayExtension(day) }],
    },
  );
}

function apply(seat: Seat, commit: Uint8Array, by: Seat) {
  return applyCommit(seat.conversation, commit, {
    submitter: by.device.account,
    now: noon(),
    arrival: "live",
  });
}

describe("a server", () => {
  test("MLS-23: cannot join by an external commit, even with the group's external key", async () => {
    const room = await Room.of(3);
    const intruder = person();
    const own = await createKeyPackage(intruder, noon());
    const { keyPackage } = parseMessage(own.public, "mls_key_package");
    const { state } = room.seat(0).conversation;
    const groupInfo = await createGroupInfoWithExternalPub(state, [], suite.mls);
    const external = await joinGroupExternal(
      groupInfo,
      keyPackage,
      {
        initPrivateKey: own.initPrivateKey,
        hpkePrivateKey: own.leafPrivateKey,
        signaturePrivateKey: intruder.deviceSeed,
      },
      false,
      suite.mls,
      state.ratchetTree,
      state.clientConfig,
      formatAuthenticatedData({ day: DAY, counter: 0, franking: null }),
    );
    const commit = encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_public_message",
      publicMessage: external.publicMessage,
    });
    for (const seat of room.seats) {
      expect(
        await codeOf(() =>
          applyCommit(seat.conversation, commit, {
            submitter: intruder.account,
            now: noon(),
            arrival: "live",
          }),
        ),
      ).toBe("proposal-refused");
    }
  });

  test("MLS-23: cannot put a reader into a commit without a member's key", async () => {
    const room = await Room.of(3);
    const by = room.seat(1);
    const keyPackage = await createKeyPackage(person(), noon());
    const made = await prepareCommit(by.conversation, { adds: [keyPackage.public], day: DAY });
    const message = parseMessage(made.commit, "mls_public_message");
    // The server knows everything on the wire but neither the member's key nor the epoch's membership key.
    for (const change of ["signature", "membershipTag"] as const) {
      const { publicMessage } = structuredClone(message);
      const field =
        change === "signature" || publicMessage.senderType !== "member"
          ? publicMessage.auth.signature
          : publicMessage.membershipTag;
      field[0] = (field[0] as number) ^ 1;
      expect(
        await codeOf(() => apply(room.seat(0), encodeMlsMessage({ ...message, publicMessage }), by)),
      ).toBe("commit-refused");
    }
  });

  test("MLS-10: cannot invent a device of somebody's account: no member adds it", async () => {
    const room = await Room.of(3);
    const victim = room.seat(2).device;
    const seed = random(32);
    const invented: OwnDevice = {
      ...victim,
      deviceSeed: seed,
      deviceKey: ed25519.getPublicKey(seed),
    };
    const keyPackage = await createKeyPackage(invented, noon());
    const { conversation } = room.seat(0);
    expect(await codeOf(() => prepareCommit(conversation, { adds: [keyPackage.public], day: DAY }))).toBe(
      "credential-refused",
    );
  });

  test("MLS-10: cannot invent a device of somebody's account: not even with a member's help", async () => {
    const room = await Room.of(3);
    const seed = random(32);
    const invented = { ...room.seat(2).device, deviceSeed: seed, deviceKey: ed25519.getPublicKey(seed) };
    const { keyPackage } = parseMessage((await createKeyPackage(invented, noon())).public, "mls_key_package");
    const made = await forge(room.seat(1), [{ proposalType: "add", add: { keyPackage } }]);
    expect(await codeOf(() => apply(room.seat(0), made.commit, room.seat(1)))).toBe("credential-refused");
    // Nor does one who is invited accept a group where such a device already sits.
    const state = made.state;
    const invited = person();
    const own = await createKeyPackage(invited, noon());
    const second = await createCommit(suite, state, {
      proposals: [
        {
          proposalType: "add",
          add: { keyPackage: parseMessage(own.public, "mls_key_package").keyPackage },
        },
      ],
      path: false,
      authenticatedData: formatAuthenticatedData({ day: DAY, counter: 0, franking: null }),
      groupInfoExtensions: [{ extensionType: DAY_EXTENSION, extensionData: formatDayExtension(DAY) }],
    });
    expect(
      await codeOf(() =>
        joinConversation({
          device: invited,
          keyPackage: own,
          welcome: second.welcome as Uint8Array,
          ratchetTree: encodeRatchetTree(second.state.ratchetTree),
          submitter: room.seat(1).device.account,
          now: noon(),
        }),
      ),
    ).toBe("credential-refused");
  });

  test("MLS-52: a commit stamped with another account than the committer's is refused", async () => {
    const room = await Room.of(3);
    const made = await prepareCommit(room.seat(1).conversation, { day: DAY });
    expect(await codeOf(() => apply(room.seat(0), made.commit, room.seat(2)))).toBe("submitter-mismatch");
    expect((await apply(room.seat(0), made.commit, room.seat(1))).conversation.kind).toBe("active");
  });

  test("MLS-25: another ratchet tree than the one that was signed is refused", async () => {
    const room = await Room.of(3);
    const invited = person();
    const own = await createKeyPackage(invited, noon());
    const made = await prepareCommit(room.seat(0).conversation, { adds: [own.public], day: DAY });
    const input = {
      device: invited,
      keyPackage: own,
      welcome: made.welcome as Uint8Array,
      submitter: room.seat(0).device.account,
      now: noon(),
    };
    const other = await prepareCommit(room.seat(0).conversation, { day: DAY });
    expect(await codeOf(() => joinConversation({ ...input, ratchetTree: other.ratchetTree }))).toBe(
      "tree-refused",
    );
    const longer = new Uint8Array([...made.ratchetTree, 0]);
    expect(await codeOf(() => joinConversation({ ...input, ratchetTree: longer }))).toBe("malformed");
    expect((await joinConversation({ ...input, ratchetTree: made.ratchetTree })).kind).toBe("active");
  });

  test("MLS-25: a Welcome stamped with another account than its signer's is refused", async () => {
    const room = await Room.of(2);
    const invited = person();
    const own = await createKeyPackage(invited, noon());
    const made = await prepareCommit(room.seat(0).conversation, { adds: [own.public], day: DAY });
    expect(
      await codeOf(() =>
        joinConversation({
          device: invited,
          keyPackage: own,
          welcome: made.welcome as Uint8Array,
          ratchetTree: made.ratchetTree,
          submitter: room.seat(1).device.account,
          now: noon(),
        }),
      ),
    ).toBe("submitter-mismatch");
  });
});

describe("a commit", () => {
  test("MLS-23: GroupContextExtensions is refused, and so is every proposal by reference", async () => {
    const room = await Room.of(3);
    const by = room.seat(1);
    const extensions = groupExtensions({
      charter: TERMS.charter,
      conversation: by.conversation.id,
      day: DAY,
    });
    const changed = await forge(by, [
      { proposalType: "group_context_extensions", groupContextExtensions: { extensions } },
    ]);
    expect(await codeOf(() => apply(room.seat(0), changed.commit, by))).toBe("proposal-refused");

    const proposed = await createProposal(
      by.conversation.state,
      true,
      { proposalType: "remove", remove: { removed: 2 } },
      suite.mls,
    );
    const proposal = encodeMlsMessage(proposed.message);
    expect(await codeOf(() => apply(room.seat(0), proposal, by))).toBe("unsupported");
    const referring = await createStockCommit(
      { state: proposed.newState, cipherSuite: suite.mls },
      {
        wireAsPublicMessage: true,
        authenticatedData: formatAuthenticatedData({ day: DAY, counter: 0, franking: null }),
      },
    );
    const error = await codeOf(() => apply(room.seat(0), encodeMlsMessage(referring.commit), by));
    expect(error).toBe("proposal-refused");
  });

  test("MLS-3: a commit as PrivateMessage, and one that names no member as its sender, are refused", async () => {
    const room = await Room.of(3);
    const by = room.seat(1);
    const authenticatedData = formatAuthenticatedData({ day: DAY, counter: 0, franking: null });
    const { commit } = await createStockCommit(
      { state: by.conversation.state, cipherSuite: suite.mls },
      { wireAsPublicMessage: false, authenticatedData },
    );
    const hidden = encodeMlsMessage(commit);
    expect(await codeOf(() => apply(room.seat(0), hidden, by))).toBe("unsupported");
    expect(await receive(room.seat(0).conversation, hidden, by.device.account)).toEqual({
      kind: "refused",
      code: "malformed",
    });
    const made = await prepareCommit(by.conversation, { day: DAY });
    const { publicMessage } = parseMessage(made.commit, "mls_public_message");
    const outside = encodeMlsMessage({
      version: "mls10",
      wireformat: "mls_public_message",
      publicMessage: {
        auth: publicMessage.auth,
        content: { ...publicMessage.content, sender: { senderType: "external", senderIndex: 0 } },
        senderType: "external",
      },
    });
    expect(await codeOf(() => apply(room.seat(0), outside, by))).toBe("not-a-member");
  });

  test("MLS-23: another group's commit, the own one, and removals of nobody or of oneself are refused", async () => {
    const [room, other] = [await Room.of(2), await Room.of(2)];
    const { conversation, device } = room.seat(0);
    const made = await prepareCommit(conversation, { day: DAY });
    expect(await codeOf(() => apply(other.seat(1), made.commit, room.seat(0)))).toBe("wrong-group");
    await expect(apply(room.seat(0), made.commit, room.seat(0))).rejects.toThrow("own commit");
    const remove = (account: typeof device.account) =>
      codeOf(() => prepareCommit(conversation, { removes: [account], day: DAY }));
    expect(await remove(device.account)).toBe("proposal-refused");
    expect(await remove(person().account)).toBe("not-a-member");
  });

  test("MLS-23: PreSharedKey and unknown proposals are refused", async () => {
    const room = await Room.of(3);
    const by = room.seat(1);
    const custom = await forge(by, [{ proposalType: 0xf123, proposalData: new Uint8Array(3) }]);
    expect(await codeOf(() => apply(room.seat(0), custom.commit, by))).toBe("proposal-refused");
  });

  test("MLS-26: a member cannot hand its seat to somebody else's device", async () => {
    const room = await Room.of(3);
    const by = room.seat(1);
    // A willing friend's account signs the member's device key: the library would take it for a change of credential.
    const friend = createDevice({ suite, identitySeed: random(32), random: () => by.device.deviceSeed });
    const { state } = by.conversation;
    const tree = [...state.ratchetTree];
    const leaf = tree[2];
    if (leaf?.nodeType !== "leaf") throw new Error("leaf");
    tree[2] = {
      nodeType: "leaf",
      leaf: {
        ...leaf.leaf,
        credential: { credentialType: "basic", identity: friend.credential },
      },
    };
    const handed: Seat = {
      device: by.device,
      conversation: { ...by.conversation, state: { ...state, ratchetTree: tree } },
    };
    const made = await forge(handed, [], { path: true });
    expect(await codeOf(() => apply(room.seat(0), made.commit, by))).toBe("commit-refused");
  });

  test("MLS-12: key packages without the charter extension's capability, or with extensions, are refused", async () => {
    const room = await Room.of(2);
    const device = person();
    const make = async (
      extensions: number[],
      own: { extensionType: number; extensionData: Uint8Array }[],
    ) => {
      const { publicPackage } = await generateKeyPackageWithKey(
        { credentialType: "basic", identity: device.credential },
        {
          versions: ["mls10"],
          ciphersuites: ["MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519"],
          extensions,
          proposals: [],
          credentials: ["basic"],
        },
        { notBefore: BigInt(noon() - 60), notAfter: BigInt(noon() + 3600) },
        own,
        { signKey: device.deviceSeed, publicKey: device.deviceKey },
        suite.mls,
      );
      return encodeMlsMessage({ version: "mls10", wireformat: "mls_key_package", keyPackage: publicPackage });
    };
    const { conversation } = room.seat(0);
    const add = (bytes: Uint8Array) => codeOf(() => prepareCommit(conversation, { adds: [bytes], day: DAY }));
    expect(await add(await make([], []))).toBe("leaf-refused");
    expect(await add(await make([CHARTER_EXTENSION], [makeCustomExtension(0xf123)]))).toBe(
      "key-package-refused",
    );
    expect(await add(await make([CHARTER_EXTENSION], []))).toBe("accepted");
  });

  test("MLS-13: a key package outside its lifetime, or with a longer one than 91 days, is refused", async () => {
    const room = await Room.of(2);
    const own = await createKeyPackage(person(), noon());
    const { conversation } = room.seat(0);
    const on = (day: number) =>
      codeOf(() => prepareCommit(conversation, { adds: [own.public], day: dayNumber(day) }));
    expect(await on(DAY + 90)).toBe("accepted");
    expect(await on(DAY + 91)).toBe("key-package-refused");
    // A member that adds it all the same is refused by the others.
    const { keyPackage } = parseMessage(own.public, "mls_key_package");
    const late = await forge(room.seat(0), [{ proposalType: "add", add: { keyPackage } }], {
      day: DAY + 91,
      path: true,
    });
    expect(
      await codeOf(() =>
        applyCommit(room.seat(1).conversation, late.commit, {
          submitter: room.seat(0).device.account,
          now: noon(dayNumber(DAY + 91)),
          arrival: "live",
        }),
      ),
    ).toBe("key-package-refused");
  });

  test("MLS-1: bytes after the end, and any other encoding of the same commit, are refused", async () => {
    const room = await Room.of(2);
    const by = room.seat(0);
    const made = await prepareCommit(by.conversation, { day: DAY });
    expect(await codeOf(() => apply(room.seat(1), new Uint8Array([...made.commit, 0]), by))).toBe(
      "malformed",
    );
    expect(await codeOf(() => apply(room.seat(1), made.commit.slice(0, -1), by))).toBe("malformed");
    expect(await codeOf(() => apply(room.seat(1), made.commit, by))).toBe("accepted");
  });

  test("MLS-23: a commit applied twice is refused", async () => {
    const room = await Room.of(3);
    const made = await room.commit(room.seat(1));
    expect(await codeOf(() => apply(room.seat(0), made.commit, room.seat(1)))).toBe("wrong-epoch");
  });

  test("MLS-6: until the spent secrets are erased the old state works, and afterwards it does not", async () => {
    const room = await Room.of(3);
    const seat = room.seat(0);
    const made = await prepareCommit(room.seat(1).conversation, { day: DAY });
    const first = await apply(seat, made.commit, room.seat(1));
    const crashed = await apply(seat, made.commit, room.seat(1));
    first.spent.erase();
    expect(await codeOf(() => apply(seat, made.commit, room.seat(1)))).toBe("commit-refused");
    const wire = await encrypt(active(crashed.conversation), "the successor shares nothing with it");
    expect(text(await receive(made.pending, sent(wire).wire, seat.device.account))).toContain("successor");
  });
});

describe("members", () => {
  test("MLS-23: a removed member reads nothing more", async () => {
    const room = await Room.of(4);
    const removed = room.seat(3);
    const wire = await room.send(room.seat(0), "before");
    expect(text(await room.receive(removed, wire, room.seat(0)))).toBe("before");
    const made = await prepareCommit(room.seat(0).conversation, {
      removes: [removed.device.account],
      day: DAY,
    });
    const told = await apply(removed, made.commit, room.seat(0));
    expect(told.conversation.kind).toBe("removed");
    expect("state" in told.conversation).toBe(false);
    // One that keeps its old state and keys all the same.
    const kept = removed.conversation;
    room.seats.splice(3, 1);
    await room.take(room.seat(0), made);
    expect(room.seats).toHaveLength(3);
    const after = await room.send(room.seat(1), "after");
    expect(await receive(kept, after, room.seat(1).device.account)).toEqual({
      kind: "refused",
      code: "later-epoch",
    });
    const pretending = {
      ...kept,
      state: {
        ...kept.state,
        groupContext: { ...kept.state.groupContext, epoch: kept.state.groupContext.epoch + 1n },
      },
    };
    expect(await receive(pretending, after, room.seat(1).device.account)).toEqual({
      kind: "refused",
      code: "undecryptable",
    });
    // And the next commit does not let it back in.
    const next = await room.commit(room.seat(2));
    expect(
      await codeOf(() =>
        applyCommit(pretending, next.commit, {
          submitter: room.seat(2).device.account,
          now: noon(),
          arrival: "live",
        }),
      ),
    ).not.toBe("accepted");
    expect(text(await room.receive(room.seat(0), await room.send(room.seat(1), "on"), room.seat(1)))).toBe(
      "on",
    );
  });

  test("MLS-23: a removed member learns it also where the same commit gives its leaf to another", async () => {
    const room = await Room.of(4);
    const removed = room.seat(1);
    const own = await createKeyPackage(person(), noon());
    const made = await prepareCommit(room.seat(0).conversation, {
      adds: [own.public],
      removes: [removed.device.account],
      day: DAY,
    });
    const unsigned = parseMessage(made.commit.slice(), "mls_public_message");
    unsigned.publicMessage.auth.signature[0] = (unsigned.publicMessage.auth.signature[0] as number) ^ 1;
    expect(await codeOf(() => apply(removed, encodeMlsMessage(unsigned), room.seat(0)))).toBe(
      "commit-refused",
    );
    const { conversation, change } = await apply(removed, made.commit, room.seat(0));
    expect(conversation.kind).toBe("removed");
    expect(change.removed.map(({ leaf }) => leaf)).toEqual([1]);
    expect(change.added.map(({ leaf }) => leaf)).toEqual([1]);
    await room.take(room.seat(0), made);
    expect(room.seats).toHaveLength(3);
  });

  test("MLS-14: two devices of one account send, read and are removed together", async () => {
    const room = await Room.of(2);
    const identitySeed = random(32);
    const [phone, laptop] = await room.add(room.seat(0), [person(identitySeed), person(identitySeed)]);
    if (phone === undefined || laptop === undefined) throw new Error("seats");
    expect(phone.device.account).toBe(laptop.device.account);
    expect(
      membersOf(phone.conversation).filter(({ account }) => account === phone.device.account),
    ).toHaveLength(2);
    const wire = await room.send(phone, "from my phone");
    expect(text(await room.receive(laptop, wire, phone))).toBe("from my phone");
    const opened = read(await room.receive(room.seat(1), wire, phone));
    expect(opened.sender).toBe(laptop.device.account);
    await room.commit(room.seat(0), { removes: [phone.device.account] });
    expect(room.seats).toHaveLength(2);
  });

  test("MLS-14: the same device twice, and a second device with the same signature key, are refused", async () => {
    const room = await Room.of(2);
    const again = await createKeyPackage(room.seat(1).device, noon());
    const { conversation } = room.seat(0);
    expect(await codeOf(() => prepareCommit(conversation, { adds: [again.public], day: DAY }))).toBe(
      "commit-refused",
    );
    const fresh = await createKeyPackage(person(), noon());
    expect(
      await codeOf(() => prepareCommit(conversation, { adds: [fresh.public, fresh.public], day: DAY })),
    ).toBe("commit-refused");
  });

  test("MLS-32: one commit adds and removes many, and says who came and went", async () => {
    const room = await Room.of(6);
    const newcomers = await Promise.all(
      [person(), person(), person()].map((device) => createKeyPackage(device, noon())),
    );
    const removed = [room.seat(3), room.seat(5)].map((seat) => seat.device.account);
    const made = await prepareCommit(room.seat(0).conversation, {
      adds: newcomers.map((one) => one.public),
      removes: removed,
      day: DAY,
    });
    const { change, conversation } = await apply(room.seat(1), made.commit, room.seat(0));
    expect(change.added).toHaveLength(3);
    expect(change.removed.map(({ account }) => account).sort()).toEqual([...removed].sort());
    expect(change.committer.account).toBe(room.seat(0).device.account);
    expect(membersOf(active(conversation))).toHaveLength(7);
  });

  test("MLS-10: a device is restored only with the credential of its own key", () => {
    const device = person();
    expect(restoreDevice(device).account).toBe(device.account);
    expect(() => restoreDevice({ ...device, deviceSeed: random(32) })).toThrow("credential-refused");
  });
});
