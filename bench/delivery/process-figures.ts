// CPU time and memory of a process with everything that it started, from /proc.
import { readdirSync, readFileSync } from "node:fs";

const TICKS = 100;

function parents(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const fields = statOf(Number(name));
    if (fields === null) continue;
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  return children;
}

/** The fields of /proc/PID/stat after the command's name: state, parent, … */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function tree(root: number): number[] {
  const children = parents();
  const found = [root];
  for (let at = 0; at < found.length; at++) found.push(...(children.get(found[at] as number) ?? []));
  return found;
}

/** Seconds, those of children that have ended included. */
export function cpuSeconds(root: number): number {
  let ticks = 0;
  for (const pid of tree(root)) {
    const fields = statOf(pid);
    for (const place of [11, 12, 13, 14]) ticks += Number(fields?.[place] ?? 0);
  }
  return ticks / TICKS;
}

/** Megabytes, what is shared counted once. */
export function memory(root: number): number {
  let kilobytes = 0;
  for (const pid of tree(root)) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // Gone meanwhile.
    }
  }
  return kilobytes / 1024;
}
