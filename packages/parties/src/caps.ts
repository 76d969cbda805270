import { dayNumber, dayOf } from "@porchlight/encoding";
import { type LogView, ordersSince } from "@porchlight/gate";
import type { Service } from "./service.ts";

/** Days over which a charter counts its orders (GATE-18). */
const WINDOW = 30;

/** How many more orders the charter's cap leaves for now, from the log. */
export function ordersLeft(service: Service): { readonly left: number; readonly cap: number } {
  const { charter, checkpoint } = service;
  const view = logView(service);
  const today = dayOf(service.now());
  const cap = charter.caps.warrantsPer30Days;
  const since = dayNumber(Math.max(0, today - WINDOW + 1));
  const used = ordersSince(view, charter, { index: checkpoint.size, since, today, limit: cap });
  return { left: cap - used, cap };
}

/** The witnessed log as the gate's rules take it. */
export function logView(service: Service): LogView {
  const entries = service
    .entriesFrom(0)
    .flatMap(({ index, entry }) => (entry === null ? [] : [{ index, entry }]));
  return { checkpoint: service.checkpoint, entries };
}
