import { parseSignedDocument } from "@porchlight/charter";
import { type Json, type JsonObject, unixSeconds, utf8 } from "@porchlight/encoding";
import type { Act, Desk, DeskContext, Rooms } from "../shell/desk.ts";
import { DeskError } from "../shell/error.ts";
import type { Form } from "../shell/form.ts";
import { OfficerSocket, type Status } from "./client.ts";
import { endpointsPage } from "./endpoints-page.ts";
import { inboxPage } from "./inbox-page.ts";
import { ACT_WORDS, decisionFacts, objectPage } from "./object-page.ts";

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
      { path: "/endpoints", words: "Authorities' keys" },
    ],
    routes: (rooms) => routes(rooms, socket, status),
    sentences: {
      "act-refused": { title: "This cannot be done with it now", next: "Look again at what it says." },
      "registration-refused": {
        title: "This key is not registered",
        next: "Begin again with the call back.",
      },
    },
  };
}

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
  rooms.page("/inbox", async () => inboxPage(await socket.inbox(), (await status()).now));
  rooms.page("/objects/:id", async (visit) => {
    const { now } = await status();
    return objectPage(await socket.show(idOf(visit.params)), { ...visit, now });
  });
  for (const [what, button] of Object.entries(ACT_WORDS)) {
    rooms.act(
      `/objects/:id/${what}`,
      act(
        `${what}-object`,
        async ({ params, person }, form) => {
          const shown = await socket.show(idOf(params));
          const words = form.text("words");
          if (words === "" && (what === "challenge" || what === "refuse")) {
            throw new DeskError("form-invalid", "say why: the reason goes to who asked");
          }
          const preservations = [...form.all("preservation")];
          const to = `/objects/${shown.id}`;
          return {
            title: button,
            button,
            shown: decisionFacts(shown, what, words),
            payload: {
              command: "hi1-decide",
              members: {
                ...{ id: shown.id, generation: shown.generation, act: what, by: person.name, words },
                ...(what === "preserve" ? { preservations } : {}),
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
  endpointRoutes(rooms, socket);
}

function endpointRoutes(rooms: Rooms, socket: OfficerSocket): void {
  const to = "/endpoints";
  const proposal = (title: string, members: JsonObject, command: string, said: string) => ({
    title,
    button: title,
    shown: Object.entries(members)
      .filter(([, value]) => typeof value === "string")
      .map(([term, text]) => ({ term, text: String(text) })),
    payload: { command, members, to, said },
    back: to,
  });
  rooms.page("/endpoints", async (visit) => endpointsPage(await socket.registrations(), visit));
  rooms.form("/endpoints/register", async (_visit, form) => {
    const members = { country: form.text("country"), endpoint: form.text("endpoint"), key: form.text("key") };
    await socket.act("hi1-register", members);
    return { to, said: "Noted. It counts for nothing before a call back." };
  });
  rooms.act(
    "/endpoints/:id/call-back",
    act(
      "record-call-back",
      async ({ params, person }, form) => {
        const text = (name: string): string => filled(form, name);
        const call = {
          number: text("number"),
          found: text("found"),
          words: text("words"),
          until: text("until"),
        };
        const members = { id: idOf(params), by: person.name, ...call };
        return proposal(
          "Record this call back",
          members,
          "hi1-call-back",
          "Recorded. Now the registry signs.",
        );
      },
      socket,
    ),
  );
  rooms.download("/endpoints/:id/draft", async ({ params }) => {
    const id = idOf(params);
    const found = (await socket.registrations()).find((one) => one.id === id);
    if (found === undefined || found.draft === null)
      throw new DeskError("not-found", "there is no such draft");
    return { name: "registration-draft.json", type: "application/json", bytes: utf8(found.draft) };
  });
  rooms.act(
    "/endpoints/:id/complete",
    act(
      "complete-registration",
      async ({ params }, form) => {
        const file = form.file("document");
        if (file === null) throw new DeskError("form-invalid", "choose the file that the registry signed");
        const { payload, signatures } = parseSignedDocument(file.bytes, "registration");
        const document: Json = { payload, signatures: signatures.map((made) => ({ ...made })) };
        const members = { id: idOf(params), document };
        return proposal(
          "Log this registration",
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
        const members = { id: idOf(params), by: person.name, words: filled(form, "words") };
        return { ...proposal("Take this key back", members, "hi1-revoke", "Taken back."), isGrave: true };
      },
      socket,
    ),
  );
}

function idOf(params: Readonly<Record<string, string>>): string {
  return params["id"] ?? "";
}

function filled(form: Form, name: string): string {
  const text = form.text(name);
  if (text === "") throw new DeskError("form-invalid", "every field of this form is needed");
  return text;
}
