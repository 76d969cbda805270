import type { CharterReport } from "./reckoning.ts";

/** RFC 4180: a field is quoted where it has to be, lines end with CRLF. */
function line(fields: readonly (string | number)[]): string {
  return `${fields.map(field).join(",")}\r\n`;
}

function field(value: string | number): string {
  const text = String(value);
  // A spreadsheet takes what begins like a formula for one; names in a charter are somebody's free text.
  const safe = typeof value === "string" && /^[=+\-@\t]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Instead of a number that would be of fewer than five orders, or give such a number away (REP-4). */
const WITHHELD = "withheld";

/** REP-4: instead of basis and category, in the row that sums all that are withheld. */
export const ALL_OTHERS = "all others";

/** REP-8: the tables of a report as CSV, by file name. The first column of each is the charter's id. */
export function csvFiles(reports: readonly CharterReport[]): ReadonlyMap<string, string> {
  const table = (
    columns: readonly string[],
    rows: (report: CharterReport) => readonly (readonly (string | number)[])[],
  ): string =>
    line(["charter", ...columns]) +
    reports.flatMap((report) => rows(report).map((row) => line([report.charter.id, ...row]))).join("");
  return new Map([
    [
      "orders.csv",
      table(
        [
          "month",
          "logged",
          "revoked",
          "suspended",
          "extended",
          "told_early",
          "disclosed",
          "still_secret",
          "not_disclosed",
        ],
        ({ orders }) =>
          orders.map((row) => [
            row.month,
            row.logged,
            row.revoked,
            row.suspended,
            row.extended,
            row.toldEarly,
            row.disclosed,
            row.stillSecret,
            row.notDisclosed,
          ]),
      ),
    ],
    [
      "notices.csv",
      table(["month", "told", "least_days", "median_days", "most_days"], ({ notices }) =>
        notices.map(({ month, told, days }) => [
          month,
          told,
          ...(days === null ? ["", "", ""] : [days.least, days.median, days.most]),
        ]),
      ),
    ],
    [
      "preservations.csv",
      table(["month", "logged", "lifted"], ({ preservations }) =>
        preservations.map(({ month, logged, lifted }) => [month, logged, lifted]),
      ),
    ],
    [
      "provider-answers.csv",
      table(["month", "subscriber", "traffic"], ({ providerAnswers }) =>
        providerAnswers.map(({ month, subscriber, traffic }) => [month, subscriber, traffic]),
      ),
    ],
    [
      "registrations.csv",
      table(["month", "registered"], ({ registrations }) =>
        registrations.map(({ month, registered }) => [month, registered]),
      ),
    ],
    [
      "purposes.csv",
      table(["months", "legal_basis", "offence_category", "orders", "accounts", "days"], ({ purposes }) =>
        purposes.flatMap(({ months, cells, others }) => [
          ...cells.map(({ legalBasis, offenceCategory, told }) => [
            months.join(" "),
            legalBasis,
            offenceCategory,
            ...(told === null ? [WITHHELD, WITHHELD, WITHHELD] : [told.orders, told.accounts, told.days]),
          ]),
          ...(others.orders === 0
            ? []
            : [[months.join(" "), ALL_OTHERS, ALL_OTHERS, others.orders, others.accounts, others.days]]),
        ]),
      ),
    ],
    [
      "statistics.csv",
      table(["month", "legal_basis", "offence_category", "orders"], ({ statistics }) =>
        statistics.flatMap(({ month, cells }) =>
          cells.map((cell) => [month, cell.legalBasis, cell.offenceCategory, cell.orders ?? WITHHELD]),
        ),
      ),
    ],
    [
      "keyholders.csv",
      table(["month", "keyholder", "name", "expected_days", "present_days", "extra_batches"], (report) =>
        report.participation.map((row) => [
          row.month,
          row.keyholder,
          row.name,
          row.expected,
          row.present,
          row.extra,
        ]),
      ),
    ],
  ]);
}
