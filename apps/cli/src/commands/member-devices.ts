import type { Account, PairingHost } from "@porchlight/client";
import { type CharterId, EncodingError, formatInstant, hex, unixSeconds } from "@porchlight/encoding";
import type { Command } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import { openMember, pairMember, restoreMember } from "../member-directory.ts";
import { charter, parsed, readInput } from "../options.ts";
import { action, counted, formatTable, type Outcome, printable, type Streams } from "../terminal.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the member's directory", "member"] as const;
/** Digits of a device's key or a session's id that are shown, and that are enough to name it. */
const SHOWN = 16;

function sixDigits(text: string): string {
  if (!/^[0-9]{6}$/.test(text)) throw new EncodingError("out-of-range", "digits");
  return text;
}

/** A person's devices, sessions and recovery code (spec/accounts.md). */
export function registerMemberDevices(member: Command, streams: Streams): void {
  action(
    member
      .command("devices")
      .description("the account's devices and their sessions")
      .option(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => await list((await openMember(dir)).account),
  );

  action(
    member
      .command("pair")
      .description("make this a further device of an account: it shows a code for the account's first device")
      .requiredOption("--url <url>", "the service's address")
      .option("--charter <id>", "the charter that you know to be the service's", charter)
      .option("--name <name>", "what the device is called", "terminal")
      .option(...DIRECTORY),
    streams,
    async ({ dir, url, charter, name }: Directory & { url: string; charter?: CharterId; name: string }) => {
      const say = (text: string): void => streams.error(`${text}\n`);
      const { account } = await pairMember(
        dir,
        { url, charter: charter ?? null, deviceName: name },
        {
          code: (code) => say(`Code: ${code}\nOn the first device: porchlight member approve --code ${code}`),
          digits: (digits) => say(`Digits: ${digits}\nThe same have to stand on the first device.`),
        },
      );
      return {
        text: `made ${dir}: a device of ${account.id}. What was said before is on the other device.`,
        json: { account: account.id, device: hex(account.member.device.deviceKey) },
      };
    },
  );

  action(
    member
      .command("approve")
      .description("let in a further device that shows a code; asks whether both show the same six digits")
      .requiredOption("--code <code>", "the code that the new device shows")
      .option("--digits <digits>", "the digits that the new device shows", parsed(sixDigits, "six digits"))
      .option(...DIRECTORY),
    streams,
    async ({ dir, code, digits }: Directory & { code: string; digits?: string }) => {
      const { account } = await openMember(dir);
      return await approve(await account.pair(code), digits, streams);
    },
  );

  action(
    member
      .command("remove-device")
      .description("take out a device that was lost: at the service at once, then in every conversation")
      .requiredOption("--device <key>", "its key, or the beginning of it (porchlight member devices)")
      .option(...DIRECTORY),
    streams,
    async ({ dir, device }: Directory & { device: string }) => {
      const { account } = await openMember(dir);
      const devices = (await account.devices()).map(({ deviceKey }) => hex(deviceKey));
      const key = Buffer.from(one(devices, device, "device"), "hex");
      // Only who has read the conversations can take it out of them.
      await account.member.sync();
      const { done, left } = await account.removeDevice(new Uint8Array(key));
      const later = left === 0 ? "" : "; the rest at the next read";
      return {
        text: `removed, out of ${counted(done.length, "conversation")}${later}`,
        json: { device: hex(new Uint8Array(key)), conversations: done.length, left },
      };
    },
  );

  action(
    member
      .command("end-session")
      .description("end one session of a device; the device has to log in again")
      .requiredOption("--session <id>", "its id, or the beginning of it (porchlight member devices)")
      .option(...DIRECTORY),
    streams,
    async ({ dir, session }: Directory & { session: string }) => {
      const { account } = await openMember(dir);
      const ids = (await account.devices()).flatMap(({ sessions }) => sessions.map(({ id }) => id));
      const id = one(ids, session, "session");
      await account.endSession(id);
      return { text: "ended", json: { session: id } };
    },
  );

  action(
    member
      .command("recovery-code")
      .description(
        "make a new recovery code, shown once: it brings the account back, and ends the code before",
      )
      .option(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => {
      const code = await (await openMember(dir)).account.enableRecovery();
      return {
        text: `${code}\n\nWrite it down and keep it where no computer is. Whoever has it can become you.`,
        json: { code },
      };
    },
  );

  action(
    member
      .command("restore")
      .description("come back with the recovery code: a new device, and all others are out")
      .requiredOption("--url <url>", "the service's address")
      .requiredOption("--code-file <file>", "a file with the recovery code")
      .option("--charter <id>", "the charter that you know to be the service's", charter)
      .option("--name <name>", "what the device is called", "terminal")
      .option(...DIRECTORY),
    streams,
    async (options: Directory & { url: string; codeFile: string; charter?: CharterId; name: string }) => {
      const { dir, url, charter, name } = options;
      // From a file: what stands on a command line others can see.
      const code = new TextDecoder().decode(await readInput(options.codeFile)).trim();
      const place = { url, charter: charter ?? null, deviceName: name };
      const { account, asked, lost } = await restoreMember(dir, place, code);
      return {
        text: `made ${dir}: a device of ${account.id}. ${counted(lost, "lost device")} out, ${counted(asked, "conversation")} asked to let this one in: the next member to come online does. Make a new recovery code now.`,
        json: { account: account.id, lost, conversations: asked },
      };
    },
  );
}

async function approve(pairing: PairingHost, shown: string | undefined, streams: Streams): Promise<Outcome> {
  const device = printable(pairing.deviceName);
  const yes =
    shown === undefined
      ? await streams.confirm(`"${device}" wants in. Does it show ${pairing.digits}?`)
      : shown === pairing.digits;
  if (!yes) {
    // It is not in without a yes; that somebody may be in between is said whether or not the server hears of it.
    await pairing.refuse().catch(() => {});
    throw new CommandError(
      EXIT.refused,
      "digits-differ",
      "refused: somebody may be in between; begin again on a network that you trust",
    );
  }
  const { attendance } = await pairing.confirm();
  const later = attendance.left === 0 ? "" : "; the rest at the next read";
  const refused = attendance.refused.length;
  const tried = refused === 0 ? "" : `; in ${refused} the server tried to put another device in: refused`;
  return {
    text: `"${device}" is in, and in ${counted(attendance.done.length, "conversation")}${later}${tried}`,
    json: {
      device: pairing.deviceName,
      conversations: attendance.done.length,
      left: attendance.left,
      refused,
    },
  };
}

async function list(account: Account): Promise<Outcome> {
  const devices = await account.devices();
  const day = (seconds: number): string => formatInstant(unixSeconds(seconds)).slice(0, 10);
  const rows = devices.flatMap(({ deviceKey, name, created, lastUsed, current, revoked, sessions }) => [
    [
      hex(deviceKey).slice(0, SHOWN),
      `${printable(name)}${current ? " (this one)" : ""}`,
      day(created),
      revoked === null ? day(lastUsed) : `removed ${day(revoked)}`,
    ],
    ...sessions.map(({ id, created: since, lastUsed: used, current: own }) => [
      `  ${id.slice(0, SHOWN)}`,
      `session${own ? " (this one)" : ""}`,
      day(since),
      day(used),
    ]),
  ]);
  return {
    text: formatTable(["device", "name", "since", "last used"], rows),
    json: { devices: devices.map((found) => ({ ...found, deviceKey: hex(found.deviceKey) })) },
  };
}

/** The one of these that begins so. */
function one(all: readonly string[], beginning: string, what: string): string {
  const found = all.filter((text) => beginning !== "" && text.startsWith(beginning.toLowerCase()));
  const [only, ...others] = found;
  if (only === undefined) throw new CommandError(EXIT.usage, `unknown-${what}`, `there is no such ${what}`);
  if (others.length > 0) {
    throw new CommandError(
      EXIT.usage,
      `${what}-ambiguous`,
      `${found.length} are meant by that: give more of it`,
    );
  }
  return only;
}
