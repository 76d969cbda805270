import type { Charter } from "@porchlight/charter";
import { skeleton } from "@porchlight/charter/letters";
import { type AccountId, accountId, idBytes } from "@porchlight/encoding";
import type { Action, LDTask, Resolve } from "@porchlight/hi1";
import type { Queries } from "../database.ts";
import type { Persons } from "../persons.ts";

type Targets = readonly { readonly format: string; readonly value: string }[];

/** Every account and name that a request names, wherever it stands. */
function targetsOf(actions: ReadonlyMap<number, Action>): Targets {
  return [...actions.values()].flatMap((action) => {
    if (!("object" in action)) return [];
    const values = (action.object as LDTask)["task:RequestDetails"]?.["task:RequestValues"]?.[
      "task:RequestValue"
    ];
    return (values ?? []).map((one) => ({
      format: one["task:FormatType"]["task:FormatName"],
      value: one["task:Value"],
    }));
  });
}

/**
 * HI1-20: looks up what a request names. For every value the same is asked of the database, so that nobody, somebody outside
 * these charters and two of one name take the same time.
 */
export async function resolveTargets(
  actions: ReadonlyMap<number, Action>,
  charters: readonly Charter[],
  queries: Queries,
  persons: Persons,
): Promise<Resolve> {
  const targets = targetsOf(actions).filter(({ format }) => format === "Account" || format === "Name");
  const names = await persons.byName(queries);
  const found = new Map<string, AccountId | null>();
  for (const { format, value } of targets) {
    // Two whose names the eye takes for one are two of one name, whichever of them is written here.
    const isOne = names.alike.get(skeleton(value))?.length === 1;
    const named = names.exact.get(value) ?? [];
    const isId = /^[0-9a-f]{64}$/.test(value);
    const [meant] = format === "Account" ? (isId ? [accountId(value)] : []) : isOne ? named : [];
    const asked = meant === undefined ? Buffer.alloc(32) : Buffer.from(idBytes(meant));
    const [row] = await queries.query<{ known: boolean }>({
      text: `select exists (select from notice_cards where account = $1)
          and (exists (select from memberships m join conversations c using (conversation)
              where m.account = $1 and (c.charter = any($2::bytea[]) or c.next_charter = any($2::bytea[])))
            or exists (select from kept_envelopes where account = $1 and charter = any($2::bytea[]))) as known`,
      values: [asked, charters.map(({ id }) => Buffer.from(idBytes(id)))],
    });
    found.set(`${format} ${value}`, row?.known === true && meant !== undefined ? meant : null);
  }
  return (format, value) => found.get(`${format} ${value}`) ?? null;
}
