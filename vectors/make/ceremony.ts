// A key ceremony (spec/ceremony.md): session ids, and the entries of one in which a dealer deals a wrong box.
import { formatEntry, signCeremony } from "@porchlight/charter";
import { base64, charterId, fromUtf8, hex, type Period, parsePeriod } from "@porchlight/encoding";
import { sessionId } from "../../apps/keyholder/src/ceremony-name.ts";
import { runCourse } from "../../apps/keyholder/test/course-log.ts";
import { charterOf, seedOf } from "../fixture/deployment.ts";

const PERIOD = "2026-09" as Period;

export async function make(): Promise<unknown> {
  const id = charterId("5b".repeat(32));
  const names = [
    { charter: id, period: parsePeriod("2017-10"), generation: 1, from: 0 },
    { charter: id, period: parsePeriod("2017-10"), generation: 2, from: 0 },
    { charter: id, period: parsePeriod("2017-10"), generation: 2, from: 1 },
    { charter: id, period: parsePeriod("2026-12"), generation: 4_294_967_295, from: 4_294_967_294 },
  ];
  const charter = await charterOf("court");
  const { courses, log, terms } = runCourse(charter, {
    period: PERIOD,
    interfere: (event) => {
      if (event.round !== 2 || event.from !== 4) return [event];
      const body = event.body.slice();
      body[body.length - 1] = (body.at(-1) as number) ^ 1;
      return [{ ...event, body }];
    },
  });
  const end = courses.get(0);
  if (end?.kind !== "signed") throw new Error("the ceremony ends in keys");
  return {
    description:
      "Key ceremony: CER-5 session ids; the entries of one ceremony under the court's charter of charter.json, " +
      "in which keyholder 4 deals a wrong box to keyholder 5, and the keys entry that it ends in",
    sessions: names.map((name) => ({ ...name, session: hex(sessionId(name)) })),
    ceremony: {
      charter: charter.id,
      entries: log.map(({ round, from, body }) => {
        const signer = charter.keyholders[from - 1]?.name ?? "";
        const entry = {
          type: "ceremony",
          ...terms.name,
          round,
          keyholder: from,
          body: base64(body),
        } as const;
        return fromUtf8(formatEntry(signCeremony(entry, seedOf(signer))));
      }),
      named: end.named,
      keys: fromUtf8(formatEntry({ type: "keys", document: end.document })),
    },
  };
}
