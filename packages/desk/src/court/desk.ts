import { Court } from "@porchlight/parties";
import { deskAt, ServiceDoor } from "../service-door.ts";
import type { Desk, DeskContext } from "../shell/desk.ts";
import { Drafts } from "./draft.ts";
import { DraftRoom } from "./drafting.ts";
import { Halves } from "./halves.ts";
import { LaterRoom } from "./later.ts";
import { LiftRoom } from "./lifting.ts";
import { OrderRoom } from "./order-room.ts";
import { PreservationRoom } from "./preserving.ts";
import { RegistrationRoom } from "./registering.ts";

/** The pages of a court, its registry, or one of a house's named persons, over its directory. */
export async function openCourt(context: DeskContext): Promise<Desk> {
  const { directory } = context;
  const court = await Court.open(directory);
  const door = new ServiceDoor(context, court.party);
  const drafts = new Drafts(directory);
  const halves = new Halves(directory);
  const orders = new OrderRoom(court, door, drafts, halves);
  const all = [
    orders,
    new DraftRoom(court, door, drafts, orders.handIn),
    new LaterRoom(court, orders, halves),
    new PreservationRoom(court, door, halves),
    new LiftRoom(court, door, halves),
    new RegistrationRoom(court, door),
  ];
  return await deskAt(door, {
    party: court.title,
    heading: { court: "Court", house: "Issuer" },
    places: [
      { path: "/orders", words: "Orders" },
      { path: "/new", words: "New order" },
      { path: "/preservations", words: "Preservation" },
      { path: "/registrations", words: "Authorities' keys" },
    ],
    routes: (rooms) => {
      for (const room of all) room.routes(rooms);
    },
  });
}
