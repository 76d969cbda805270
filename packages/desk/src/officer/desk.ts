import {
  asName,
  asProse,
  parseRegistration,
  parseSignedDocument,
  unverifiedPayload,
} from "@porchlight/charter";
import {
  base64,
  type DayNumber,
  dayOf,
  EncodingError,
  formatDay,
  formatInstant,
  fromBase64,
  type Json,
  type JsonObject,
  parseDay,
  unixSeconds,
  utf8,
} from "@porchlight/encoding";
import { sha256, type Words } from "@porchlight/evidence";
import { AdminRefusal } from "@porchlight/runtime";
import type { Act, Desk, DeskContext, Rooms, View, Visit } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import { OfficerSocket, type Registration, type Status } from "./client.ts";
import { endpointsPage, NEW_KEY, type Typed } from "./endpoints-page.ts";
import { inboxPage } from "./inbox-page.ts";
import { ACT_WORDS, actWords, decisionFacts, objectPage } from "./object-page.ts";
import { orderSaid } from "./order-said.ts";
import { StatementRoom } from "./statements.ts";

/** The pages of a provider's response officer, beside the server, over its admin socket (spec/hi1.md). */
export async function openOfficer({ directory }: DeskContext): Promise<Desk> {
  const socket = new OfficerSocket(directory);
  const first = await socket.status();
  let seen = first.now;
  const status = async (): Promise<Status> => {
    const now = await socket.status();
    seen = now.now;
    return now;
  };
  return {
    party: first.endpoint,
    heading: "Response officer",
    kind: first.kind,
    isReplay: first.isReplay,
    now: () => (first.isReplay ? seen : unixSeconds(Math.floor(Date.now() / 1000))),
    places: [
      { path: "/inbox", words: "Inbox" },
      { path: "/statements", words: "Whose accounts" },
      { path: "/endpoints", words: "Authorities' keys" },
    ],
    routes: (rooms) => routes(rooms, socket, status),
    sentences: {
      "act-refused": { title: "This cannot be done with it now", next: "Look again at what it says." },
      "registration-refused": {
        title: "This key is not registered",
        next: "Begin again with the call back.",
      },
      "statement-differs": {
        title: "The provider's records have changed",
        next: "Nothing was given out. Look again at what would be stated.",
      },
    },
  };
}

/** Of what an authority says that a document is; whatever else it is called, it is given out as bytes. */
const ENDINGS: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  "application/json": "json",
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/tiff": "tif",
  "text/plain": "txt",
};

/** HI1-51 */
const LONGEST_DAYS = 366;

/** Everything that an act sends to the server, as its passkey signed it. */
type Sent = {
  readonly command: string;
  readonly members: JsonObject;
  readonly to: string;
  readonly said: string;
};

function act(
  name: string,
  propose: Act<Sent & JsonObject>["propose"],
  socket: OfficerSocket,
): Act<Sent & JsonObject> {
  return {
    name,
    propose,
    perform: async (_visit, { command, members, to, said }) => {
      await socket.act(command, members);
      return { to, said };
    },
  };
}

function routes(rooms: Rooms, socket: OfficerSocket, status: () => Promise<Status>): void {
  rooms.page("/inbox", async ({ query }) => {
    const from = /^[0-9]{1,9}$/.test(query.get("from") ?? "") ? Number(query.get("from")) : 0;
    return inboxPage(await socket.inbox(from), (await status()).now);
  });
  rooms.page("/objects/:id", async (visit) => {
    const { now } = await status();
    const shown = await socket.show(idOf(visit.params));
    return objectPage(shown, await orderSaid(socket, shown), { ...visit, now });
  });
  rooms.download("/objects/:id/contents", async ({ params }) => {
    const { document } = await socket.show(idOf(params));
    const bytes = await socket.contents(idOf(params));
    const ending = ENDINGS[document?.contentType ?? ""] ?? "bin";
    return { name: `document.${ending}`, type: "application/octet-stream", bytes };
  });
  for (const what of Object.keys(ACT_WORDS)) {
    rooms.act(
      `/objects/:id/${what}`,
      act(
        `${what}-object`,
        async ({ params, person }, form) => {
          const shown = await socket.show(idOf(params));
          // Decided is what was read: what changed since is read again first.
          if (form.text("generation") !== String(shown.generation)) {
            throw new DeskError("not-now", "it has changed since you looked: look again");
          }
          const words = form.text("words");
          if (words === "" && (what === "challenge" || what === "refuse")) {
            throw new DeskError("form-invalid", "say why: the reason goes to who asked");
          }
          const chosen = form.all("preservation");
          const preservations = shown.preservations.filter((one) => chosen.includes(one.commitment));
          if (preservations.length !== chosen.length) {
            throw new DeskError(
              "not-now",
              "one of these orders to preserve holds nothing any more: look again",
            );
          }
          const to = `/objects/${shown.id}`;
          const title = actWords(shown, what);
          return {
            title,
            button: title,
            shown: [
              ...decisionFacts(shown, what, {
                words,
                order: await orderSaid(socket, shown),
                preservations: what === "preserve" ? preservations : [],
              }),
            ],
            payload: {
              command: "hi1-decide",
              members: {
                ...{ id: shown.id, generation: shown.generation, act: what, by: person.name, words },
                persons: (shown.scope?.accounts ?? []).map((one) => ({ ...one })),
                ...(what === "preserve"
                  ? { preservations: preservations.map(({ commitment }) => commitment) }
                  : {}),
              },
              to,
              said: "Done, and noted in the custody record.",
            },
            isGrave: what === "refuse" || what === "answer",
            back: to,
          };
        },
        socket,
      ),
    );
  }
  endpointRoutes(rooms, socket, status);
  new StatementRoom(socket).routes(rooms);
}

function endpointRoutes(rooms: Rooms, socket: OfficerSocket, status: () => Promise<Status>): void {
  const to = "/endpoints";
  const proposal = (
    title: string,
    shown: readonly Words[],
    members: JsonObject,
    command: string,
    said: string,
  ) => ({ title, button: title, shown: [...shown], payload: { command, members, to, said }, back: to });
  const registration = async (params: Readonly<Record<string, string>>): Promise<Registration> => {
    const found = (await socket.registrations()).find(({ id }) => id === idOf(params));
    if (found === undefined) throw new DeskError("not-found", "there is no such key");
    return found;
  };
  rooms.page("/endpoints", async (visit) => endpointsPage(await socket.registrations(), visit));
  // What was typed is shown again with what is wrong with it: nobody types a number that was called twice.
  const again = async (visit: Visit, typed: Typed): Promise<View> =>
    endpointsPage(await socket.registrations(), visit, typed);
  rooms.form("/endpoints/register", async (visit, form) => {
    const members = { country: form.text("country"), endpoint: form.text("endpoint"), key: form.text("key") };
    const problem = await refusedBy(async () => {
      if (!/^[A-Z]{2}$/.test(members.country)) return "The country is two capital letters.";
      if (members.endpoint === "") return "Write the authority's UniqueIdentifier.";
      if (!isKey(members.key)) return "The key is 32 bytes in base64: 43 characters and an equals sign.";
      await socket.act("hi1-register", members);
      return null;
    });
    if (problem !== null) return await again(visit, { form: NEW_KEY, problem, fields: members });
    return { to, said: "Noted. It counts for nothing before a call back." };
  });
  rooms.act(
    "/endpoints/:id/call-back",
    act(
      "record-call-back",
      async (visit, form) => {
        const { params, person } = visit;
        const found = await registration(params);
        const text = (name: string): string => form.text(name);
        const call = {
          number: text("number"),
          found: text("found"),
          words: text("words"),
          until: text("until"),
        };
        const problem = problemOfCall(call, dayOf((await status()).now));
        if (problem !== null) return await again(visit, { form: found.id, problem, fields: call });
        const members = { id: found.id, by: person.name, ...call };
        return proposal(
          "Record this call back",
          [
            ...keyFacts(found),
            { term: "You called", text: call.number },
            { term: "Where you found the number", text: call.found },
            { term: "What was said", text: call.words },
            { term: "The key counts until", text: call.until },
            { term: "Called by", text: person.name },
          ],
          members,
          "hi1-call-back",
          "Recorded. Now the registry signs.",
        );
      },
      socket,
    ),
  );
  rooms.download("/endpoints/:id/draft", async ({ params }) => {
    const { draft } = await registration(params);
    if (draft === null) throw new DeskError("not-found", "there is no such draft");
    return { name: "registration-draft.json", type: "application/json", bytes: utf8(draft) };
  });
  rooms.act(
    "/endpoints/:id/complete",
    act(
      "complete-registration",
      async ({ params }, form) => {
        const file = form.file("document");
        if (file === null) throw new DeskError("form-invalid", "choose the file that the registry signed");
        const signed = parseSignedDocument(file.bytes, "registration");
        const { payload, signatures } = signed;
        const document: Json = { payload, signatures: signatures.map((made) => ({ ...made })) };
        const found = await registration(params);
        const members = { id: found.id, document };
        // What was signed, not what was asked for: the server logs it only where both are the same.
        const { callBack, until, ...told } = parseRegistration(unverifiedPayload(signed));
        return proposal(
          "Log this registration",
          [
            ...keyFacts({ ...told, key: base64(told.key) }),
            { term: "Called back", text: callWords(callBack) },
            { term: "The key counts until", text: formatDay(until) },
            {
              term: "Signatures",
              text: `${signatures.length}. That they are the registry's is checked before anything is logged.`,
            },
          ],
          members,
          "hi1-complete",
          "Logged. It counts once witnesses have seen it.",
        );
      },
      socket,
    ),
  );
  rooms.act(
    "/endpoints/:id/revoke",
    act(
      "revoke-endpoint",
      async ({ params, person }, form) => {
        const found = await registration(params);
        const members = { id: found.id, by: person.name, words: filled(form, "reason") };
        const shown = [
          { term: "What it does", text: "From now on nothing counts that is signed with this key." },
          ...keyFacts(found),
          { term: "Why", text: members.words },
        ];
        const asked = proposal("Take this key back", shown, members, "hi1-revoke", "Taken back.");
        return { ...asked, isGrave: true };
      },
      socket,
    ),
  );
}

/** HI1-51: what the server would refuse after the passkey, said while it can still be mended. */
function problemOfCall(
  { number, found, words, until }: Readonly<Record<"number" | "found" | "words" | "until", string>>,
  today: DayNumber,
): string | null {
  if ([number, found, words, until].includes("")) return "Every field of this form is needed.";
  try {
    asName(number, "number");
    asName(found, "found");
    asProse(words, "words", 5000);
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    return "The number and where you found it are one line of at most 200 characters each, what was said at most 5,000.";
  }
  const last = dayOrNull(until);
  return last === null || last < today || last > today + LONGEST_DAYS
    ? "The key counts until a day between today and 366 days from now."
    : null;
}

function dayOrNull(text: string): DayNumber | null {
  try {
    return parseDay(text);
  } catch (error) {
    if (error instanceof EncodingError) return null;
    throw error;
  }
}

function isKey(text: string): boolean {
  try {
    return fromBase64(text, 32).length === 32;
  } catch (error) {
    if (error instanceof EncodingError) return false;
    throw error;
  }
}

/** What is wrong, or what the server says is. */
async function refusedBy(work: () => Promise<string | null>): Promise<string | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AdminRefusal) return error.message;
    throw error;
  }
}

function keyFacts({
  country,
  endpoint,
  key,
  asked,
}: Pick<Registration, "country" | "endpoint" | "key" | "asked">): readonly Words[] {
  return [
    { term: "Authority", text: `${endpoint}, ${country}` },
    { term: "Its key (Ed25519)", text: key },
    { term: "Fingerprint of the key (SHA-256)", text: sha256(fromBase64(key)) },
    { term: "The key came", text: formatInstant(asked) },
  ];
}

function callWords({ at, by, number, found, words }: NonNullable<Registration["callBack"]>): string {
  return `${formatInstant(at)} by ${by}, at ${number} (${found}): ${words}`;
}

function idOf(params: Readonly<Record<string, string>>): string {
  return params["id"] ?? "";
}

function filled(form: Form, name: string): string {
  const text = form.text(name);
  if (text === "") throw new DeskError("form-invalid", "every field of this form is needed");
  return text;
}
