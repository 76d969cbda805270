/** Caches of the app's files: one for each release. Nothing else of this origin's begins so. */
const PREFIX = "porchlight-release-";

export function releaseCache(id: string): string {
  return PREFIX + id;
}

/**
 * Of all caches, oldest first, those that may go once `current` is the release in use. The one before it stays: a page
 * that is open may still want a part of it. What is no release's, such as the log's policy, is nobody's to delete here.
 */
export function outdated(names: readonly string[], current: string): readonly string[] {
  return names.filter((name) => name.startsWith(PREFIX) && name !== current).slice(0, -1);
}
