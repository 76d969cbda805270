import type { Charter } from "@porchlight/charter";

/** EVI-71: what no check of a package can find out, in words for a reader. Part of every report and of the viewer. */
export function limitsOf(charter: Pick<Charter, "kind" | "clock">): string[] {
  return [
    "Whose account it is. The name comes from the provider's signed statement in the order; nothing in the protocol proves it.",
    "Who held the device, and whether what its owner wrote is true. The time of a message is the sender's own. The order of one device's messages is fixed by their encryption; how several devices' messages lie between one another, and when each arrived, is the provider's word, as the requester passed it on.",
    "That this is the right charter. Compare its id with the one that the service publishes, or give it to the verification. Whoever invents a whole service can invent a package of it.",
    "That nothing was withheld. Numbers missing inside a device's key chain are listed; messages missing at its end, or whole devices, leave no trace here.",
    "Whether the order was revoked after the log's last entry in this package.",
    "How the material was handled. The custody record is the requester's own; its steps cannot be taken out or swapped unnoticed, but all of it can be written anew.",
    "That no one else has read it. The requester can pass on what it opened.",
    ...(charter.clock === "replay"
      ? [
          "Real dates. This service ran on a replayed clock: all its times, those of the log's witnesses included, are those of the replay.",
        ]
      : []),
  ];
}
