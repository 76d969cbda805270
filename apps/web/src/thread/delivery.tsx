import type { DeliveryView } from "@porchlight/client/page";
import type { ReactElement } from "react";
import { say } from "../i18n/say.tsx";
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
export function Delivery({ delivery }: { readonly delivery: DeliveryView }): ReactElement {
  const text = wordsOf(delivery);
  return (
    <span className={`delivery delivery-${delivery.kind}`} title={text}>
      <Icon name={ICONS[delivery.kind]} />
      <span className="delivery-words">{text}</span>
    </span>
  );
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
