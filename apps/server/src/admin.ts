import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";
import {
  addSignature,
  type Charter,
  CharterError,
  charterIdOfDocument,
  formatEntry,
  MAX_RELEASE_BYTES,
  parseAppRelease,
  parseCharter,
  parseStatement,
  parseSuccession,
  reviewSuccession,
  type SignedDocument,
  signIntake,
  unverifiedPayload,
} from "@porchlight/charter";
import {
  type AccountId,
  accountId,
  asString,
  base64url,
  charterId,
  dayOf,
  EncodingError,
  equalBytes,
  Fields,
  fromHex,
  hex,
  type Json,
  parseJson,
  utf8,
} from "@porchlight/encoding";
import { AdminRefusal, type AdminRequest, type Clock } from "@porchlight/runtime";
import { formatVkey, TlogError } from "@porchlight/tlog";
import { nodeSuite } from "@porchlight/tlog/node";
import { ROLES } from "@porchlight/wire";
import type { BackupSummary } from "./backup.ts";
import { type Network, readMirrors, readNetwork } from "./config.ts";
import { HI1_COMMANDS, type Hi1Parts } from "./hi1/commands.ts";
import { type Identity, publicIdentity } from "./identity.ts";
import type { Invitations } from "./invitations.ts";
import type { Log } from "./log.ts";
import type { Orders } from "./orders.ts";
import type { Bound, Persons } from "./persons.ts";
import { Refusal } from "./refusal.ts";
import type { Retention } from "./retention.ts";
import type { Roles } from "./roles.ts";

export type AdminParts = {
  readonly identity: Identity;
  readonly log: Log;
  readonly clock: Clock;
  readonly persons: Persons;
  readonly orders: Orders;
  readonly invitations: Invitations;
  readonly roles: Roles;
  readonly hi1: Hi1Parts;
  /** Keeps a new policy durably and publishes under it from now on. */
  readonly setNetwork: (network: Network) => Promise<void>;
  /** Keeps which copies of the log there are, and tells who asks. */
  readonly setMirrors: (mirrors: readonly string[]) => Promise<void>;
  /** Writes a sealed backup to a path that names no file yet. */
  readonly retention: Retention;
  readonly backup: (path: string) => Promise<BackupSummary>;
};

const SHOWN_REPORTS = 20;

type Command = (parts: AdminParts, fields: Fields) => () => Promise<Json> | Json;

/** Commands of the admin socket (DEL-71). Whoever can open the socket is the operator. */
export async function handleAdmin(parts: AdminParts, request: AdminRequest): Promise<Json> {
  const fields = new Fields(request, "request");
  const name = fields.string("command", 100);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new AdminRefusal("command-unknown", `there are ${Object.keys(COMMANDS).join(", ")}`);
  }
  try {
    const act = command(parts, fields);
    fields.end();
    return await act();
  } catch (error) {
    const expected =
      error instanceof Refusal ||
      error instanceof EncodingError ||
      error instanceof CharterError ||
      error instanceof TlogError;
    if (expected) throw new AdminRefusal(error.code, error.message);
    throw error;
  }
}

/** Each reads its members first and acts afterwards, so that a member too many refuses the whole command. */
const COMMANDS: Readonly<Record<string, Command>> = {
  public: (parts) => () => publicIdentity(parts.identity),
  status: (parts) => () => {
    const { published } = parts.log;
    return {
      size: parts.log.store.size,
      hold: parts.log.hold,
      published: published === null ? null : { size: published.size, time: published.time },
      charters: parts.log.catalogue.verifiedCharters.map(({ id }) => id),
    };
  },
  retention: (parts, fields) => {
    const act = fields.literal("act", "show", "run", "rewrite");
    return async () => {
      if (act !== "show") await parts.retention.run();
      if (act === "rewrite") await parts.retention.rewrite();
      return {
        reports: (await parts.retention.reports(SHOWN_REPORTS)).map((text) =>
          parseJson(utf8(text), "report"),
        ),
      };
    };
  },
  "set-policy": (parts, fields) => {
    const network = readNetwork(fields);
    return async () => {
      await parts.setNetwork(network);
      return {};
    };
  },
  "set-mirrors": (parts, fields) => {
    const mirrors = readMirrors(fields);
    return async () => {
      await parts.setMirrors(mirrors);
      return {};
    };
  },
  backup: (parts, fields) => {
    const path = fields.string("path", 4096);
    return async () => {
      if (!isAbsolute(path) || existsSync(path)) {
        throw new AdminRefusal("path-refused", "name an absolute path where there is no file yet");
      }
      return await parts.backup(path);
    };
  },
  "review-charter": (parts, fields) => {
    const bytes = utf8(fields.string("charter", 2 ** 20));
    return () => {
      const { id } = reviewCharter(parts.identity, bytes);
      return { id, charter: parseJson(bytes, "charter") };
    };
  },
  "sign-charter": (parts, fields) => {
    const bytes = utf8(fields.string("charter", 2 ** 20));
    const id = charterId(fields.string("id"));
    return async () => {
      const review = reviewCharter(parts.identity, bytes);
      if (review.id !== id) {
        throw new AdminRefusal(
          "charter-wrong-id",
          "this is not the charter that was reviewed: its id differs",
        );
      }
      const signed = await addSignature({ payload: base64url(bytes), signatures: [] }, "charter", {
        name: review.providerName,
        seed: parts.identity.provider.seed,
      });
      return { signature: { ...(signed.signatures[0] as SignedDocument["signatures"][number]) } };
    };
  },
  "review-succession": (parts, fields) => {
    const bytes = utf8(fields.string("succession", 2 ** 16));
    return () => {
      reviewSuccession(bytes, presentCharter(parts.log, bytes));
      return { digest: hex(nodeSuite.sha256(bytes)), succession: parseJson(bytes, "succession") };
    };
  },
  "sign-succession": (parts, fields) => {
    const bytes = utf8(fields.string("succession", 2 ** 16));
    const digest = fields.string("digest");
    return async () => {
      const charter = presentCharter(parts.log, bytes);
      reviewSuccession(bytes, charter);
      if (digest !== hex(nodeSuite.sha256(bytes))) {
        throw new AdminRefusal("succession-differs", "this is not the document that was reviewed");
      }
      const signed = await addSignature({ payload: base64url(bytes), signatures: [] }, "succession", {
        name: charter.provider.name,
        seed: parts.identity.provider.seed,
      });
      return { signature: { ...(signed.signatures[0] as SignedDocument["signatures"][number]) } };
    };
  },
  "log-app": (parts, fields) => {
    const bytes = utf8(fields.string("release", MAX_RELEASE_BYTES));
    const { version } = parseAppRelease(bytes);
    const manifest = hex(nodeSuite.sha256(bytes));
    return async () => {
      const { appRelease: newest } = parts.log.catalogue;
      if (newest?.manifest === manifest) return { index: newest.index, manifest, version };
      const day = dayOf(parts.clock.now());
      const charter = parts.log.catalogue.charterInForce(day);
      if (charter === undefined) {
        throw new AdminRefusal("unknown-charter", "no charter is in force: log one first");
      }
      const entry = signIntake(
        { type: "app-release", charter: charter.id, day, version, manifest },
        parts.identity.intake.seed,
      );
      return { index: await parts.log.append(formatEntry(entry)), manifest, version };
    };
  },
  "bind-person": (parts, fields) => {
    const account = accountId(fields.string("account"));
    const person = fields.string("person");
    return async () => {
      await parts.persons.bind(account, person);
      return {};
    };
  },
  "review-person": (parts, fields) => {
    const account = accountId(fields.string("account"));
    const person = fields.string("person", 200);
    return async () => ({
      accounts: (await parts.persons.lookingLike(account, person)).map((one) => ({ ...one })),
    });
  },
  others: (parts, fields) => {
    const warrant = fields.string("warrant", 2 ** 20);
    const accounts = fields.optional("accounts") === undefined ? null : accountsIn(fields);
    const expected = expectedIn(fields);
    return async () => asReviewed(await parts.orders.others(warrant, accounts), expected);
  },
  "review-others": (parts, fields) => {
    const warrant = fields.string("warrant", 2 ** 20);
    return async () => {
      const { charter, accounts } = await parts.orders.whomElse(warrant, null);
      return { charter: charter.id, accounts: await parts.persons.review(accounts) };
    };
  },
  invite: (parts, fields) => {
    const secretHash = fromHex(fields.string("secretHash", 64), 32, "secretHash");
    const days = fields.integer("days", 1, 30);
    const role = fields.literal("role", ...ROLES);
    return async () => {
      const { expires } = await parts.invitations.make(null, { secretHash, days, role });
      return { secretHash: hex(secretHash), expires };
    };
  },
  "set-role": (parts, fields) => {
    const account = accountId(fields.string("account"));
    const role = fields.literal("role", ...ROLES);
    return async () => {
      await parts.roles.set(null, account, role);
      return {};
    };
  },
  audit: (parts, fields) => {
    const after = fields.optional("after") === undefined ? 0 : fields.integer("after");
    return async () => ({ lines: (await parts.roles.audit(after)).map((line) => ({ ...line })) });
  },
  ...Object.fromEntries(
    Object.entries(HI1_COMMANDS).map(([name, command]): [string, Command] => [
      name,
      (parts, fields) => command(parts.hi1, fields),
    ]),
  ),
  statement: (parts, fields) => {
    const charter = charterId(fields.string("charter"));
    const accounts = accountsIn(fields);
    const expected = expectedIn(fields);
    return async () =>
      asReviewed(await parts.persons.statement(knownCharter(parts.log, charter), accounts), expected);
  },
  "review-statement": (parts, fields) => {
    const accounts = accountsIn(fields);
    const names = fields.array("names", (item, where) => asString(item, where, 200));
    return async () => {
      const all = new Set([...accounts, ...(await parts.persons.accountsOf(names))]);
      return { accounts: await parts.persons.review([...all]) };
    };
  },
};

function accountsIn(fields: Fields): AccountId[] {
  return fields.array("accounts", (item, where) => accountId(asString(item, where, 64)));
}

/** What somebody was shown before: `null` where nobody was. */
function expectedIn(fields: Fields): readonly Bound[] | null {
  if (fields.optional("expected") === undefined) return null;
  return fields.array("expected", (item, where) => {
    const bound = new Fields(item, where);
    const read = { account: accountId(bound.string("account", 64)), person: bound.string("person", 200) };
    bound.end();
    return read;
  });
}

/** Given out only where it says what was shown: somebody may have bound an account anew in between. */
function asReviewed(document: SignedDocument, expected: readonly Bound[] | null): Json {
  const bound = parseStatement(unverifiedPayload(document)).accounts;
  const said = JSON.stringify(bound.map(({ account, person }) => ({ account, person })));
  if (expected !== null && said !== JSON.stringify(expected)) {
    throw new AdminRefusal("statement-differs", "the provider's records have changed: look at them again");
  }
  const { payload, signatures } = document;
  return { payload, signatures: signatures.map((made) => ({ ...made })) };
}

function knownCharter(log: Log, id: ReturnType<typeof charterId>): Charter {
  const charter = log.charter(id);
  if (charter === undefined) throw new AdminRefusal("unknown-charter", "this charter is not in the log");
  return charter;
}

/** DEL-72: the provider signs no charter that names other keys as its own. */
/** The charter that a succession is about, with those before it. */
function presentCharter(log: Log, succession: Uint8Array): Charter {
  const found = log.catalogue.presentCharter(parseSuccession(succession).charter);
  if (found === undefined) throw new AdminRefusal("unknown-charter", "the log has no such charter");
  return found;
}

function reviewCharter(
  identity: Identity,
  bytes: Uint8Array,
): { id: ReturnType<typeof charterId>; providerName: string } {
  const charter = parseCharter(bytes);
  const ours =
    equalBytes(charter.provider.key, identity.provider.publicKey) &&
    equalBytes(charter.provider.xwing, identity.xwing.publicKey) &&
    equalBytes(charter.intake.key, identity.intake.publicKey) &&
    charter.log.vkey === formatVkey(identity.log.key);
  if (!ours) {
    throw new AdminRefusal("charter-not-ours", "the charter does not name this provider with its own keys");
  }
  return { id: charterIdOfDocument(bytes), providerName: charter.provider.name };
}
