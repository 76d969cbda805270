import { createHash } from "node:crypto";
import {
  base64,
  type DayNumber,
  dayNumber,
  dayOf,
  Fields,
  formatDay,
  type JsonObject,
  utf8,
} from "@porchlight/encoding";
import {
  type Agency,
  askProvider,
  authorisationOf,
  documentOf,
  lineOf,
  type ProviderLine,
  taskOf,
  writeLineNames,
} from "@porchlight/parties";
import { callAdmin } from "@porchlight/runtime";
import type { Deployment } from "./deployment.ts";
import { DeploymentError } from "./error.ts";
import { HI1 } from "./layout.ts";

const AUTHORITY = "AGENCY";
/** Days for which the invented authority's key counts. */
const KEY_DAYS = 365;

/** An authority whose key the provider registers after a call-back and the issuer's signature (HI1-50 to HI1-53). */
export async function registerAuthority(deployment: Deployment, agency: Agency): Promise<ProviderLine> {
  const { service } = deployment;
  const server = deployment.layout.directory("server");
  const admin = async (command: string, members: JsonObject): Promise<Fields> =>
    new Fields(await callAdmin(server, { command, ...members }), command);
  const registration = await admin("hi1-register", {
    country: HI1.country,
    endpoint: AUTHORITY,
    key: base64(await agency.endpointKey()),
  });
  const id = registration.string("id", 100);
  const called = await admin("hi1-call-back", {
    id,
    by: "officer of this demonstration",
    number: "+99 30 5550100",
    found: "an invented directory",
    words: "An invented call: whoever answered read the key out, and it was the same.",
    until: formatDay(dayNumber(dayOf(service.now()) + KEY_DAYS)),
  });
  const draft = utf8(called.string("draft", 70_000));
  const first = await deployment.court();
  let signed = await first.signRegistration(draft, null);
  for (const other of await deployment.cosigners()) signed = await other.signRegistration(draft, signed);
  const { payload, signatures } = signed;
  const document = { payload, signatures: signatures.map((one) => ({ ...one })) };
  const commitment = (await admin("hi1-complete", { id, document })).string("commitment", 64);
  // It counts once witnesses have seen it (HI1-53).
  await service.update();
  const isSeen = (): boolean =>
    service.find((entry) => entry.type === "registration" && entry.commitment === commitment) !== null;
  for (let tries = 0; !isSeen() && tries < 6; tries++) await service.covers(service.checkpoint.size + 1, 5);

  const names = {
    country: HI1.country,
    endpoint: AUTHORITY,
    provider: HI1.endpoint,
    owner: "porchlight",
    profile: "1",
  };
  await writeLineNames(agency.directory, names);
  return lineOf(names, await agency.endpointSeed());
}

/** {@link registerAuthority}, and its first request over TS 103 120: whose account it is, which waits for the response officer. */
export async function introduceAuthority(
  deployment: Deployment,
  agency: Agency,
  about: { readonly reference: string; readonly person: string; readonly day: DayNumber },
): Promise<void> {
  const { service, charter } = deployment;
  const line = await registerAuthority(deployment, agency);
  const days = { first: formatDay(about.day), last: formatDay(about.day) };
  const authorisation = authorisationOf(line, {
    reference: about.reference,
    legalBasis: charter.legalBases[0] as string,
    offenceCategory: charter.offenceCategories[0] as string,
    days,
    isEmergency: false,
  });
  const act = utf8(`An invented original act of ${about.reference}.\n`);
  const paper = documentOf(line, authorisation.ObjectIdentifier, {
    type: "OriginalAct",
    contentType: "text/plain",
    checksum: createHash("sha256").update(act).digest("hex"),
    contents: act,
  });
  const task = taskOf(line, authorisation.ObjectIdentifier, {
    reference: `${HI1.country}-${AUTHORITY}-1`,
    type: "SubscriberData",
    days,
    targets: { accounts: [], names: [about.person], conversations: [] },
    isEmergency: false,
  });
  const answers = await askProvider(
    service,
    line,
    [authorisation, paper, task].map((HI1Object) => ({ CREATE: { HI1Object } })),
  );
  const refused = answers.find((one) => "ErrorInformation" in one);
  if (refused !== undefined && "ErrorInformation" in refused) {
    throw new DeploymentError("request-refused", refused.ErrorInformation?.ErrorDescription ?? "refused");
  }
}
