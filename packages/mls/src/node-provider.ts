import { nodeSuite } from "@porchlight/envelope/node";
import { type MlsSuite, mlsSuite } from "./suite.ts";

let suite: Promise<MlsSuite> | undefined;

/** The suite on synchronous node:crypto, made once a process (`@porchlight/mls/node`). */
export function nodeMlsSuite(): Promise<MlsSuite> {
  suite ??= mlsSuite(nodeSuite);
  return suite;
}
