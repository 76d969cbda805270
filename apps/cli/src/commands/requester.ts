import { createHash } from "node:crypto";
import { basename } from "node:path";
import {
  type CharterId,
  formatInstant,
  fromHex,
  type Json,
  parseDecimal,
  unixSeconds,
} from "@porchlight/encoding";
import { type OpenedRelease, verifyFiles, writeFiles } from "@porchlight/evidence";
import {
  Agency,
  copyForDefence,
  DEFENCE_ROLE_WORDS,
  DEFENCE_ROLES,
  type DefenceRole,
  keepOrder,
  type Lacking,
  namesOf,
  PartyError,
  type Stamped,
} from "@porchlight/parties";
import { type Command, Option } from "commander";
import { CommandError, EXIT } from "../exit-code.ts";
import {
  charter,
  openService,
  parsed,
  readInput,
  readOrder,
  type ServiceOptions,
  withService,
} from "../options.ts";
import { action, counted, formatRows, type Outcome, type Streams } from "../terminal.ts";
import { answerJson, answersTable, statusOutcome } from "./issuer.ts";
import { registerHi1 } from "./requester-hi1.ts";

type Directory = { readonly dir: string };
const DIRECTORY = ["--dir <dir>", "the requester's directory", "agency"] as const;

export function registerRequester(program: Command, streams: Streams): void {
  const requester = program
    .command("requester")
    .description("request, collect and open: for the agency or person that an order names");
  registerHi1(requester, streams);

  action(
    requester
      .command("init")
      .description("make the requester's directory and the age identity that evidence is encrypted to")
      .requiredOption("--name <name>", "the requester's name, as orders will show it")
      .option(
        "--recipient <age...>",
        "encrypt evidence to these age recipients instead of an identity made here",
      )
      .option("--url <url>", "the service's address")
      .option("--charter <id>", "the charter's id", charter)
      .option(...DIRECTORY),
    streams,
    async (
      options: Directory & { name: string; recipient?: string[]; url?: string; charter?: CharterId },
    ) => {
      const { dir, name, recipient, url, charter } = options;
      const agency = await Agency.create(dir, {
        name,
        ...(recipient === undefined ? {} : { recipients: recipient }),
        ...(url === undefined ? {} : { url }),
        ...(charter === undefined ? {} : { charter }),
      });
      return describe(
        agency,
        `made ${dir}; its secrets are sealed with the passphrase in ${dir}/passphrase: keep that elsewhere`,
      );
    },
  );

  action(
    requester
      .command("show")
      .description("the requester's name and age recipients")
      .option(...DIRECTORY),
    streams,
    async ({ dir }: Directory) => describe(await Agency.open(dir)),
  );

  action(
    withService(
      requester
        .command("request")
        .description("make a request for an issuer: fresh keys, proven for this reference and act")
        .requiredOption(
          "--reference <text>",
          "the file reference that the order will carry, never used before",
        )
        .option("--act <file>", "the original act (PDF, scan, form); only its SHA-256 leaves")
        .option(
          "--act-hash <hex>",
          "or its SHA-256",
          parsed((text) => fromHex(text, 32), "64 hex digits"),
        )
        .option(...DIRECTORY),
    ),
    streams,
    async (
      options: Directory & ServiceOptions & { reference: string; act?: string; actHash?: Uint8Array },
    ) => {
      const agency = await Agency.open(options.dir);
      const service = await openService(placeOf(agency), options);
      const { request, path } = await agency.request(service.charter.id, {
        reference: options.reference,
        actHash: await actHashOf(options),
      });
      return {
        text: `made ${path}. Give it to the issuer: porchlight issuer issue --request ${path} …`,
        json: { request: path, reference: request.reference, charter: service.charter.id },
      };
    },
  );

  action(
    withService(
      requester
        .command("submit")
        .description(
          "hand a logged order to every keyholder (the issuer has done it, but for orders over all conversations)",
        )
        .requiredOption("--order <file>", "the order")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: OrderOptions) => {
      const { agency, service, order } = await openOrder(options);
      await agency.handIn(service, order);
      const answers = await agency.handOn(service, order);
      return {
        text: answersTable(answers),
        json: { keyholders: answers.map(answerJson) },
        exit: answers.every(({ answer }) => answer.state === "unreachable") ? EXIT.unavailable : EXIT.done,
      };
    },
  );

  action(
    withService(
      requester
        .command("hand-on")
        .description(
          "give keyholders what the provider tells of an order by now: of one over all conversations which, of one over both sides what the others signed; every day, while an order goes on",
        )
        .requiredOption("--order <file>", "the order")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: OrderOptions) => {
      const { agency, service, order } = await openOrder(options);
      const answers = await agency.handOn(service, order);
      return { text: answersTable(answers), json: { keyholders: answers.map(answerJson) } };
    },
  );

  action(
    withService(
      requester
        .command("status")
        .description("where an order stands: log, keyholders")
        .requiredOption("--order <file>", "the order")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: OrderOptions) => {
      const { agency, service, order } = await openOrder(options);
      return statusOutcome(await agency.status(service, order));
    },
  );

  action(
    withService(
      requester
        .command("collect")
        .description(
          "collect what t keyholders released and what the provider holds, open it, store it beside what was collected before",
        )
        .requiredOption("--order <file>", "the order")
        .option("--unpack <dir>", "also write the readable package, as this new directory")
        .option(...DIRECTORY),
    ),
    streams,
    async (options: OrderOptions & { unpack?: string }, { progress }) => {
      const { agency, service, order } = await openOrder(options);
      await keepOrder(agency.directory, order);
      const collected = await agency.collect(service, order, { progress });
      if (collected.kind === "waiting") {
        const { have, need, keyholders } = collected;
        const refused = keyholders.filter(({ answer }) => answer.state === "refused").length;
        const never = keyholders.length - refused < need;
        return {
          text: `${have} of ${need} releases so far${never ? "; too many keyholders refused: there will be no release" : ": try again later"}\n\n${answersTable(keyholders)}`,
          json: { kind: "waiting", have, need, keyholders: keyholders.map(answerJson) },
          exit: never ? EXIT.refused : EXIT.notYet,
        };
      }
      const { opened, path, files, blamed, outstanding, stamped, lacking } = collected;
      if (options.unpack !== undefined) await writeFiles(options.unpack, files);
      const failed = opened.failures.length;
      return {
        text: [
          `${counted(opened.messages.length, "message")} opened${failed === 0 ? "" : `, ${counted(failed, "stored item")} did not open or verify (see report.json)`}`,
          ...(outstanding === 0
            ? []
            : [`${counted(outstanding, "key")} not released yet: collect again later`]),
          ...(blamed.length === 0
            ? []
            : [`left out, because what it released does not hold: keyholder ${blamed.join(", ")}`]),
          ...filesSaid(opened.attachments),
          ...(stamped === null ? [] : [stampedSaid(stamped)]),
          ...lackingSaid(lacking),
          `stored ${path}, encrypted to ${agency.recipients.length === 1 ? "this requester" : `${agency.recipients.length} recipients`}`,
          options.unpack === undefined
            ? `Read it: porchlight evidence unpack ${path} --dir ${options.dir} --out evidence`
            : `unpacked ${options.unpack}: open ${options.unpack}/data/index.html, check it with "porchlight evidence verify ${options.unpack}"`,
        ].join("\n"),
        json: {
          kind: "opened",
          messages: opened.messages.length,
          failures: failed,
          outstanding,
          blamed: [...blamed],
          evidence: path,
          lacking,
          timeStamp: stamped === null ? null : stampedJson(stamped),
          unpacked: options.unpack ?? null,
          commitment: namesOf(order).commitment,
        },
      };
    },
  );

  action(
    requester
      .command("time-stamps")
      .description("have packages stamped by an outside authority (RFC 3161) from now on")
      .requiredOption("--url <url>", "the authority's address")
      .requiredOption("--anchor <file...>", "its root certificates in PEM, that you have from elsewhere")
      .option(...DIRECTORY),
    streams,
    async (options: Directory & { url: string; anchor: string[] }) => {
      const agency = await Agency.open(options.dir);
      const anchors = [];
      for (const file of options.anchor) anchors.push(Buffer.from(await readInput(file)).toString());
      await agency.useTimeStamps({ url: options.url, anchors: anchors.join("\n") });
      return { text: `packages will be stamped by ${options.url}`, json: { url: options.url } };
    },
  );

  action(
    requester
      .command("stamp")
      .description("add a time stamp to a package that was collected without one")
      .requiredOption("--order <file>", "the order")
      .option(...DIRECTORY),
    streams,
    async (options: Directory & { order: string }) => {
      const agency = await Agency.open(options.dir);
      const stamped = await agency.stamp(await readOrder(options.order));
      return {
        text: stampedSaid(stamped),
        json: { timeStamp: stampedJson(stamped) },
        exit: stamped.kind === "stamped" ? EXIT.done : EXIT.unavailable,
      };
    },
  );

  action(
    requester
      .command("copy-for-defence")
      .description(
        "seal a package that verifies to the defence as well, whole and with all that proves it, and record that",
      )
      .requiredOption("--order <file>", "the order")
      .addOption(
        new Option("--to <role>", "for whom, as a part in the case")
          .choices([...DEFENCE_ROLES])
          .makeOptionMandatory(),
      )
      .requiredOption("--recipient <age...>", "their age recipients")
      .option(
        "--package <number>",
        "which package of the order; the newest where none is named",
        parsed((text) => parseDecimal(text, "package"), "a number of a package"),
      )
      .option(
        "--privilege-cleared",
        "of an order that touches privileged communication: whoever decides about it has allowed this copy",
      )
      .option(...DIRECTORY),
    streams,
    async (options: CopyOptions) => {
      const agency = await Agency.open(options.dir);
      const order = await readOrder(options.order);
      const all = await agency.packages(order);
      const kept =
        options.package === undefined ? all.at(-1) : all.find(({ number }) => number === options.package);
      if (kept === undefined)
        throw new PartyError(
          "not-collected",
          "nothing was opened under this order, or no package has that number",
        );
      const files = await agency.unseal(await readInput(kept.path));
      const timeAnchors = await agency.timeAnchors();
      const report = await verifyFiles(files, timeAnchors === null ? {} : { timeAnchors });
      if (report.kind === "refused" || report.release.commitment !== namesOf(order).commitment) {
        throw new CommandError(
          EXIT.refused,
          "evidence-refused",
          "the package does not verify, or is another order's: nothing was copied. See porchlight evidence verify",
        );
      }
      const { number, path, step } = await copyForDefence(agency, order, {
        number: kept.number,
        files,
        digest: report.digest,
        role: options.to,
        recipients: options.recipient,
        isPrivilegeCleared: options.privilegeCleared === true,
        now: unixSeconds(Math.floor(Date.now() / 1000)),
      });
      return {
        text: `copy ${number}, for ${DEFENCE_ROLE_WORDS[options.to]}: ${path}\nIt is recorded. They open it with their own key: porchlight evidence verify ${basename(path)} --identity FILE`,
        json: { copy: number, path, package: kept.number, digest: report.digest, sha256: step.digest },
      };
    },
  );
}

/** What became of the files that messages name. */
function filesSaid(attachments: OpenedRelease["attachments"]): string[] {
  if (attachments === null) return [];
  const missing = [...attachments.values()].filter(({ state }) => state !== "held").length;
  const held = attachments.size - missing;
  return [
    `${counted(held, "file")} that messages name ${held === 1 ? "is" : "are"} in the package${missing === 0 ? "" : `, ${missing} could not be had (see report.json)`}`,
  ];
}

/** What earlier packages of the order have and the newest has not. */
function lackingSaid(lacking: Lacking | null): string[] {
  if (lacking === null) return ["earlier packages of this order cannot be opened here: nobody compared them"];
  const { stored, files } = lacking;
  if (stored + files === 0) return [];
  return [
    `THE PROVIDER GAVE LESS THAN BEFORE: earlier packages, kept beside this one, have ${counted(stored, "stored item")} and ${counted(files, "file")} that it has not`,
  ];
}

function stampedSaid(stamped: Stamped): string {
  return stamped.kind === "stamped"
    ? `time stamp: ${formatInstant(stamped.at)} by ${stamped.authority}`
    : `NO TIME STAMP: ${stamped.why}. The package is whole; add one later with "porchlight requester stamp"`;
}

function stampedJson(stamped: Stamped): Json {
  return stamped.kind === "stamped"
    ? { stamped: true, at: formatInstant(stamped.at), authority: stamped.authority }
    : { stamped: false, why: stamped.why };
}

async function actHashOf(options: {
  readonly act?: string;
  readonly actHash?: Uint8Array;
}): Promise<Uint8Array> {
  if ((options.act === undefined) === (options.actHash === undefined)) {
    throw new CommandError(
      EXIT.usage,
      "act-missing",
      "give the original act with --act, or its SHA-256 with --act-hash",
    );
  }
  return (
    options.actHash ??
    new Uint8Array(
      createHash("sha256")
        .update(await readInput(options.act as string))
        .digest(),
    )
  );
}

type CopyOptions = Directory & {
  readonly order: string;
  readonly to: DefenceRole;
  readonly recipient: readonly string[];
  readonly package?: number;
  readonly privilegeCleared?: boolean;
};

type OrderOptions = Directory & ServiceOptions & { readonly order: string };

/** The agency of a directory, the service that it works with, and the order that is meant. */
async function openOrder(options: OrderOptions) {
  const agency = await Agency.open(options.dir);
  const service = await openService(placeOf(agency), options);
  return { agency, service, order: await readOrder(options.order) };
}

function placeOf(agency: Agency) {
  return { directory: agency.directory, url: agency.party.url, charter: agency.party.charter };
}

function describe(agency: Agency, note?: string): Outcome {
  const { name, recipients } = agency;
  const rows = formatRows([
    { term: "Name", text: name },
    {
      term: "Evidence encrypted to",
      text: recipients.map((one) => (one.length > 80 ? `${one.slice(0, 60)}…` : one)).join("\n"),
    },
    { term: "Service", text: agency.party.url ?? "none yet" },
    { term: "Charter", text: agency.party.charter ?? "none yet" },
  ]);
  return {
    text: note === undefined ? rows : `${note}\n\n${rows}`,
    json: { name, recipients: [...recipients], url: agency.party.url, charter: agency.party.charter },
  };
}
