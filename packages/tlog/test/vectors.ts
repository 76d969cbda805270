import { readFileSync } from "node:fs";

/** `vectors/tlog.json`, as `vectors/make/tlog.ts` makes it. */
export const vectors = JSON.parse(
  readFileSync(new URL("../../../vectors/tlog.json", import.meta.url), "utf8"),
) as {
  notes: {
    keys: {
      name: string;
      type: "ed25519" | "cosignature";
      seed: string;
      publicKey: string;
      keyId: string;
      vkey: string;
      signerKey: string;
    }[];
    refusedVkeys: string[];
    accepted: {
      note: string;
      known: string[];
      verified: { name: string; time: number | null }[];
      text?: string;
    }[];
    refused: { code: string; note: string; known: string[] }[];
    refusedCheckpoints: string[];
  };
  tree: {
    roots: { size: number; root: string }[];
    tiles: { path: string; width: number; first: string; last: string }[];
    frontier: { size: number; bytes: string };
    inclusion: { size: number; index: number; leafHash: string; proof: string[] }[];
    consistency: { oldSize: number; newSize: number; proof: string[] }[];
  };
  paths: {
    hashes: { level: number; index: number; width: number; path: string }[];
    entries: { index: number; width: number; path: string }[];
    refused: string[];
  };
  bundles: { entries: string[]; bundle: string; refused: { width: number; bundle: string }[] };
  policies: {
    accountable: {
      parties: {
        log: { vkey: string; url: string };
        witnesses: { vkey: string }[];
        keyholders: { vkey: string }[];
        threshold: number;
      };
      policy: string;
    };
    evaluated: { description: string; note: string; time: number | null }[];
    quorums: { n: number; t: number; needed: number }[];
    accepted: string[];
    refused: string[];
    tooWeak: string[];
  };
  proofs: {
    proof: string;
    withExtra: string;
    leafHash: string;
    index: number;
    time: number;
    malformed: string[];
    refused: { code: string; proof: string }[];
  };
  witness: {
    witness: string;
    logs: string[];
    requests: {
      description: string;
      at: number;
      body: string;
      status: number;
      answer: string;
      stored: string | null;
    }[];
  };
};
