// Takes the directory named by its argument and holds it until killed.
import { lockDirectory } from "../src/index.ts";

try {
  lockDirectory(process.argv[2] as string);
  process.send?.("held");
  setInterval(() => {}, 1000);
} catch (error) {
  process.send?.((error as { code: string }).code);
  process.exitCode = 1;
}
