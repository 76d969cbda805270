import { formatDay, formatInstant, type UnixSeconds, utf8 } from "@porchlight/encoding";
import { type Attachments, attachmentPath } from "./attachments.ts";
import { payloadOxum } from "./bag.ts";
import { certificateText } from "./certificate.ts";
import { type Attached, formatLine } from "./content.ts";
import type { Files } from "./files.ts";
import { orderWord } from "./order-words.ts";
import type { OpenedRelease, ReleaseInput } from "./release.ts";
import { rsmfFile } from "./rsmf.ts";
import { viewerPage } from "./viewer.ts";

const RSMF = "data/messages.rsmf";

/** Version of the whole format; a package of another one is refused by name. */
const FORMAT_VERSION = 1;

/**
 * Version of what people read: page and certificate. It changes with every change of their words or looks (a test
 * notices), the format does not: a package of ten years ago must still verify.
 */
export const PAGE_VERSION = 7;
/** Files that depend on {@link PAGE_VERSION}; nothing else in a package does. */
export const PAGES: readonly string[] = ["data/certificate.txt", "data/index.html", RSMF];

/**
 * EVI-18: the files that follow from the others. Whoever writes a package and whoever verifies it makes them with this
 * one function, so that a package in which any of them says something else is refused.
 */
export function derivedFiles(release: OpenedRelease, input: ReleaseInput, packagedAt: UnixSeconds): Files {
  const messagesFile = utf8(release.messages.map(formatLine).join(""));
  const certificate = certificateText(release, { messagesFile, warrantFile: input.warrant, packagedAt });
  return new Map([
    ["data/messages.jsonl", messagesFile],
    ["data/report.json", utf8(`${JSON.stringify(report(release, packagedAt), null, 1)}\n`)],
    ["data/certificate.txt", utf8(certificate)],
    ["data/index.html", utf8(viewerPage(release, { certificate, packagedAt }))],
    [RSMF, rsmfFile(release, packagedAt)],
  ]);
}

/** EVI-23: data/report.json. */
function report(release: OpenedRelease, packagedAt: UnixSeconds): object {
  const { charter, warrant, log } = release;
  return {
    version: FORMAT_VERSION,
    packagedAt: formatInstant(packagedAt),
    clock: charter.clock,
    charter: charter.id,
    order: {
      kind: orderWord(charter),
      reference: warrant.document.reference,
      commitment: release.commitment,
      logIndex: log.orderIndex,
    },
    log: {
      origin: log.checkpoint.origin,
      size: log.checkpoint.size,
      witnessedAt: formatInstant(log.checkpoint.time),
      revoked: false,
    },
    keyholders: release.releases.map(({ keyholder, holder, logIndex }) => ({
      keyholder,
      name: holder.name,
      logIndex,
    })),
    // Only where there are any: a report without them is as it always was.
    ...(log.replacements.length === 0
      ? {}
      : {
          replacements: log.replacements.map(({ logIndex, lost, successor, ground, at }) => ({
            keyholder: successor.index,
            lost: lost.name,
            successor: successor.name,
            ground,
            at: formatInstant(at),
            logIndex,
          })),
        }),
    // One for each line of messages.jsonl, in its order.
    messages: release.messages.map((message) => ({
      conversation: message.conversation,
      day: formatDay(message.day),
      seq: message.seq,
      account: message.account,
      device: message.device,
      epoch: message.epoch,
      generation: message.generation,
      franked: message.franked,
      ...(message.id === undefined ? {} : { id: message.id }),
      ...(message.about === undefined ? {} : { about: message.about }),
      ...(message.attachments === undefined
        ? {}
        : { attachments: message.attachments.map((one) => reported(one, release.attachments)) }),
    })),
    failures: release.failures.map(({ day, ...failure }) => ({ ...failure, day: formatDay(day) })),
    gaps: release.gaps.map(({ day, ...gap }) => ({ ...gap, day: formatDay(day) })),
  };
}

/** An attachment that a message names, and where its file is or why it is nowhere. */
function reported({ ref, ...named }: Attached, attachments: Attachments): object {
  const collected = attachments?.get(ref);
  if (collected === undefined) return named;
  return collected.state === "held"
    ? { ...named, state: "held", file: attachmentPath(ref) }
    : { ...named, state: collected.state };
}

/** Version of the page that a bag-info.txt states, `null` where it states none. */
export function pageVersionOf(info: Uint8Array | undefined): number | null {
  const stated = /^Porchlight-Page-Version: ([1-9][0-9]{0,5})$/m.exec(
    Buffer.from(info ?? []).toString("latin1"),
  );
  return stated === null ? null : Number(stated[1]);
}

/** bag-info.txt (RFC 8493 §2.2.2) of EVI-11. */
export function bagInfo(
  release: OpenedRelease,
  payload: Files,
  { packagedAt, page }: { readonly packagedAt: UnixSeconds; readonly page: number },
): Uint8Array {
  const { charter, warrant } = release;
  return utf8(
    [
      ["Source-Organization", warrant.document.requester.name],
      ["External-Identifier", warrant.document.reference],
      ["External-Description", `Messages disclosed under a ${orderWord(charter)}`],
      ["Bagging-Date", formatDay(Math.floor(packagedAt / 86_400) as never)],
      ["Payload-Oxum", payloadOxum(payload)],
      ["Porchlight-Evidence-Version", String(FORMAT_VERSION)],
      ["Porchlight-Page-Version", String(page)],
      ["Porchlight-Charter", charter.id],
      ["Porchlight-Clock", charter.clock],
    ]
      .map(([label, value]) => `${label}: ${value}\n`)
      .join(""),
  );
}
