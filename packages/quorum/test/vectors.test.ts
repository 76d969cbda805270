import { readFileSync } from "node:fs";
import { fromHex, hex, keyholderIndex } from "@porchlight/encoding";
import { describe, expect, test } from "vitest";
import { sessionContext } from "../src/dkg-session.ts";
import {
  checkMasterKey,
  combinePartials,
  type DkgSession,
  dkgDue,
  dkgStart,
  dkgStep,
  ibeOpen,
  ibeSeal,
  type MasterKey,
  openFrom,
  parseG1,
  parseG2,
  sealTo,
  verifyLabelKey,
  verifyPartial,
  verifyRequesterPoint,
  xwingKeygen,
} from "../src/index.ts";
import { encodeG1, encodeG2, labelPoint, P1, P2 } from "../src/points.ts";
import { encodeScalar, hashToScalar, parseScalar, transcript } from "../src/scalar.ts";

type Refusal = { why: string; bytes: string };
type Share = { keyholder: number; share: string };
type Master = { threshold: number; mpk: string; verifyingShares: Share[] };

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../../vectors/${name}.json`, import.meta.url), "utf8")) as T;
}

function masterOf({ threshold, mpk, verifyingShares }: Master): MasterKey {
  return {
    threshold,
    mpk: fromHex(mpk),
    verifyingShares: new Map(
      verifyingShares.map(({ keyholder, share }) => [keyholderIndex(keyholder), fromHex(share)]),
    ),
  };
}

test("QUO-2, QUO-3, QUO-4, QUO-5: vectors/quorum-points.json", () => {
  const v = read<{
    multiples: { scalar: string; g1: string; g2: string }[];
    refusedScalars: Refusal[];
    refusedG1: Refusal[];
    refusedG2: Refusal[];
    transcripts: { domain: string; fields: string[]; bytes: string }[];
    scalarHashes: { message: string; dst: string; scalar: string }[];
    labelPoints: { mpk: string; label: string; point: string }[];
  }>("quorum-points");
  for (const { scalar, g1, g2 } of v.multiples) {
    const s = parseScalar(fromHex(scalar));
    expect(parseG1(fromHex(g1)).equals(P1.multiply(s))).toBe(true);
    expect(parseG2(fromHex(g2)).equals(P2.multiply(s))).toBe(true);
    expect([hex(encodeG1(P1.multiply(s))), hex(encodeG2(P2.multiply(s)))]).toEqual([g1, g2]);
  }
  for (const { why, bytes } of v.refusedScalars) expect(() => parseScalar(fromHex(bytes)), why).toThrow();
  for (const { why, bytes } of v.refusedG1) expect(() => parseG1(fromHex(bytes)), why).toThrow();
  for (const { why, bytes } of v.refusedG2) expect(() => parseG2(fromHex(bytes)), why).toThrow();
  for (const { domain, fields, bytes } of v.transcripts) {
    expect(hex(transcript(domain, ...fields.map((field) => fromHex(field))))).toBe(bytes);
  }
  for (const { message, dst, scalar } of v.scalarHashes) {
    expect(hex(encodeScalar(hashToScalar(fromHex(message), dst)))).toBe(scalar);
  }
  for (const { mpk, label, point } of v.labelPoints) {
    expect(hex(encodeG1(labelPoint(fromHex(mpk), fromHex(label))))).toBe(point);
  }
});

test("QUO-9, QUO-10, QUO-11: vectors/quorum-ibe.json", () => {
  const v = read<{
    mpk: string;
    sealed: { label: string; message: string; seed: string; ciphertext: string; labelKey: string }[];
    refused: { why: string; label: string; labelKey: string; ciphertext: string }[];
    labelKeys: { label: string; labelKey: string; valid: boolean }[];
  }>("quorum-ibe");
  const mpk = fromHex(v.mpk);
  for (const entry of v.sealed) {
    const [label, labelKey] = [fromHex(entry.label), fromHex(entry.labelKey)];
    const ciphertext = ibeSeal({ mpk, label, message: fromHex(entry.message), seed: fromHex(entry.seed) });
    expect(hex(ciphertext)).toBe(entry.ciphertext);
    expect(hex(ibeOpen({ mpk, label, labelKey, ciphertext }))).toBe(entry.message);
  }
  for (const { why, label, labelKey, ciphertext } of v.refused) {
    const input = {
      mpk,
      label: fromHex(label),
      labelKey: fromHex(labelKey),
      ciphertext: fromHex(ciphertext),
    };
    expect(() => ibeOpen(input), why).toThrowError(expect.objectContaining({ code: "refused" }));
  }
  for (const { label, labelKey, valid } of v.labelKeys) {
    expect(verifyLabelKey({ mpk, label: fromHex(label), labelKey: fromHex(labelKey) })).toBe(valid);
  }
});

test("QUO-13, QUO-14: vectors/quorum-sealed-box.json", () => {
  const v = read<{
    secretKey: string;
    publicKey: string;
    boxes: { plaintext: string; info: string; aad: string; seed: string; box: string }[];
    refused: { why: string; info: string; aad: string; box: string }[];
  }>("quorum-sealed-box");
  const { publicKey, secretKey } = xwingKeygen(fromHex(v.secretKey));
  expect(hex(publicKey)).toBe(v.publicKey);
  for (const entry of v.boxes) {
    const [info, aad] = [fromHex(entry.info), fromHex(entry.aad)];
    const box = sealTo(publicKey, fromHex(entry.plaintext), info, aad, fromHex(entry.seed));
    expect(hex(box)).toBe(entry.box);
    expect(hex(openFrom(secretKey, box, info, aad))).toBe(entry.plaintext);
  }
  for (const { why, info, aad, box } of v.refused) {
    expect(() => openFrom(secretKey, fromHex(box), fromHex(info), fromHex(aad)), why).toThrowError(
      expect.objectContaining({ code: "refused" }),
    );
  }
});

describe("vectors/quorum-release.json", () => {
  const v = read<{
    master: Master;
    refusedMasters: (Master & { why: string })[];
    context: string;
    requester: { point: string; secret: string; proof: string };
    refusedRequesters: { why: string; context: string; point: string; proof: string }[];
    label: string;
    partials: { keyholder: number; partial: string }[];
    refusedPartials: { why: string; keyholder: number; partial: string }[];
    combinations: { partials: { keyholder: number; partial: string }[]; result: { labelKey?: string } }[];
  }>("quorum-release");
  const master = masterOf(v.master);
  const [label, requester] = [fromHex(v.label), fromHex(v.requester.point)];
  const verify = ({ keyholder, partial }: { keyholder: number; partial: string }) =>
    verifyPartial({
      partial: fromHex(partial),
      verifyingShare: master.verifyingShares.get(keyholderIndex(keyholder)) as Uint8Array,
      mpk: master.mpk,
      label,
      requester,
    });

  test("QUO-7: master keys", () => {
    checkMasterKey(master);
    for (const entry of v.refusedMasters) {
      expect(() => checkMasterKey(masterOf(entry)), entry.why).toThrowError(
        expect.objectContaining({ code: "shares-inconsistent" }),
      );
    }
  });

  test("REL-1: requester's points", () => {
    expect(verifyRequesterPoint(requester, fromHex(v.requester.proof), fromHex(v.context))).toBe(true);
    for (const { why, context, point, proof } of v.refusedRequesters) {
      expect(verifyRequesterPoint(fromHex(point), fromHex(proof), fromHex(context)), why).toBe(false);
    }
  });

  test("REL-3: partials", () => {
    for (const entry of v.partials) expect(verify(entry)).toBe(true);
    for (const entry of v.refusedPartials) expect(verify(entry), entry.why).toBe(false);
  });

  test("REL-5, REL-6: combinations", () => {
    for (const { partials, result } of v.combinations) {
      const combined = combinePartials({
        master,
        label,
        requester,
        requesterSecret: fromHex(v.requester.secret),
        partials: new Map(partials.map((p) => [keyholderIndex(p.keyholder), fromHex(p.partial)])),
      });
      const shown =
        combined.kind === "combined" ? { ...combined, labelKey: hex(combined.labelKey) } : combined;
      expect(shown).toEqual(result);
    }
  });
});

type Run = {
  name: string;
  reshares?: string;
  session: string;
  dealers: number[];
  receivers: number[];
  threshold: number;
  keys: number;
  context: string;
  seeds: { keyholder: number; seed: string }[];
  log: { round: number; from: number; body: string | null }[];
  named: unknown[];
  qualified: number[];
  confirmed: number[];
  transcript: string;
  masters: { mpk: string; verifyingShares: Share[] }[];
  shares: { keyholder: number; secrets: string[] }[];
};

describe("vectors/dkg.json", () => {
  const { runs } = read<{ runs: Run[] }>("dkg");
  const named = new Map(runs.map((run) => [run.name, run]));

  test.each(runs.map((run) => [run.name, run] as const))(
    "DKG-1 to DKG-10: %s: each participant alone, against the log",
    (_, run) => {
      const from = run.reshares === undefined ? undefined : named.get(run.reshares);
      const session: DkgSession = {
        session: fromHex(run.session),
        dealers: run.dealers.map(keyholderIndex),
        receivers: run.receivers.map(keyholderIndex),
        threshold: run.threshold,
        origin:
          from === undefined
            ? { kind: "new", keys: run.keys }
            : {
                kind: "reshare",
                masters: from.masters.map((master) => masterOf({ ...master, threshold: from.threshold })),
              },
      };
      expect(hex(sessionContext(session))).toBe(run.context);
      const masters = run.masters.map((master) => masterOf({ ...master, threshold: run.threshold }));
      for (const master of masters) checkMasterKey(master);
      for (const { keyholder, seed } of run.seeds) {
        const held = from?.shares
          .find((own) => own.keyholder === keyholder)
          ?.secrets.map((one) => fromHex(one));
        const own = { self: keyholderIndex(keyholder), seed: fromHex(seed), shares: held ?? null };
        let state = dkgStart(session, own);
        for (const event of run.log) {
          const { round, from: sender, body } = event;
          const due = dkgDue(state);
          const said = body === null ? undefined : fromHex(body);
          // The first thing that it says in a round is what it has to say, unless the vector makes it lie.
          if (due !== null && sender === keyholder && said !== undefined && run.name !== "faults") {
            expect(hex(due.body)).toBe(body);
          }
          const head = { round, from: keyholderIndex(sender) };
          state = dkgStep(
            state,
            said === undefined ? { kind: "close", ...head } : { kind: "message", ...head, body: said },
          );
        }
        if (state.kind !== "agreed") throw new Error(`the run ended as ${state.kind}`);
        expect(state).toMatchObject({ named: run.named, confirmed: run.confirmed });
        expect(state.outcome).toMatchObject({ qualified: run.qualified, masters });
        expect(hex(state.outcome.transcript)).toBe(run.transcript);
        expect(state.outcome.shares?.map(({ secret }) => hex(secret))).toEqual(
          run.shares.find((one) => one.keyholder === keyholder)?.secrets,
        );
      }
    },
  );
});
