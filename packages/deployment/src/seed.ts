import { join } from "node:path";
import {
  type DayNumber,
  dayNumber,
  dayOf,
  dayStart,
  formatInstant,
  type UnixSeconds,
  unixSeconds,
} from "@porchlight/encoding";
import { writeFiles } from "@porchlight/evidence";
import { Agency } from "@porchlight/parties";
import { introduceAuthority } from "./authority.ts";
import { Case } from "./case.ts";
import type { ChatDay, ChatLine } from "./chat.ts";
import type { Deployment } from "./deployment.ts";
import { WORK_FACTOR } from "./layout.ts";
import type { Progress } from "./progress.ts";
import { replayChat } from "./replay.ts";

type Script = readonly (readonly [clock: string, from: string, text: string])[];

// Invented people and an invented club.
const FIRST_DAY: Script = [
  ["18:02", "noor", "The seed order for the garden club is due on Friday. Who still wants beans?"],
  ["18:05", "tomas", "Two packets of runner beans for plot 9, please."],
  ["18:07", "ines", "And onion sets for me, if there is money left in the pot."],
  ["18:11", "noor", "There is. 214.50 after the fence."],
  [
    "18:40",
    "rook",
    "Hi all, I am the new treasurer of the federation. Your club owes 480 for the water rights.",
  ],
  ["18:42", "noor", "That is the first I hear of it?"],
  ["18:44", "rook", "It is urgent. If it is not paid today the water is cut off on Monday."],
  [
    "18:45",
    "rook",
    "Please send it to the new account, the old one is closed. I send you the number privately.",
  ],
  ["18:52", "tomas", "Monday! My seedlings will not survive that."],
  ["18:59", "noor", "All right, I will pay it from the pot and my own card tonight."],
];
const SECOND_DAY: Script = [
  ["08:31", "ines", "I rang the federation. They have no new treasurer, and nobody owes anything for water."],
  ["08:33", "noor", "Oh no. I have paid already."],
  ["08:35", "tomas", "Rook, what is this?"],
  ["08:41", "rook", "It must be a mistake of the bank. I will look into it."],
  ["08:52", "ines", "Do not delete anything. I am going to the police with it."],
  ["09:10", "noor", "Bank says the money is gone. Thank you, Ines, for asking."],
];

// Invented people and an invented clinic.
const HOUSE_FIRST_DAY: Script = [
  [
    "08:05",
    "adaeze",
    "Morning all. Three ventilators are due for service, I need the purchase order by noon.",
  ],
  ["08:11", "jonas", "The new firm came in 18 percent over the old one. Are we sure about that?"],
  ["08:14", "brandt", "It is settled. Please do not ask for further offers."],
  ["08:20", "adaeze", "Settled by whom? The rules want three offers above 10,000."],
  ["08:22", "brandt", "I know the owner, they are reliable. He has invited us to the regatta, by the way."],
  ["08:23", "brandt", "Put the invoice in two parts, then each stays below the limit."],
  ["08:41", "jonas", "I am not comfortable with that."],
];
const HOUSE_SECOND_DAY: Script = [
  ["09:02", "jonas", "I have told legal affairs what I saw. They will want to look at it."],
  ["09:04", "adaeze", "Good. Then the works council will hear of it as well, before anything is opened."],
  ["09:12", "brandt", "Who reads along here? This was between us."],
];

const STORIES = {
  court: { days: [FIRST_DAY, SECOND_DAY], about: "rook", reference: "case", requester: "agency" },
  house: {
    days: [HOUSE_FIRST_DAY, HOUSE_SECOND_DAY],
    about: "brandt",
    reference: "hold",
    requester: "house-lawyers",
  },
} as const;

function dayOfScript(day: DayNumber, script: Script): ChatDay {
  const lines = script.map(([clock, from, text]): ChatLine => {
    const [hours, minutes] = clock.split(":").map(Number) as [number, number];
    const time = unixSeconds(dayStart(day) + 3600 * hours + 60 * minutes);
    return { at: formatInstant(time), time, from, text };
  });
  return { day, lines };
}

/** Seconds before midnight at which a house's order is signed. */
const EVENING = 4 * 3600;

/** Days before the first start on which the seeded conversation begins. */
export const SEED_DAYS = 3;

/** The small conversation that a fresh deployment starts with, on the days before `now`. */
function seedChat(now: UnixSeconds, days: readonly [Script, Script]): ChatDay[] {
  const today = dayOf(now);
  return days.map((script, i) => dayOfScript(dayNumber(today - SEED_DAYS + i), script));
}

export type FinishedCase = {
  /** The unpacked evidence package. */
  readonly directory: string;
  readonly messages: number;
};

/** Plays the seeded conversation and takes one case through to its evidence. */
export async function seed(
  deployment: Deployment,
  now: UnixSeconds,
  progress: Progress,
): Promise<FinishedCase> {
  const { charter, url, layout } = deployment;
  const story = STORIES[charter.kind];
  const days = seedChat(now, story.days);
  const replayed = await replayChat(
    {
      url,
      charter,
      tick: async (at) => await deployment.tick(at),
      keysOf: async (period) => await deployment.keysOf(period),
    },
    days,
    { seed: null, sampleDay: (days[0] as ChatDay).day, progress },
  );
  const wait = charter.inspection?.days ?? null;
  // A house's order waits for its inspectors first: it is signed so many days before.
  await deployment.tick(wait === null ? now : unixSeconds(dayStart(dayNumber(dayOf(now) - wait)) - EVENING));
  const directory = layout.directory("agency");
  const agency = await Agency.create(
    directory,
    { name: story.requester, url, charter: charter.id },
    { workFactor: WORK_FACTOR },
  );
  const account = replayed.accounts.get(story.about);
  if (account === undefined) throw new TypeError(`the script has no ${story.about}`);
  const court = await deployment.court();
  const [first, second] = days.map(
    ({ day }) =>
      new Case(deployment, court, agency, {
        person: story.about,
        account,
        conversation: replayed.conversation,
        day,
      }),
  ) as [Case, Case];
  progress.note(
    charter.kind === "court"
      ? "a case: the court signs, three keyholders approve, the agency opens"
      : "a case: two sign, the works council could stop it, three keyholders approve, the house's lawyers open",
  );
  const order = await first.submit(await first.issue(await first.request(`${story.reference} 1`)));
  await deployment.tick(now);
  const opened = await first.carryOut(order, 60);
  progress.note(
    "a second order, which waits for those who decide, and an authority's request, for the response officer",
  );
  await second.submit(await second.issue(await second.request(`${story.reference} 2`)));
  await introduceAuthority(deployment, agency, {
    reference: `${story.reference} 3`,
    person: story.about,
    day: second.target.day,
  });
  const evidence = join(directory, "case-1");
  await writeFiles(evidence, opened.files);
  return { directory: evidence, messages: opened.opened.messages.length };
}
