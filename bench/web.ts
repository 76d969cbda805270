// The web app in Chromium with 50 conversations and 100,000 messages: how soon it is usable, what it does while a person
// scrolls and writes, and whether it grows.
import { loadavg } from "node:os";
import type { CDPSession, Locator } from "playwright-core";
import { Stage } from "../e2e/web/stage.ts";
import { PASSPHRASE, type Person } from "../e2e/web/town.ts";
import type { Row } from "./run.ts";
import { growth } from "./web/growth.ts";
import { CONVERSATIONS, fill, IN_ONE } from "./web/histories.ts";

export const name = "web: the app in Chromium, 50 conversations and 100,000 messages";

/** Milliseconds from which on a task keeps a person waiting. */
const LONG = 50;
const SCROLLS = 150;
const SENDS = 40;

export async function run(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const stage = await Stage.open();
  try {
    const ada = await stage.member("Ada", stage.origin);
    const ben = await stage.member("Ben", stage.origin);
    const contact = await ben.contactLink();
    await ben.context.close();
    await ada.begins(contact);
    await ada.says("The first of many");
    await ada.thread.getByText("Sent").waitFor();
    await fill(ada);
    rows.push(...(await measure(ada)));
  } finally {
    await stage.close();
  }
  return [...rows, ...(await growth())];
}

type Task = { readonly wall: number; readonly cpu: number };

/** Every task of the page's main thread while something is done, from Chromium's own trace. */
async function traced(session: CDPSession, act: () => Promise<void>): Promise<readonly Task[]> {
  type Event = {
    name: string;
    ph: string;
    dur?: number;
    tdur?: number;
    pid: number;
    tid: number;
    args?: { name?: string };
  };
  const events: Event[] = [];
  session.on("Tracing.dataCollected", ({ value }) => void events.push(...(value as unknown as Event[])));
  await session.send("Tracing.start", {
    traceConfig: { includedCategories: ["toplevel", "devtools.timeline", "__metadata"] },
    transferMode: "ReportEvents",
  } as never);
  await act();
  const done = new Promise<void>((resolve) => void session.once("Tracing.tracingComplete", () => resolve()));
  await session.send("Tracing.end");
  await done;
  const main = new Set(
    events
      .filter((one) => one.name === "thread_name" && one.args?.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  return events
    .filter(
      ({ name: what, ph, pid, tid }) => ph === "X" && what.endsWith("RunTask") && main.has(`${pid} ${tid}`),
    )
    .map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1000, cpu: tdur / 1000 }));
}

function rowsOf(what: string, tasks: readonly Task[]): Row[] {
  const longest = (by: keyof Task): number => Math.max(0, ...tasks.map((task) => task[by]));
  const long = tasks.filter(({ cpu }) => cpu > LONG).length;
  return [
    {
      what: `${what}: longest task, CPU`,
      value: longest("cpu"),
      unit: "ms",
      ratio: `${long} of ${tasks.length} over ${LONG} ms`,
    },
    {
      what: `${what}: longest task, by the clock`,
      value: longest("wall"),
      unit: "ms",
      ratio: "other programs' time in it",
    },
  ];
}

async function measure(ada: Person): Promise<readonly Row[]> {
  const { page, context, origin } = ada;
  const load = loadavg()[0] as number;
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const began = performance.now();
  await page.goto(origin);
  const passphrase = page.getByLabel("Passphrase");
  await passphrase.waitFor();
  const locked = performance.now() - began;
  const unlock = async (typed: string, sign: Locator): Promise<number> => {
    await passphrase.fill(typed);
    const pressed = performance.now();
    await ada.press("Unlock");
    await sign.waitFor();
    return performance.now() - pressed;
  };
  // What a passphrase is made to cost; a passkey costs nothing of it.
  const scrypt = await unlock("another one", page.getByText("That does not unlock it"));
  const listed = await unlock(PASSPHRASE, page.getByRole("link", { name: /^Ben/ }).first());
  const chosen = performance.now();
  await page.getByRole("link", { name: /^Ben/ }).first().click();
  await page
    .getByText(`${IN_ONE - 1}:`)
    .first()
    .waitFor();
  const opened = performance.now() - chosen;
  const scroller = page.locator(".thread-scroll");
  await scroller.hover();
  const scrolling = await traced(session, async () => {
    for (let i = 0; i < SCROLLS; i++) await page.mouse.wheel(0, i % 10 === 9 ? 3_000 : -1_200);
    await scroller.evaluate((element) => void (element.scrollTop = element.scrollHeight / 2));
    for (let i = 0; i < SCROLLS; i++) await page.mouse.wheel(0, -900);
    await scroller.evaluate((element) => void (element.scrollTop = element.scrollHeight));
  });
  const sending = await traced(session, async () => {
    for (let i = 0; i < SENDS; i++) await ada.says(`sent while it is measured, ${i}`);
    await ada.sees(`sent while it is measured, ${SENDS - 1}`);
  });
  return [
    { what: "load of the machine", value: load, unit: "" },
    { what: "address typed → the device can be unlocked", value: locked, unit: "ms" },
    { what: "unlock pressed → a wrong passphrase is refused", value: scrypt, unit: "ms" },
    {
      what: `unlock pressed → ${CONVERSATIONS} conversations`,
      value: listed,
      unit: "ms",
      ratio: `${Math.round(listed - scrypt)} ms without the passphrase's own`,
    },
    { what: `pressed → the end of ${IN_ONE.toLocaleString("en")} messages`, value: opened, unit: "ms" },
    ...rowsOf(`scrolling, ${2 * SCROLLS} turns`, scrolling),
    ...rowsOf(`sending ${SENDS}`, sending),
  ];
}
