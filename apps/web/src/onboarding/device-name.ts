import { say } from "../i18n/say.tsx";

const BROWSERS = [
  ["Firefox/", "Firefox"],
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"],
] as const;
const SYSTEMS = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS", "Mac"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;

/** What a new device is called until its person calls it otherwise. */
export function proposedDeviceName(agent: string = navigator.userAgent): string {
  const found = (list: readonly (readonly [mark: string, name: string])[]): string | undefined =>
    list.find(([mark]) => agent.includes(mark))?.[1];
  const [browser, system] = [found(BROWSERS), found(SYSTEMS)];
  if (browser === undefined || system === undefined) return say("device.unnamed");
  // A name of a device has no isolates: it stands in lists beside others.
  return say("device.proposed", { browser, system }).replace(/\p{Cf}/gu, "");
}
