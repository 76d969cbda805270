import { formatEntry, parseSignedDocument, unverifiedPayload } from "@porchlight/charter";
import { formatDay, formatInstant, fromUtf8, type UnixSeconds, utf8 } from "@porchlight/encoding";
import { DIRECTION_KINDS, parseWarrant } from "@porchlight/gate";
import { placeInLog } from "./court.ts";
import type { KeyholderAnswer } from "./hand-in.ts";
import { namesOf, type OrderFile } from "./request-file.ts";
import type { Service } from "./service.ts";

/**
 * BUN-8: that a keyholder gave no answer about an order, as a file. `null` for one that answered, and for an order that the witnessed log does not show.
 * `since`: when it was first asked about this order in vain, as far as the caller knows. Its author's word; what the log shows has its proof with it.
 */
export async function noAnswerRecord(
  service: Service,
  order: OrderFile,
  { keyholder, answer }: KeyholderAnswer,
  since: UnixSeconds,
): Promise<Uint8Array | null> {
  const index = placeInLog(service, order);
  const entry = index === null ? null : (service.entriesFrom(index)[0]?.entry ?? null);
  if (answer.state !== "unreachable" || index === null || entry === null || !("day" in entry)) return null;
  const { commitment } = namesOf(order);
  const at = service.now();
  const { size, time } = service.checkpoint;
  const later = service
    .entriesFrom(index + 1)
    .flatMap(({ index: place, entry: one }) =>
      one !== null &&
      LATER.has(one.type) &&
      "commitment" in one &&
      one.commitment === commitment &&
      one.charter === entry.charter
        ? [{ index: place, type: one.type }]
        : [],
    );
  const { reference, expires } = parseWarrant(
    unverifiedPayload(parseSignedDocument(order.warrant, "warrant")),
  );
  const logged = formatDay(entry.day);
  const end = `${at < expires ? "lapses" : "lapsed"} at ${formatInstant(expires)}`;
  const words = [
    `${keyholder.name}, keyholder ${keyholder.index} of this charter, gave no answer about this order until ${formatInstant(at)}: ${answer.reason}.`,
    `It was first asked about this order in vain at ${formatInstant(since)}.`,
    `The order has stood in the public log, for every keyholder to see, as entry ${index} since ${logged}, and ${end}.`,
    `As of the log's checkpoint of ${formatInstant(time)}, of ${size} entries, ${later.length === 0 ? "nothing was decided about it later" : `these were decided about it later: ${later.map((one) => `${one.type} (entry ${one.index})`).join(", ")}`}.`,
    "That nobody answered is the word of who asked. That the order stood there the log proves.",
  ].join(" ");
  const record = {
    version: 1,
    kind: "no-answer",
    charter: service.charter.id,
    keyholder: { index: keyholder.index, name: keyholder.name, url: keyholder.url },
    order: { commitment, reference, index, logged, expires: formatInstant(expires) },
    asked: { since: formatInstant(since), until: formatInstant(at), reason: answer.reason },
    checkpoint: { size, time: formatInstant(time) },
    later,
    words,
    entry: fromUtf8(formatEntry(entry)),
    proof: await service.proof(index),
  };
  return utf8(`${JSON.stringify(record, null, 2)}\n`);
}

const LATER: ReadonlySet<string> = new Set(DIRECTION_KINDS);
