import { type Charter, CharterError, type SignedDocument, verifyContest } from "@porchlight/charter";
import { concat, EncodingError, idBytes, utf8 } from "@porchlight/encoding";
import type { NoticeContent } from "@porchlight/notice";
import { openFrom, QuorumError } from "@porchlight/quorum";
import { CONTEST_INFO, type ServerClient } from "@porchlight/wire";
import { ClientError } from "./error.ts";

/**
 * CONT-2, CONT-3: contests the order of a notice with the notice's own key (32 B), no account needed. Returns the provider's
 * signed word that it has it, to keep. The same again is the same. Throws WireError, with refusal "contest-refused" and
 * its reason, ClientError "server-not-understood" where the provider's word does not hold.
 */
export async function contestOrder(
  server: Pick<ServerClient, "contestChallenge" | "contest">,
  charter: Charter,
  {
    notice,
    noticeSeed,
    ground,
  }: { readonly notice: NoticeContent; readonly noticeSeed: Uint8Array; readonly ground: string },
): Promise<SignedDocument> {
  const { commitment, account } = notice;
  const sealed = await server.contestChallenge({ commitment, account });
  let nonce: Uint8Array;
  try {
    nonce = openFrom(noticeSeed, sealed, utf8(CONTEST_INFO), concat(idBytes(commitment), idBytes(account)));
  } catch (cause) {
    if (!(cause instanceof QuorumError)) throw cause;
    throw new ClientError("server-not-understood", "the service's challenge is not for this notice's key", {
      cause,
    });
  }
  const document = await server.contest({ commitment, account, nonce, ground });
  try {
    const taken = await verifyContest(document, charter);
    if (taken.commitment === commitment && taken.account === account && taken.ground === ground)
      return document;
  } catch (cause) {
    if (!(cause instanceof CharterError || cause instanceof EncodingError)) throw cause;
    throw new ClientError(
      "server-not-understood",
      "the provider did not sign that it has it: write to the issuer",
      { cause },
    );
  }
  throw new ClientError("server-not-understood", "the provider signed something else: write to the issuer");
}
