/** An invitation as it stands in a link's fragment, or by itself. */
export function invitationIn(pasted: string): string {
  const text = pasted.trim();
  const at = text.indexOf("/join#");
  return at < 0 ? text : text.slice(at + "/join#".length);
}

let arrived: string | null | undefined;

/** What the link that opened this page brought, other than contacts; it leaves the address bar and the history. */
export function takeInvitation(): string | null {
  if (arrived === undefined) {
    const isJoin =
      location.pathname === "/join" && location.hash.length > 1 && !location.hash.startsWith("#contact=");
    arrived = isJoin ? location.hash.slice(1) : null;
    if (isJoin) history.replaceState(history.state, "", "/join");
  }
  return arrived;
}
