import { expect, test } from "vitest";
import { outdated, releaseCache } from "../src/pwa/releases.ts";

test("over any number of releases this one and the one before are kept, and never the log's policy deleted", () => {
  for (const pinnedBefore of [true, false]) {
    let caches = pinnedBefore ? ["porchlight-trust"] : [];
    for (const id of ["1", "2", "3", "4"]) {
      const release = releaseCache(id);
      caches.push(release);
      const gone = outdated(caches, release);
      caches = caches.filter((name) => !gone.includes(name));
      // A page's worker pins the policy at the first visit, before or after the release is there.
      if (!caches.includes("porchlight-trust") && id === "1") caches.push("porchlight-trust");
      expect(caches).toContain("porchlight-trust");
      expect(caches.filter((name) => name !== "porchlight-trust")).toEqual(
        id === "1" ? [release] : [releaseCache(String(Number(id) - 1)), release],
      );
    }
  }
});
