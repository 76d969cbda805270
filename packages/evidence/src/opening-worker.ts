// The other side of opening.ts.
import { parentPort, workerData } from "node:worker_threads";
import { loadCurve } from "@porchlight/quorum/mcl";
import { openMaterial } from "./messages.ts";
import type { OpeningWork } from "./opening.ts";

parentPort?.postMessage(openMaterial({ ...(workerData as OpeningWork), curve: await loadCurve() }));
