import fc from "fast-check";

/** One change to a sample; `at` and `to` are places as fractions of 2^16, so that they fit a sample of any length. */
type ByteChange =
  | { readonly kind: "flip"; readonly at: number; readonly mask: number }
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "delete"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number }
  | { readonly kind: "truncate"; readonly at: number }
  | { readonly kind: "splice"; readonly at: number; readonly to: number };

type TreeChange = {
  readonly path: readonly number[];
  readonly how: "replace" | "delete" | "rename" | "add" | "wrap" | "swap";
  readonly value: unknown;
};

export type Mutation =
  | { readonly kind: "bytes"; readonly changes: readonly ByteChange[] }
  | { readonly kind: "tree"; readonly changes: readonly TreeChange[] }
  | { readonly kind: "anything"; readonly bytes: Uint8Array };

const place = fc.nat(0xffff);
const boundary = fc.constantFrom(0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff);
const byteChange: fc.Arbitrary<ByteChange> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: place, mask: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant("set" as const), at: place, value: boundary }),
  fc.record({ kind: fc.constant("insert" as const), at: place, bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ kind: fc.constant("delete" as const), at: place, length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant("repeat" as const), at: place, length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ kind: fc.constant("truncate" as const), at: place }),
  fc.record({ kind: fc.constant("splice" as const), at: place, to: place }),
);
const value = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    "",
    0,
    -1,
    1.5,
    2 ** 53,
    1e308,
    -0,
    [],
    {},
    "__proto__",
    "\u0000",
    "\ud800",
    "９",
    "2026-02-30",
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: "binary", maxLength: 80 }),
  fc.integer({ min: 1, max: 3000 }).map((depth) => {
    let nested: unknown = 0;
    for (let level = 0; level < depth; level++) nested = [nested];
    return nested;
  }),
);
const treeChange: fc.Arbitrary<TreeChange> = fc.record({
  path: fc.array(place, { minLength: 1, maxLength: 6 }),
  how: fc.constantFrom("replace", "delete", "rename", "add", "wrap", "swap"),
  value,
});

/** Broken neighbours of a good sample, mostly; sometimes nothing like it. */
export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("bytes" as const),
      changes: fc.array(byteChange, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("tree" as const),
      changes: fc.array(treeChange, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("anything" as const),
      bytes: fc.uint8Array({ maxLength: 400 }),
    }),
  },
);

/** The sample after the mutation. A tree mutation of what is no JSON changes its lines instead. */
export function mutate(sample: Uint8Array, made: Mutation): Uint8Array {
  switch (made.kind) {
    case "anything":
      return made.bytes;
    case "bytes":
      return made.changes.reduce(changeBytes, sample);
    case "tree": {
      const text = new TextDecoder().decode(sample);
      let tree: unknown;
      try {
        tree = JSON.parse(text);
      } catch {
        const lines = text.split("\n");
        for (const change of made.changes) changeTree(lines, change);
        return new TextEncoder().encode(
          lines.map((line: unknown) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
        );
      }
      const holder = { tree };
      for (const change of made.changes) changeTree(holder.tree, change);
      return new TextEncoder().encode(JSON.stringify(holder.tree) ?? "null");
    }
  }
}

function changeBytes(bytes: Uint8Array, change: ByteChange): Uint8Array {
  const at = Math.floor((change.at / 0x10000) * (bytes.length + 1));
  const made = Array.from(bytes);
  switch (change.kind) {
    case "flip":
      if (at < made.length) made[at] = (made[at] as number) ^ change.mask;
      break;
    case "set":
      if (at < made.length) made[at] = change.value;
      break;
    case "insert":
      made.splice(at, 0, ...change.bytes);
      break;
    case "delete":
      made.splice(at, change.length);
      break;
    case "repeat":
      made.splice(at, 0, ...made.slice(at, at + change.length));
      break;
    case "truncate":
      made.length = at;
      break;
    case "splice": {
      const to = Math.floor((change.to / 0x10000) * (bytes.length + 1));
      made.splice(at, 16, ...made.slice(to, to + 16));
      break;
    }
  }
  return Uint8Array.from(made);
}

function changeTree(root: unknown, { path, how, value: replacement }: TreeChange): void {
  let node = root;
  for (const [depth, step] of path.entries()) {
    if (typeof node !== "object" || node === null) return;
    const keys = Object.keys(node);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) return;
    const members = node as Record<string, unknown>;
    const inner = members[key];
    const deeper = typeof inner === "object" && inner !== null && Object.keys(inner).length > 0;
    if (deeper && depth < path.length - 1) {
      node = inner;
      continue;
    }
    change(members, keys, key, how, replacement);
    return;
  }
}

function change(
  members: Record<string, unknown>,
  keys: readonly string[],
  key: string,
  how: TreeChange["how"],
  replacement: unknown,
): void {
  switch (how) {
    case "replace":
      members[key] = replacement;
      return;
    case "delete":
      delete members[key];
      return;
    case "rename":
      members[`${key}x`] = members[key];
      delete members[key];
      return;
    case "add":
      if (Array.isArray(members)) members.push(replacement);
      else members["unexpected"] = replacement;
      return;
    case "wrap":
      members[key] = [members[key]];
      return;
    case "swap": {
      const other = keys[0] as string;
      const kept = members[other];
      members[other] = members[key];
      members[key] = kept;
      return;
    }
  }
}
