// The keyholder with a hook that kills it, as kill -9 would, at the place that the file `crash-at` in its directory names:
// "PLACE" the first time it comes there, "PLACE N" the N-th time. The file is removed, so that the next start goes on. With
// "PLACE N stop" it only stands still there, until the file `go-on` is in its directory.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { startProgram } from "@porchlight/runtime";
import { keyholderProgram } from "../src/program.ts";

const file = join(dirname(process.argv[2] as string), "crash-at");
const goOn = join(dirname(process.argv[2] as string), "go-on");
let seen = 0;
startProgram(
  keyholderProgram({
    at: (place) => {
      if (!existsSync(file)) return;
      const [wanted, count = "1", how] = readFileSync(file, "utf8").trim().split(" ");
      if (place !== wanted || ++seen < Number(count)) return;
      rmSync(file);
      if (how !== "stop") process.kill(process.pid, "SIGKILL");
      while (!existsSync(goOn)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
      rmSync(goOn);
    },
  }),
);
