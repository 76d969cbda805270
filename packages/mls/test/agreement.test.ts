// The opener of packages/envelope against real conversations: it must accept exactly what recipients accept. Where it
// refused more, a sender could write what everybody reads and no warrant opens; where it refused less, a warrant would
// show what nobody was shown.
import { type AccountId, equalBytes } from "@porchlight/encoding";
import { checkFranking, createOpener, EnvelopeError, type EnvelopeErrorCode } from "@porchlight/envelope";
import { nodeSuite } from "@porchlight/envelope/node";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { escrow } from "../../envelope/test/device.ts";
import { type Made, messageMaker } from "../../envelope/test/sender.ts";
import { type ActiveConversation, escrowOf, headerOf } from "../src/index.ts";
import { Room, receive, TERMS } from "./world.ts";

const { keys } = escrow();
/** Leaf of the sender. */
const LEAF = 1;

describe("opener and recipient agree", () => {
  let account: AccountId;
  let maker: (made: Made) => Uint8Array;
  /** The recipient's state before anything was sent. */
  let start: ActiveConversation;

  beforeAll(async () => {
    const room = await Room.of(3, TERMS);
    const sender = room.seat(LEAF);
    room.escrow(sender, keys);
    account = sender.device.account;
    start = room.seat(2).conversation;
    maker = messageMaker({
      header: headerOf(sender.conversation),
      secret: escrowOf(sender.conversation),
      deviceSeed: sender.conversation.state.signaturePrivateKey,
      suite: nodeSuite,
    });
  });

  /**
   * What both make of messages in this order: the texts, or the opener's code where both refuse. `late`: recipients
   * keep no key of a generation that was skipped, the opener does.
   */
  async function both(wires: readonly Uint8Array[], late = false): Promise<string[]> {
    const opener = createOpener({
      secret: escrowOf(start, LEAF),
      header: headerOf(start, LEAF),
      suite: nodeSuite,
    });
    let conversation = start;
    const results: string[] = [];
    for (const wire of wires) {
      let code: EnvelopeErrorCode | null = null;
      let opened: Uint8Array | null = null;
      try {
        const message = opener.open(wire);
        opened = checkFranking(message.authenticatedData, message.content, nodeSuite).content;
      } catch (error) {
        if (!(error instanceof EnvelopeError)) throw error;
        code = error.code;
      }
      const received = await receive(conversation, wire, account);
      if (received.kind === "refused") {
        if (!late || received.code !== "undecryptable") {
          expect(code, `the recipient refuses (${received.code}), the opener does not`).not.toBeNull();
        }
        results.push(code ?? "late");
        continue;
      }
      expect(opened, `the recipient reads it, the opener refuses: ${code}`).not.toBeNull();
      expect(equalBytes(received.content, opened as Uint8Array)).toBe(true);
      conversation = received.conversation;
      results.push(new TextDecoder().decode(received.content));
    }
    return results;
  }

  const tricks: [string, Made[], string[]][] = [
    ["lengths in more bytes than needed", [{ generation: 0, text: "a", lengths: "four bytes" }], ["a"]],
    [
      "bytes after the sender data",
      [{ generation: 0, text: "a", afterSenderData: Uint8Array.of(1, 2, 3) }],
      ["a"],
    ],
    ["zero padding", [{ generation: 0, text: "a", padding: new Uint8Array(300) }], ["a"]],
    ["other padding", [{ generation: 0, text: "a", padding: Uint8Array.of(0, 1) }], ["malformed"]],
    ["no franking field", [{ generation: 0, text: "a", franking: new Uint8Array(32) }], ["a"]],
    ["1,000 generations skipped", [{ generation: 1000, text: "a" }], ["a"]],
    ["1,001 generations skipped", [{ generation: 1001, text: "a" }], ["generation-too-far"]],
    [
      "the same generation twice",
      [
        { generation: 0, text: "a" },
        { generation: 0, text: "b" },
      ],
      ["a", "generation-used"],
    ],
    [
      "refused messages first, so that the generation would be spent",
      [
        { generation: 0, text: "decoy", franking: new Uint8Array(32).fill(1) },
        { generation: 0, text: "decoy", counter: 1 },
        { generation: 0, text: "decoy", day: 1 },
        { generation: 0, text: "decoy", authenticatedData: new Uint8Array(41) },
        { generation: 0, text: "decoy", application: new Uint8Array(31) },
        { generation: 0, text: "decoy", signer: new Uint8Array(32) },
        { generation: 0, text: "decoy", contentType: 2 },
        { generation: 0, text: "the message" },
      ],
      [
        "franking-mismatch",
        "counter-mismatch",
        "wrong-day",
        "version-unsupported",
        "malformed",
        "message-signature",
        "not-application",
        "the message",
      ],
    ],
    [
      "an insider encrypts a signed message again",
      [
        { generation: 0, text: "a" },
        { generation: 1, text: "a", counter: 0 },
        { generation: 1, text: "b" },
      ],
      ["a", "counter-used", "b"],
    ],
    [
      "another group, epoch or leaf",
      [
        { generation: 0, text: "a", groupId: new Uint8Array(32) },
        { generation: 0, text: "a", epoch: 0 },
        { generation: 0, text: "a", epoch: 2 },
        { generation: 0, text: "a", leafIndex: 0 },
        { generation: 0, text: "a", leafIndex: 2 ** 31 + LEAF },
      ],
      ["wrong-group", "wrong-epoch", "wrong-epoch", "wrong-sender", "wrong-sender"],
    ],
  ];

  test.each(tricks)("ENV-52: %s", async (_, made, expected) => {
    expect(await both(made.map(maker))).toEqual(expected);
  });

  test("ENV-52: any changed bit", async () => {
    const wire = maker({ generation: 0, text: "a message" });
    await fc.assert(
      fc.asyncProperty(fc.nat(8 * wire.length - 1), async (bit) => {
        const changed = wire.slice();
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        expect(await both([changed, wire])).toEqual([expect.any(String), "a message"]);
      }),
      { numRuns: 40 },
    );
  });

  test("ENV-52: whatever a sender tries, in any order, nothing that a recipient reads stays closed", async () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    /** Mostly left as an honest sender has it. */
    const seldom = <T>(other: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
      fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: other });
    const trick = fc.record({
      generation: fc.oneof(fc.nat(6), fc.nat(1100)),
      text: fc.string({ maxLength: 8, unit: "grapheme" }),
      counter: seldom(fc.nat(6)),
      franking: seldom(bytes(32)),
      padding: seldom(fc.uint8Array({ maxLength: 3 })),
      lengths: seldom(fc.constant("four bytes" as const)),
      afterSenderData: seldom(bytes(2)),
      day: seldom(fc.nat(3)),
      signer: seldom(bytes(32)),
      application: seldom(fc.uint8Array({ maxLength: 70 })),
      leafIndex: seldom(fc.nat(4)),
      claimedGeneration: seldom(fc.nat(6)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(trick, { maxLength: 12 }), async (tricks) => {
        const wires = tricks.map((one) => {
          const set = Object.entries(one).filter(([, value]) => value !== undefined);
          return maker(Object.fromEntries(set) as Made);
        });
        await both(wires, true);
      }),
      { numRuns: 60 },
    );
  });
});
