import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DeploymentError } from "./error.ts";
import type { Progress } from "./progress.ts";

const BUILD = fileURLToPath(new URL("../../../apps/web/build/main.ts", import.meta.url));

/** The directory of the web app, built where these sources have not been built yet (a few seconds). */
export async function builtWeb(progress: Progress): Promise<string> {
  progress.note("the web app");
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [BUILD]);
    return (JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { readonly directory: string }).directory;
  } catch (cause) {
    throw new DeploymentError(
      "web-not-built",
      "the web app could not be built: node apps/web/build/main.ts says why",
      { cause },
    );
  }
}
