/** One place of a state that is different now: its path from the root, and the value, or its absence. */
export type Patch =
  | { readonly path: readonly string[]; readonly value: unknown }
  | { readonly path: readonly string[]; readonly removed: true };

/**
 * What turns `before` into `after`. Objects are compared member by member, everything else (lists too) is replaced
 * whole. Parts that are the same object are not looked into: states share what did not change.
 */
export function difference(before: unknown, after: unknown): readonly Patch[] {
  const patches: Patch[] = [];
  compare(before, after, [], patches);
  return patches;
}

function compare(before: unknown, after: unknown, path: readonly string[], patches: Patch[]): void {
  if (Object.is(before, after)) return;
  if (!isRecord(before) || !isRecord(after) || before["kind"] !== after["kind"]) {
    if (!isSame(before, after)) patches.push({ path, value: after });
    return;
  }
  for (const name of Object.keys(before)) {
    if (!(name in after)) patches.push({ path: [...path, name], removed: true });
  }
  for (const [name, value] of Object.entries(after)) compare(before[name], value, [...path, name], patches);
}

/** Lists of plain values are rebuilt often and differ seldom. */
function isSame(before: unknown, after: unknown): boolean {
  return Array.isArray(before) && Array.isArray(after) && JSON.stringify(before) === JSON.stringify(after);
}

/** The state with the patches applied. What they do not touch stays the same object, so that a view can skip it. */
export function patched<State>(state: State, patches: readonly Patch[]): State {
  let next: unknown = state;
  for (const patch of patches) next = applied(next, patch, 0);
  return next as State;
}

function applied(at: unknown, patch: Patch, depth: number): unknown {
  const name = patch.path[depth];
  if (name === undefined) return "removed" in patch ? undefined : patch.value;
  const record = isRecord(at) ? at : {};
  if ("removed" in patch && depth === patch.path.length - 1) {
    return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
  }
  return { ...record, [name]: applied(record[name], patch, depth + 1) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
