// What the quick and the slow crash tests share: an order taken through a crash at one place.
import { expect } from "vitest";
import type { TestDeployment } from "./deployment.ts";

/** Every place at which an order's course is interrupted, with what the requester had seen by then. */
export const ORDER_PLACES = [
  "order-received",
  "order-admitted",
  "approval-unjournalled",
  "order-approved",
  "intent-unjournalled",
  "order-intended",
  "order-batch",
  "batch-posted",
  "release-unjournalled",
  "order-sealed",
  "order-released",
] as const;

/** Takes a new order through a kill -9 of keyholder-1 at `place`; it must end in one intent and one release. */
export async function surviveCrash(
  deployment: TestDeployment,
  place: (typeof ORDER_PLACES)[number],
): Promise<void> {
  const name = "keyholder-1";
  const order = await deployment.order();
  await deployment.witnessed(order);
  deployment.crashAt(name, place);
  const early = place === "order-received" || place === "order-admitted";
  // The answer is lost with the process: the requester, or the operator, asks again.
  await deployment.submit(name, order).catch(() => {});
  if (!early) {
    await deployment.reaches(name, order, "awaiting-approval");
    await deployment.approve(name, order).catch(() => {});
  }
  await deployment.restartAfterCrash(name);
  deployment.follow();
  await deployment.witnessed(order);
  await deployment.submit(name, order);
  if (early || place === "approval-unjournalled") {
    await deployment.reaches(name, order, "awaiting-approval");
    await deployment.approve(name, order);
  }
  await deployment.reaches(name, order, "released");
  const bundle = await deployment.client(name).bundle(order.id);

  const events = (await deployment.journal(name)).filter(
    (event) => "order" in event && event.order === order.id,
  );
  expect(events.map(({ kind }) => kind)).toEqual([
    "received",
    "admitted",
    "approved",
    "intended",
    "sealed",
    "released",
  ]);
  const intended = events.find((event) => event.kind === "intended");
  const sealed = events.find((event) => event.kind === "sealed");
  if (intended?.kind !== "intended" || sealed?.kind !== "sealed") throw new Error("no release");
  expect(sealed.bundle).toEqual(bundle);
  // Each commitment is in the log once, whatever was posted again after the crash.
  for (const slot of [intended.intent.slot, sealed.slot]) {
    const holding = deployment.server.entries.filter((entry) => Buffer.from(entry).toString().includes(slot));
    expect(holding.length).toBe(1);
  }
}
