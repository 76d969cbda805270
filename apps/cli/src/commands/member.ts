import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ConversationEvent, Seat } from "@porchlight/client";
import { ClientError, parseInvitation } from "@porchlight/client";
import {
  type AccountId,
  accountId,
  type CharterId,
  conversationId,
  formatInstant,
  type JsonObject,
  unixSeconds,
} from "@porchlight/encoding";
import { charterInWords, Service } from "@porchlight/parties";
import { type Command, InvalidArgumentError } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { createMember, type OpenMember, openMember, readPlace } from "../member-directory.ts";
import { charter, parsed, several } from "../options.ts";
import { action, formatRows, formatTable, type Outcome, printable, type Streams } from "../terminal.ts";
import { registerMemberDevices } from "./member-devices.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the member's directory", "member"] as const;
const CONVERSATION = [
  "--conversation <id>",
  "its id or the beginning of it; may be left out where there is only one",
] as const;

function invitation(text: string): Uint8Array {
  try {
    return parseInvitation(text);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new InvalidArgumentError("Expected the whole link of an invitation.");
  }
}

export function registerMember(program: Command, streams: Streams): void {
  const member = program.command("member").description("write and read as a member of conversations");

  action(
    member
      .command("init")
      .description("make an account and its first device, and register both")
      .requiredOption("--url <url>", "the service's address")
      .option("--charter <id>", "the charter that you know to be the service's", charter)
      .option(
        "--invitation <link>",
        "the link that you were given, where the service asks for one",
        invitation,
      )
      .option(...DIRECTORY),
    streams,
    async (options: Directory & { url: string; charter?: CharterId; invitation?: Uint8Array }) => {
      const { dir, url, invitation: secret } = options;
      const opened = await createMember(dir, {
        url,
        charter: options.charter ?? null,
        ...(secret === undefined ? {} : { invitation: secret }),
      });
      const { book, place } = opened;
      const { charter } = await book.charter(place.charter);
      const words = charterInWords(book.present(charter), book.replacements(charter.id));
      return {
        text: `made ${dir}\n\n${describe(opened)}\n\nBefore you write: who can open what you write here\n\n${formatRows(words.rows)}\n\n${words.warnings.map((text) => `! ${text}`).join("\n")}`,
        json: { account: opened.member.account, charter: place.charter },
      };
    },
  );

  action(
    member
      .command("show")
      .description("the account's id and fingerprint, to compare with people")
      .option(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const opened = await openMember(dir);
      return {
        text: describe(opened),
        json: { account: opened.member.account, charter: opened.place.charter },
      };
    },
  );

  action(
    member
      .command("who-can-open")
      .description("the charter in plain words: who can open this, for what, how long it is kept")
      .option(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const place = await readPlace(dir);
      const service = await Service.open({
        url: place.url,
        directory: join(dir, "log"),
        charter: place.charter,
      });
      const { rows, warnings } = charterInWords(service.present, service.replacements);
      const orders = service
        .entriesFrom(0)
        .filter(({ bytes }) =>
          /^\{"type":"(?:warrant|hold-order)"/.test(Buffer.from(bytes).toString("latin1")),
        ).length;
      return {
        text: `${formatRows([...rows, { term: "Orders so far", text: `${orders} in the public log, under all charters` }])}\n\n${warnings.map((text) => `! ${text}`).join("\n")}`,
        json: {
          charter: place.charter,
          orders,
          warnings: [...warnings],
          words: rows.map((row) => ({ ...row })),
        },
      };
    },
  );

  action(
    member
      .command("conversations")
      .description("the conversations that this device is in")
      .option(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const { member: own } = await openMember(dir);
      await own.sync();
      const rows = own.seats.map((seat) => [
        seat.id,
        String(accountsOf(seat).length),
        seat.kind,
        String(seat.events.length),
      ]);
      return {
        text:
          rows.length === 0 ? "none yet" : formatTable(["conversation", "people", "state", "unread"], rows),
        json: {
          conversations: rows.map(([id, people, state]) => ({
            id: id ?? "",
            people: Number(people),
            state: state ?? "",
          })),
        },
      };
    },
  );

  action(
    member
      .command("create")
      .description("begin a conversation, under the charter of this directory")
      .option("--add <account...>", "with these accounts", several(accountId, "account ids, 64 hex digits"))
      .option(...DIRECTORY),
    streams,
    async ({ dir, add }: Directory & { add?: AccountId[] }) => {
      const { member: own, place } = await openMember(dir);
      const seat = await own.createConversation({ charter: place.charter });
      if (add !== undefined) await seat.changeMembers({ adds: add });
      return { text: seat.id, json: { conversation: seat.id } };
    },
  );

  action(
    member
      .command("add")
      .description("add people to a conversation")
      .requiredOption("--account <id...>", "their accounts", several(accountId, "account ids, 64 hex digits"))
      .option(...CONVERSATION)
      .option(...DIRECTORY),
    streams,
    async ({ dir, account, conversation }: Directory & { account: AccountId[]; conversation?: string }) => {
      const seat = seatOf(await openMember(dir), conversation);
      await seat.changeMembers({ adds: account });
      return {
        text: `${accountsOf(seat).length} people now`,
        json: { conversation: seat.id, people: accountsOf(seat).length },
      };
    },
  );

  action(
    member
      .command("remove")
      .description("remove people from a conversation")
      .requiredOption("--account <id...>", "their accounts", several(accountId, "account ids, 64 hex digits"))
      .option(...CONVERSATION)
      .option(...DIRECTORY),
    streams,
    async ({ dir, account, conversation }: Directory & { account: AccountId[]; conversation?: string }) => {
      const seat = seatOf(await openMember(dir), conversation);
      await seat.changeMembers({ removes: account });
      return {
        text: `${accountsOf(seat).length} people now`,
        json: { conversation: seat.id, people: accountsOf(seat).length },
      };
    },
  );

  action(
    member
      .command("send")
      .argument("<text>", "what to say")
      .description("send a message")
      .option("--kind <kind>", 'where it is not plain speech, for instance "action"')
      .option(...CONVERSATION)
      .option(...DIRECTORY),
    streams,
    async (
      { dir, kind, conversation }: Directory & { kind?: string; conversation?: string },
      _context,
      text: string,
    ) => {
      const opened = await openMember(dir);
      await opened.member.join();
      const seat = seatOf(opened, conversation);
      await seat.sync();
      await opened.account.attend();
      const at = unixSeconds(nowOf(opened));
      const id = randomBytes(16).toString("hex");
      await seat.send([{ id, at, text, ...(kind === undefined ? {} : { kind }) }]);
      return { text: "sent", json: { conversation: seat.id, id } };
    },
  );

  action(
    member
      .command("read")
      .description("what is new: messages, who came and went, what was refused; shown once")
      .option("--wait <seconds>", "wait for something new", parsed(Number, "seconds"))
      .option("--keep", "show it again the next time")
      .option(...CONVERSATION)
      .option(...DIRECTORY),
    streams,
    async ({
      dir,
      wait,
      keep,
      conversation,
    }: Directory & { wait?: number; keep?: boolean; conversation?: string }) => {
      const { member: own, account } = await openMember(dir);
      await own.join(own.seats.length === 0 && wait !== undefined ? { wait } : {});
      const seats = conversation === undefined ? own.seats : [seatOf({ member: own }, conversation)];
      const events: ConversationEvent[] = [];
      for (const seat of seats) {
        if (seat.kind !== "removed") await seat.sync(wait === undefined ? {} : { wait });
      }
      // What others' devices and one's own wait for: who was let in, who lost a device.
      await account.attend();
      for (const seat of seats) {
        events.push(...seat.events);
        if (keep !== true) await seat.handled(seat.events.length);
      }
      return readOutcome(events, own.account);
    },
  );

  action(
    member
      .command("members")
      .description("who is in a conversation, with every device")
      .option(...CONVERSATION)
      .option(...DIRECTORY),
    streams,
    async ({ dir, conversation }: Directory & { conversation?: string }) => {
      const opened = await openMember(dir);
      await opened.member.join();
      const seat = seatOf(opened, conversation);
      await seat.sync();
      const rows = seat.members.map(({ account, deviceKey }) => [
        account === opened.member.account ? `${account} (you)` : account,
        Buffer.from(deviceKey).toString("hex").slice(0, 16),
      ]);
      return {
        text: formatTable(["account", "device"], rows),
        json: { conversation: seat.id, accounts: accountsOf(seat) },
      };
    },
  );

  registerMemberDevices(member, streams);
}

function nowOf({ place, book }: OpenMember): number {
  return place.clock === "system" ? Math.floor(Date.now() / 1000) : (book.checkpointTime ?? 0);
}

function accountsOf(seat: Seat): AccountId[] {
  return [...new Set(seat.members.map(({ account }) => account))];
}

/** The conversation that is meant: by the beginning of its id, or the only one. */
function seatOf({ member }: Pick<OpenMember, "member">, name: string | undefined): Seat {
  if (name !== undefined && name.length === 64) return member.seat(conversationId(name));
  const found = member.seats.filter(({ id }) => name === undefined || id.startsWith(name));
  const [only, ...others] = found;
  if (only === undefined)
    throw new CommandError(EXIT.usage, "unknown-conversation", "this device is in no such conversation");
  if (others.length > 0) {
    throw new CommandError(
      EXIT.usage,
      "conversation-ambiguous",
      `${found.length} conversations are meant by that: give --conversation`,
    );
  }
  return only;
}

/** Sixty digits in groups of five would be the phone's way; in a terminal the id itself is compared. */
function describe({ member, place }: OpenMember): string {
  return formatRows([
    { term: "Account", text: member.account },
    { term: "Fingerprint", text: (member.account.match(/.{4}/g) ?? []).join(" ") },
    { term: "Service", text: place.url },
    { term: "Charter", text: place.charter },
  ]);
}

function readOutcome(events: readonly ConversationEvent[], own: AccountId): Outcome {
  const who = (account: string): string => (account === own ? "you" : account.slice(0, 8));
  const lines = events.map((event) => {
    switch (event.kind) {
      case "message":
        return `${formatInstant(event.content.at)} ${who(event.sender)}${event.content.kind === undefined ? "" : ` [${printable(event.content.kind)}]`}: ${printable(event.content.text)}`;
      case "delivered":
        return `${formatInstant(event.content.at)} you: ${printable(event.content.text)}`;
      case "joined":
        return `-- joined, invited by ${who(event.inviter)}${event.charter === null ? "; no charter: nothing is escrowed" : ""}`;
      case "members":
        return `-- ${who(event.by)} added ${event.added.map(({ account }) => who(account)).join(", ") || "nobody"}, removed ${event.removed.map(({ account }) => who(account)).join(", ") || "nobody"}${event.newDevices.length === 0 ? "" : `; NEW DEVICE of ${event.newDevices.map(({ account }) => who(account)).join(", ")}`}`;
      case "refused":
        return `-- refused: ${event.item} (${event.code}) handed in by ${who(event.submitter)}`;
      case "removed":
        return `-- ${who(event.by)} removed you`;
      case "charter-proposed":
        return `-- ${who(event.by)} proposes another charter: ${event.charter ?? "none"}`;
      default:
        return `-- ${event.kind}`;
    }
  });
  return {
    text: lines.length === 0 ? "nothing new" : lines.join("\n"),
    json: { events: [...events] as readonly object[] as readonly JsonObject[] },
  };
}
