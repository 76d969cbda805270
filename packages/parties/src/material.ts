import { fromHex, utf8 } from "@porchlight/encoding";
import type { AccessLabel } from "@porchlight/envelope";
import type { CustodyAction, ReleasedLabel } from "@porchlight/evidence";
import { openFrom } from "@porchlight/quorum";
import { LIMITS, MATERIAL_INFO, parseMaterial, WireError } from "@porchlight/wire";
import type { Service } from "./service.ts";

/** A label, and what the provider delivered of it. */
type Held = Omit<ReleasedLabel, "labelKey">;

/**
 * What the provider holds of each label, in their order: as many labels an answer as fit (DEL-73), each answer given
 * under a gate of its own. Throws WireError; nothing of what came before is kept then.
 */
export async function fetchMaterial({
  service,
  orderId,
  labels,
  secretKey,
  record,
  progress,
}: {
  readonly service: Service;
  readonly orderId: string;
  readonly labels: readonly AccessLabel[];
  readonly secretKey: Uint8Array;
  readonly record: (action: CustodyAction, subject: string, bytes: Uint8Array) => void;
  readonly progress: (done: number) => void;
}): Promise<Held[]> {
  const done: Held[] = [];
  /** Of the label after those that are done, where an answer ended within it. */
  let begun: { held: Held; after: number } | null = null;
  for (let answers = 1; done.length < labels.length; answers++) {
    progress(done.length);
    const asked = labels
      .slice(done.length, done.length + LIMITS.materialLabels)
      .map(({ conversation, account, day }) => ({ conversation, account, day }));
    const request = begun === null ? { labels: asked } : { labels: asked, after: begun.after };
    const sealed = await service.server.material(orderId, request);
    const plaintext = openFrom(secretKey, sealed, utf8(MATERIAL_INFO), fromHex(orderId, 32));
    const { labels: answered } = parseMaterial(plaintext);
    record("material-received", `answer ${answers}, from label ${done.length + 1}`, plaintext);
    for (const [position, { envelopes, messages, complete, ...place }] of answered.entries()) {
      const isAsked = (["conversation", "account", "day"] as const).every(
        (field) => place[field] === asked[position]?.[field],
      );
      // What is incomplete without having got on would be asked for again for ever.
      const after: number = messages.at(-1)?.seq ?? begun?.after ?? 0;
      const isOn: boolean = complete || begun === null || after > begun.after;
      if (!isAsked || !isOn || (!complete && position !== answered.length - 1)) {
        throw new WireError("answer-malformed", "the provider delivered something else than was asked for");
      }
      const held: Held = {
        label: labels[done.length] as AccessLabel,
        envelopes: [...(begun?.held.envelopes ?? []), ...envelopes],
        messages: [...(begun?.held.messages ?? []), ...messages],
      };
      begun = complete ? null : { held, after };
      if (complete) done.push(held);
    }
  }
  progress(labels.length);
  return done;
}
