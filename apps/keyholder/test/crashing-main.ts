// The keyholder with a hook that kills it, as kill -9 would, at the place that the file `crash-at` in its directory names:
// "PLACE" the first time it comes there, "PLACE N" the N-th time. The file is removed, so that the next start goes on. With
// "PLACE N stop" it is only stopped there, until it gets SIGCONT.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { startProgram } from "@porchlight/runtime";
import { keyholderProgram } from "../src/program.ts";

const file = join(dirname(process.argv[2] as string), "crash-at");
let seen = 0;
startProgram(
  keyholderProgram({
    at: (place) => {
      if (!existsSync(file)) return;
      const [wanted, count = "1", how] = readFileSync(file, "utf8").trim().split(" ");
      if (place !== wanted || ++seen < Number(count)) return;
      rmSync(file);
      process.kill(process.pid, how === "stop" ? "SIGSTOP" : "SIGKILL");
    },
  }),
);
