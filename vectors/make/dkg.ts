// Key generation, two of three (spec/quorum.md, DKG).
import { hex } from "@porchlight/encoding";
import { sessionContext } from "../../packages/quorum/src/dkg-session.ts";
import { dkgPublished } from "../../packages/quorum/src/index.ts";
import { runBoard, sessionsOf } from "../../packages/quorum/test/board.ts";
import { digest } from "../../packages/quorum/test/dealer.ts";

export function make(): unknown {
  const sessions = sessionsOf("vector", 2, [1, 2, 4]);
  const seedOf = (index: number) => digest(`vector dealer ${index}`);
  const { states } = runBoard(sessions, { random: (self) => () => seedOf(self) });
  const first = sessions[0] as (typeof sessions)[number];
  const results = [...states.values()].map((state) => {
    if (state.kind !== "done") throw new Error("an honest run ends with a key");
    return state;
  });
  const { master, transcript } = results[0] as (typeof results)[number];
  return {
    description:
      "Key generation (spec/quorum.md), an honest run. Dealers' seeds and X-Wing keys are given as 32-byte seeds; hex.",
    session: hex(first.session),
    threshold: first.threshold,
    context: hex(sessionContext(first)),
    participants: results.map((state, i) => {
      const { self, decryptionKey, encryptionKeys } = sessions[i] as (typeof sessions)[number];
      return {
        keyholder: self,
        encryptionSeed: hex(decryptionKey),
        encryptionKey: hex(encryptionKeys.get(self) as Uint8Array),
        dealerSeed: hex(seedOf(self)),
        published: dkgPublished(state).map(({ round, body }) => ({ round, body: hex(body) })),
        share: hex(state.share.secret),
      };
    }),
    transcript: hex(transcript),
    mpk: hex(master.mpk),
    verifyingShares: [...master.verifyingShares].map(([keyholder, share]) => ({
      keyholder,
      share: hex(share),
    })),
  };
}
