// Go's x/mod/sumdb as the other implementation: Debian's packages golang-go and golang-golang-x-mod-dev, built offline.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const GOPATH = "/usr/share/gocode";
/** As in Go's own makefiles: another toolchain by the environment. */
const go = process.env["GO"] ?? "go";

export const hasGo =
  spawnSync(go, ["version"]).status === 0 && existsSync(`${GOPATH}/src/golang.org/x/mod/sumdb/tlog/tlog.go`);
if (!hasGo) {
  console.log(
    "SKIPPED: needs `go` and golang.org/x/mod below /usr/share/gocode (Debian: golang-go golang-golang-x-mod-dev)",
  );
}

/** What go/main.go reads: claims are proofs that may be wrong, `older` is -1 for inclusion. */
export type Claim = {
  readonly size: number;
  readonly index: number;
  readonly older: number;
  readonly leaf: string;
  readonly root: string;
  readonly proof: readonly string[];
};

/** Builds go/main.go into the directory. Throws where Go does not compile it. */
export function buildPeer(
  directory: string,
  main = new URL("./go/main.go", import.meta.url),
): (question: object) => unknown {
  const environment = {
    ...process.env,
    GO111MODULE: "off",
    GOFLAGS: "",
    GOPATH,
    GOCACHE: join(directory, "cache"),
  };
  const program = join(directory, "peer");
  const source = fileURLToPath(main);
  const built = spawnSync(go, ["build", "-o", program, source], { env: environment, encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  return (question) => {
    const run = spawnSync(program, { input: JSON.stringify(question), encoding: "utf8", maxBuffer: 2 ** 28 });
    if (run.status !== 0 || run.stderr !== "") throw new Error(run.stderr);
    return JSON.parse(run.stdout);
  };
}
