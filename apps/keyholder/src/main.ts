import { startProgram } from "@porchlight/runtime";
import { noHooks } from "./hooks.ts";
import { keyholderProgram } from "./program.ts";

startProgram(keyholderProgram(noHooks));
