import type { AccountId, ConversationView, DeliveryView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { say } from "../i18n/say.tsx";
import { useNames } from "../messenger/use.ts";
import { Icon, type IconName } from "../parts/icon.tsx";

const ICONS: Readonly<Record<DeliveryView["kind"], IconName>> = {
  queued: "clock",
  sent: "check",
  delivered: "twice",
  read: "twice",
  refused: "stop",
  lost: "warning",
};

/** How far an own message has come, as a sign and as words. It says no more than is known. */
export function Delivery({
  delivery,
  conversation,
}: {
  readonly delivery: DeliveryView;
  readonly conversation: ConversationView;
}): ReactElement {
  const nameOf = useNames();
  const held = heldFor(conversation);
  const text =
    delivery.kind === "queued" && held.length > 0
      ? say("delivery.held", { names: held.map(nameOf).join(", ") })
      : wordsOf(delivery);
  return (
    <span className={`delivery delivery-${delivery.kind}`} title={text}>
      <Icon name={ICONS[delivery.kind]} />
      <span className="delivery-words">{text}</span>
    </span>
  );
}

/** For whom everything waits, because nobody is there who could read it (CON-15). */
export function heldFor({ people, waitingFor }: ConversationView): readonly AccountId[] {
  return people === 1 ? waitingFor : [];
}

function wordsOf(delivery: DeliveryView): string {
  switch (delivery.kind) {
    case "queued":
    case "sent":
    case "refused":
      return say(`delivery.${delivery.kind}`);
    case "lost":
      return delivery.of <= 1
        ? say("delivery.lost")
        : say("delivery.lost-of", { number: delivery.lost.length, of: delivery.of });
    case "delivered":
    case "read": {
      const count = delivery.kind === "read" ? delivery.read : delivery.received;
      return delivery.of <= 1
        ? say(`delivery.${delivery.kind}`)
        : say(`delivery.${delivery.kind}-of`, { number: count, of: delivery.of });
    }
  }
}
