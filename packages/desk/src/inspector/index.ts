/** What an inspector reads, without the pages: the command line says the same. */
export { keepBrought, type Shown, serviceOf, shownOrders } from "../orders.ts";
export { inspectKept, isInspector, unseen } from "./inspection.ts";
