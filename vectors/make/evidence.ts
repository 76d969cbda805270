import { base64, fromUtf8, unixSeconds, utf8 } from "../../packages/encoding/src/index.ts";
import { referenceName } from "../../packages/evidence/src/attachments.ts";
import { formatLine } from "../../packages/evidence/src/content.ts";
import { formatCustody } from "../../packages/evidence/src/custody.ts";
import { PAGES } from "../../packages/evidence/src/derived.ts";
import { type Files, sha256 } from "../../packages/evidence/src/files.ts";
import { makePackage } from "../../packages/evidence/src/package.ts";
import { writeTar } from "../../packages/evidence/src/tar.ts";
import { sealFile } from "../../packages/evidence/test/attached.ts";
import { makeCase } from "../../packages/evidence/test/case.ts";

const LINES = [
  { at: "2026-09-14T08:00:00Z", from: "merry-ram", text: "good morning" },
  { at: "2026-09-14T08:00:01Z", from: "merry-ram", text: "waves", kind: "action" },
  { at: "2026-09-14T08:00:02Z", from: "Ölçün", text: 'a "quoted"\n\tline \u0085\u2028\u2029 日本 👋 \u007f' },
];

function difference(files: Files, other: Files): object {
  return {
    files: Object.fromEntries(
      [...other]
        .filter(([path, bytes]) => Buffer.compare(bytes, files.get(path) ?? new Uint8Array()) !== 0)
        .map(([path, bytes]) => [path, base64(bytes)]),
    ),
    gone: [...files.keys()].filter((path) => !other.has(path)),
  };
}

/** A whole package, the formats of its parts, and changes that a verifier has to refuse. */
export async function make(): Promise<unknown> {
  const input = await makeCase();
  const { files } = await makePackage(input);
  // EVI-16: keyholder 2 was lost before the order, and its successor's release is one of three.
  const replaced = await makePackage(
    await makeCase({ releasing: [1, 2, 3], succession: { at: "before-order", released: "successor" } }),
  );
  // EVI-29: two files that messages name, one of which the provider no longer had.
  const named = [
    await sealFile("plan.txt", "the plan", "text/plain"),
    await sealFile("old.txt", "no longer there"),
  ];
  const written = [
    [{ at: "2026-09-14T08:00:00Z", text: "see", attachments: named.map(({ reference }) => reference) }],
  ];
  const attached = await makePackage({
    ...(await makeCase({ written })),
    attachments: named
      .map(({ reference, content }, i) => {
        const { id, digest, size } = reference;
        const facts = { ref: referenceName(reference), id, digest, size };
        return i === 0 ? { ...facts, state: "held" as const, content } : { ...facts, state: "gone" as const };
      })
      .sort((a, b) => (a.ref < b.ref ? -1 : 1)),
  });
  const steps = input.custody;
  const small = new Map([
    ["bagit.txt", utf8("BagIt-Version: 1.0\n")],
    ["data/empty", new Uint8Array()],
    [`data/${"long/".repeat(22)}name`, utf8("x")],
  ]);
  return {
    description:
      "EVI: an evidence package that verifies under `charter`, file by file in base64 (spec/evidence.md)",
    charter: input.charterId,
    package: Object.fromEntries([...files].map(([path, bytes]) => [path, base64(bytes)])),
    // Only the files that differ; without data/succession-01.json and its proof it is refused.
    replaced: difference(files, replaced.files),
    // With a byte of its file changed it is refused (EVI-73).
    attached: difference(files, attached.files),
    // Words and looks, which a verifier of another page version does not compare.
    pages: PAGES,
    lines: LINES.map((message) => ({ message, line: formatLine(message) })),
    custody: { steps, text: fromUtf8(formatCustody(steps)) },
    archive: {
      top: "evidence",
      time: 1_789_000_000,
      files: Object.fromEntries([...small].map(([path, bytes]) => [path, base64(bytes)])),
      sha256: sha256(writeTar(small, "evidence", unixSeconds(1_789_000_000))),
    },
    // Each with all manifests made again: what is replaced, and the file that the refusal names.
    refused: [
      {
        file: "data/messages.jsonl",
        replace: "good morning",
        with: "good evening",
        names: "data/messages.jsonl",
      },
      { file: "data/report.json", replace: '"seq": 42', with: '"seq": 43', names: "data/report.json" },
      {
        file: "data/custody.jsonl",
        replace: "order-received",
        with: "combined",
        names: "data/custody.jsonl",
      },
      {
        file: "data/label-keys.json",
        replace: "2026-09-14",
        with: "2026-09-15",
        names: "data/label-keys.json",
      },
      {
        file: "data/charter.json",
        replace: '{"type":"charter"',
        with: '{"type":"keys"',
        names: "data/charter.json",
      },
      {
        file: "data/releases/keyholder-001-0001.json",
        replace: '"random":"',
        with: '"random":"0',
        names: "data/releases/keyholder-001-0001.json",
      },
    ],
  };
}
