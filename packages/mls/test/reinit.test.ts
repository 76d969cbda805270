import { charterId, conversationId, dayNumber } from "@porchlight/encoding";
import { formatAuthenticatedData } from "@porchlight/envelope";
import { describe, expect, test } from "vitest";
import { createCommit } from "../src/commit.ts";
import { newGroup } from "../src/conversation.ts";
import { groupExtensions, parseGroupExtensions } from "../src/extension.ts";
import {
  type ActiveConversation,
  applyCommit,
  attachTerms,
  CIPHER_SUITE,
  continueConversation,
  createKeyPackage,
  epochOf,
  groupIdOf,
  joinContinued,
  joinConversation,
  MlsError,
  membersOf,
  prepareCommit,
  prepareReinit,
  type SuspendedConversation,
} from "../src/index.ts";
import {
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

const NEXT = charterId("d5".repeat(32));
const change = { charter: NEXT, day: DAY, random };

function apply(seat: Seat, commit: Uint8Array, by: Seat, accept?: { charter: typeof NEXT | null }) {
  return applyCommit(seat.conversation, commit, {
    submitter: by.device.account,
    now: noon(),
    arrival: "live",
    ...(accept === undefined ? {} : { accept }),
  });
}

async function suspended(seat: Seat, commit: Uint8Array, by: Seat): Promise<SuspendedConversation> {
  const { conversation } = await apply(seat, commit, by, { charter: NEXT });
  if (conversation.kind !== "suspended") throw new Error(conversation.kind);
  return conversation;
}

describe("a changed charter", () => {
  test("MLS-60: is refused where it was not accepted, and shown for the question", async () => {
    const room = await Room.of(3, TERMS);
    const made = await prepareReinit(room.seat(0).conversation, change);
    const seat = room.seat(1);
    let error: unknown;
    try {
      await apply(seat, made.commit, room.seat(0));
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(MlsError);
    expect((error as MlsError).code).toBe("charter-change-not-accepted");
    expect((error as MlsError).proposed).toEqual({ charter: NEXT });
    for (const other of [charterId("e6".repeat(32)), null]) {
      expect(await codeOf(() => apply(seat, made.commit, room.seat(0), { charter: other }))).toBe(
        "charter-change-not-accepted",
      );
    }
    // The old conversation is untouched: same charter, same epoch, and it still reads the others'.
    expect(seat.conversation.charter).toBe(TERMS.charter);
    const accepted = await apply(seat, made.commit, room.seat(0), { charter: NEXT });
    expect(accepted.conversation.kind).toBe("suspended");
    expect(accepted.change.charterChange).toEqual({ charter: NEXT });
  });

  test("MLS-61: who accepted meets again under it, in the same conversation and another group", async () => {
    const room = await Room.of(4, TERMS);
    const by = room.seat(0);
    const made = await prepareReinit(by.conversation, { ...change, day: dayNumber(DAY + 1) });
    expect(made.pending.kind).toBe("suspended");
    const now = noon(dayNumber(DAY + 1));
    const accepting = [room.seat(1), room.seat(2)];
    const held = await Promise.all(
      accepting.map(async (seat) => {
        const { conversation } = await applyCommit(seat.conversation, made.commit, {
          submitter: by.device.account,
          now,
          arrival: "live",
          accept: { charter: NEXT },
        });
        if (conversation.kind !== "suspended") throw new Error(conversation.kind);
        return { seat, conversation, keyPackage: await createKeyPackage(seat.device, now) };
      }),
    );
    const next = await continueConversation(made.pending, {
      device: by.device,
      keyPackages: held.map(({ keyPackage }) => keyPackage.public),
      day: dayNumber(DAY + 1),
      now,
    });
    const joined: ActiveConversation[] = [];
    for (const { seat, conversation, keyPackage } of held) {
      joined.push(
        await joinContinued(conversation, {
          device: seat.device,
          keyPackage,
          welcome: next.welcome as Uint8Array,
          ratchetTree: next.ratchetTree,
          submitter: by.device.account,
          now,
        }),
      );
    }
    for (const conversation of [next.pending, ...joined]) {
      expect([conversation.id, conversation.charter, conversation.day]).toEqual([
        by.conversation.id,
        NEXT,
        DAY + 1,
      ]);
      expect(groupIdOf(conversation)).not.toBe(conversation.id);
      expect(epochOf(conversation)).toBe(1);
      expect(membersOf(conversation)).toHaveLength(3);
    }
    const terms = { ...TERMS, charter: NEXT };
    const sender = { ...attachTerms(next.pending, terms), envelopes: new Map([[0, "accepted"]]) };
    const wire = sent(await encrypt(sender, "under the new one", now)).wire;
    const reader = { ...(joined[0] as ActiveConversation), envelopes: new Map([[0, "accepted"]]) };
    expect(text(await receive(reader, wire, by.device.account, now))).toBe("under the new one");
    // The old group is closed for everybody.
    expect(read(await receive(reader, wire, by.device.account, now)).conversation.kind).toBe("active");
    expect(made.pending).not.toHaveProperty("terms");
  });

  test("MLS-61: somebody who was not a member cannot be brought along, and a plain Welcome does not do", async () => {
    const room = await Room.of(3, TERMS);
    const by = room.seat(0);
    const made = await prepareReinit(by.conversation, change);
    const stranger = await createKeyPackage(person(), noon());
    expect(
      await codeOf(() =>
        continueConversation(made.pending, {
          device: by.device,
          keyPackages: [stranger.public],
          day: DAY,
          now: noon(),
        }),
      ),
    ).toBe("not-a-member");
    const yesterday = { device: by.device, keyPackages: [], day: dayNumber(DAY - 1), now: noon() };
    expect(await codeOf(() => continueConversation(made.pending, yesterday))).toBe("day-backwards");

    const seat = room.seat(1);
    const keyPackage = await createKeyPackage(seat.device, noon());
    const next = await continueConversation(made.pending, {
      device: by.device,
      keyPackages: [keyPackage.public],
      day: DAY,
      now: noon(),
    });
    const input = {
      device: seat.device,
      keyPackage,
      welcome: next.welcome as Uint8Array,
      ratchetTree: next.ratchetTree,
      submitter: by.device.account,
      now: noon(),
    };
    // Joined as if it were any group, the Welcome needs a secret that this client does not offer.
    expect(await codeOf(() => joinConversation(input))).toBe("welcome-refused");
    expect((await joinContinued(await suspended(seat, made.commit, by), input)).charter).toBe(NEXT);
    // A second group that says it continues this one, made without the suspended group's secret.
    const other = await Room.of(1, { ...TERMS, charter: NEXT });
    const fake = await createKeyPackage(seat.device, noon());
    await other.commit(other.seat(0));
    const unproven = await prepareCommit(other.seat(0).conversation, { adds: [fake.public], day: DAY });
    const held = await suspended(room.seat(2), made.commit, by);
    expect(
      await codeOf(() =>
        joinContinued(held, {
          ...input,
          keyPackage: fake,
          welcome: unproven.welcome as Uint8Array,
          ratchetTree: unproven.ratchetTree,
          submitter: other.seat(0).device.account,
        }),
      ),
    ).toBe("welcome-refused");
  });

  test("MLS-62: a group of the announced id and extensions, without the suspended group's secret, is refused", async () => {
    const room = await Room.of(2, TERMS);
    const [by, seat] = [room.seat(0), room.seat(1)];
    const made = await prepareReinit(by.conversation, change);
    const held = await suspended(seat, made.commit, by);
    const { groupActiveState } = made.pending.state;
    if (groupActiveState.kind !== "suspendedPendingReinit") throw new Error(groupActiveState.kind);
    const { groupId, extensions } = groupActiveState.reinit;
    const imitated = await newGroup(by.device, groupId, parseGroupExtensions(extensions), noon());
    const keyPackage = await createKeyPackage(seat.device, noon());
    const next = await prepareCommit(imitated, { adds: [keyPackage.public], day: DAY });
    await expect(
      joinContinued(held, {
        device: seat.device,
        keyPackage,
        welcome: next.welcome as Uint8Array,
        ratchetTree: next.ratchetTree,
        submitter: by.device.account,
        now: noon(),
      }),
    ).rejects.toThrow("welcome-refused: pre-shared key");
  });

  test("MLS-60: a ReInit that gives the conversation another id is refused, whatever was accepted", async () => {
    const room = await Room.of(2, TERMS);
    const [by, seat] = [room.seat(0), room.seat(1)];
    const made = await createCommit(suite, by.conversation.state, {
      proposals: [
        {
          proposalType: "reinit",
          reinit: {
            groupId: random(32),
            version: "mls10",
            cipherSuite: CIPHER_SUITE,
            extensions: groupExtensions({
              charter: NEXT,
              conversation: conversationId("ab".repeat(32)),
              day: DAY,
            }),
          },
        },
      ],
      authenticatedData: formatAuthenticatedData({ day: DAY, counter: 0, franking: null }),
      path: false,
      groupInfoExtensions: [],
    });
    expect(await codeOf(() => apply(seat, made.commit, by, { charter: NEXT }))).toBe("proposal-refused");
  });

  test("MLS-60: the same charter again, and a day that goes back, are refused", async () => {
    const room = await Room.of(1, TERMS);
    const { conversation } = room.seat(0);
    expect(await codeOf(() => prepareReinit(conversation, { ...change, charter: TERMS.charter }))).toBe(
      "proposal-refused",
    );
    expect(await codeOf(() => prepareReinit(conversation, { ...change, day: dayNumber(DAY - 1) }))).toBe(
      "day-backwards",
    );
    expect((await prepareReinit(conversation, { ...change, charter: null })).pending.next.charter).toBeNull();
  });
});
