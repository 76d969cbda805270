import type { Charter } from "@porchlight/charter";
import { base64, hex } from "@porchlight/encoding";
import { orderWord, sha256, type Words } from "@porchlight/evidence";
import { html, type Markup, NOTHING } from "@porchlight/markup";
import type { KeyholderAnswer, Lacking, OpenSending, Request } from "@porchlight/parties";
import {
  damagedTable,
  daysText,
  keyholdersTable,
  type Shown,
  scopeWords,
  standingBadge,
  tally,
  whoSigns,
} from "../orders.ts";
import type { Sentence, View, Visit } from "../shell/desk.ts";
import {
  badge,
  box,
  button,
  counted,
  empty,
  facts,
  field,
  fileField,
  instant,
  linkButton,
  postForm,
  steps,
  table,
} from "../shell/look.ts";
import type { Silent } from "../silence.ts";
import type { Collection } from "./collecting.ts";
import { sendingBadge } from "./sending-page.ts";

/** Applications without an order yet, and orders. */
export function ordersPage(
  visit: Visit,
  about: {
    readonly charter: Charter;
    readonly orders: readonly (Shown & { readonly isOpened: boolean })[];
    readonly open: readonly { readonly name: string; readonly request: Request }[];
    readonly damaged: readonly string[];
    /** What is not sent to its end. */
    readonly unsent: Markup;
  },
): View {
  const { charter, orders, open, damaged, unsent } = about;
  return {
    title: "Orders",
    body: html`<div class="top"><h1>Orders</h1>${linkButton("New application", "/new", "main")}</div>
${unsent}
${
  open.length === 0
    ? NOTHING
    : table({
        caption:
          damaged.length === 0
            ? "Applications that no order has come for yet"
            : "Applications that no order has come for yet, as far as files can be read here",
        heads: ["Reference", "Original act"],
        rows: open.map(({ name, request }) => [
          html`<a href="/applications/${name}">${request.reference}</a>`,
          html`<code>${hex(request.actHash).slice(0, 16)}</code>`,
        ]),
      })
}
${
  orders.length === 0
    ? empty("No order has come in yet.")
    : table({
        caption: "Orders, newest first",
        heads: ["Reference", "State", "Evidence", "Days that it opens", "Signed", "Lapses"],
        rows: orders.map(({ name, document, standing, isOpened }) => [
          html`<a href="/orders/${name}">${document.reference}</a>`,
          standingBadge(standing),
          isOpened ? html`<a href="/orders/${name}/evidence">Read it</a>` : html`not opened yet`,
          html`${daysText(document)}`,
          instant(document.issued),
          instant(document.expires),
        ]),
      })
}
${damagedTable(damaged, "applications and orders", true)}
<h2>An order that ${whoSigns(charter)} gave you</h2>
${bringForm(visit)}`,
  };
}

function bringForm(visit: Visit): Markup {
  return postForm(
    visit,
    "/orders",
    html`${fileField({ name: "order", label: "The order's file", help: "It is verified before it is kept, and it opens only with the key that was made for its application here.", accept: ".json,application/json" })}${button("Put it in", "plain")}`,
    { uploads: true },
  );
}

export function newPage(
  visit: Visit,
  charter: Charter,
  typed: { readonly reference: string; readonly problem?: string } = { reference: "" },
): View {
  return {
    title: "New application",
    ...(typed.problem === undefined ? {} : { status: 422 }),
    body: html`<h1>New application</h1>
<p class="lead">It asks for one ${orderWord(charter)}. A fresh key is made for it here, which never leaves this directory: only it opens what the order releases.</p>
${typed.problem === undefined ? NOTHING : box("bad", html`<p>${typed.problem}</p>`)}
${postForm(
  visit,
  "/new",
  html`${field({ name: "reference", label: "File reference", help: "The order will carry it. One that was used before is refused.", value: typed.reference, required: true })}
${fileField({ name: "act", label: "The original act (PDF, scan or form)", help: "It is kept here. Only its fingerprint goes into the application." })}
${field({ name: "actHash", label: "Or its fingerprint", help: "SHA-256, 64 digits and letters, where the act itself stays elsewhere." })}
${button("Show what will be made")}`,
  { uploads: true },
)}`,
  };
}

export function applicationPage(
  visit: Visit,
  name: string,
  {
    charter,
    request,
    isActHere,
    unsent,
  }: {
    readonly charter: Charter;
    readonly request: Request;
    readonly isActHere: boolean;
    readonly unsent: OpenSending | null;
  },
): View {
  const signers = whoSigns(charter);
  return {
    title: request.reference,
    body: html`<p class="back"><a href="/orders">Orders</a></p><h1>Application ${request.reference}</h1>
${facts([
  { term: "Reference", text: request.reference },
  { term: "Will be read by", text: request.requester.name },
  { term: "Original act (SHA-256)", text: hex(request.actHash) },
  { term: "Kept here", text: isActHere ? "Yes" : "No, its fingerprint only" },
  { term: "Key for this order", text: hex(request.requester.point) },
])}
<h2>Next</h2>
<p>Give this file to ${signers}. It holds no secret.</p>
<div class="row">${linkButton("Download the application", `/applications/${name}/file`, "main")}${isActHere ? linkButton("Download the original act", `/applications/${name}/act`) : NOTHING}</div>
<p>What the provider has to do for it, it is asked over its line: whose account it is, for instance, or to keep something from deletion.</p>
<p>${linkButton("Send to the provider", `/applications/${name}/send`)} ${sendingBadge(unsent)}</p>
<p>${charter.kind === "court" ? "The court gives you the order as a file when it has signed it." : "They give you the order as a file when both have signed it."}</p>
${bringForm(visit)}`,
  };
}

const PHASES = {
  bundles: "Fetching what keyholders released",
  keys: "Combining the keys",
  material: "Fetching the encrypted messages",
  opening: "Opening and verifying",
  attachments: "Fetching the files that messages name",
} as const;

/** Why nothing can be collected, and what to do. */
function stoppedOf({ state }: Shown["standing"], charter: Charter): Sentence | null {
  switch (state) {
    case "revoked":
      return {
        title:
          charter.kind === "court"
            ? "The court revoked this order."
            : "This order was revoked: by one who signed it, or by one who inspects.",
        next: "Nothing may be opened under it any more.",
      };
    case "expired":
      return {
        title: "This order has lapsed.",
        next: "Keyholders and provider act on it no more. What is still needed takes a new application.",
      };
    case "suspended":
      return charter.kind === "court"
        ? {
            title: "The court suspended this order.",
            next: "Nothing is released until the court lets it go on.",
          }
        : {
            title: "This order was suspended by one who signed it.",
            next: "Nothing is released until both who signed it let it go on.",
          };
    default:
      return null;
  }
}

export function orderPage(
  visit: Visit,
  shown: Shown,
  about: {
    readonly charter: Charter;
    readonly words: readonly Words[];
    readonly keyholders: readonly KeyholderAnswer[];
    readonly silent: Silent;
    readonly collection: Collection | null;
    readonly isOpened: boolean;
    readonly unsent: OpenSending | null;
  },
): View {
  const { name, document, standing, commitment } = shown;
  const { charter, words, keyholders, silent, collection, isOpened, unsent } = about;
  const agreed = keyholders.filter(({ answer }) =>
    ["approved", "intent-logged", "released"].includes(answer.state),
  ).length;
  const released = keyholders.filter(({ answer }) => "releases" in answer && answer.releases > 0).length;
  const refused = keyholders.filter(({ answer }) => answer.state === "refused").length;
  const need = charter.threshold;
  const isNever = keyholders.length - refused < need;
  const isLogged = standing.state !== "signed";
  const stopped = stoppedOf(standing, charter);
  const isStopped = stopped !== null && standing.state !== "suspended";
  const { sentence, keys } = scopeWords({
    people: document.accounts.length,
    conversations: document.conversations === "all" ? null : document.conversations.length,
    days: document.lastDay - document.firstDay + 1,
    isBothSides: document.mode === "both-sides",
  });
  const handOn = handsOn(document);
  return {
    title: document.reference,
    ...(collection?.kind === "running" ? { isLive: true } : {}),
    body: html`<p class="back"><a href="/orders">Orders</a></p>
<div class="top"><h1>${document.reference}</h1>${standingBadge(standing)}</div>
<div class="sum"><strong>${keys}</strong>${sentence}</div>
${steps([
  { words: `Signed by ${charter.kind === "court" ? "the court" : "both who must"}`, state: "done" },
  { words: "In the public log", state: isLogged ? "done" : "now" },
  {
    words: `${agreed} of ${need} keyholders that are needed have agreed`,
    state: isStopped || isNever ? "bad" : agreed >= need ? "done" : isLogged ? "now" : "later",
  },
  {
    words: `${released} of ${need} have released`,
    state: isStopped || isNever ? "bad" : released >= need ? "done" : agreed >= need ? "now" : "later",
  },
  {
    words: "Opened here",
    state: isOpened ? "done" : collection?.kind === "failed" ? "bad" : released >= need ? "now" : "later",
  },
])}
${isOpened ? box("good", html`<p><strong>It is open.</strong></p><p>${linkButton("Read the evidence", `/orders/${name}/evidence`, "main")}</p>`) : NOTHING}
${collection === null || (collection.kind === "waiting" && released >= need) ? NOTHING : collectionBox(collection, charter)}
${
  stopped !== null
    ? box(isStopped ? "bad" : "warn", html`<p><strong>${stopped.title}</strong> ${stopped.next}</p>`)
    : isLogged
      ? html`<div class="row">${postForm(visit, `/orders/${name}/collect`, button(isOpened ? "Collect again" : "Collect and open", isOpened ? "plain" : "main"))}${handOn === null ? NOTHING : postForm(visit, `/orders/${name}/hand-on`, button(`${handOn.title} …`, "plain"))}</div>${handOn === null ? NOTHING : html`<p class="soft">Only this desk can read ${handOn.what}. Keyholders need it once, and again each day while an order goes on.</p>`}`
      : box(
          "warn",
          html`<p>${charter.kind === "court" ? "The court has" : "Those who signed it have"} not handed it in yet.</p>`,
        )
}
${isLogged ? html`<h2>Keyholders</h2><p>${tally(keyholders, need)}</p>${keyholdersTable(keyholders, silent)}` : NOTHING}
${isStopped && unsent === null ? NOTHING : html`<p>${linkButton("Send to the provider", `/orders/${name}/send`)} ${sendingBadge(unsent)}</p>`}
<h2>What the ${orderWord(charter)} says</h2>
${facts([...words, { term: "Number in the public log", text: commitment }])}`,
  };
}

/** What keyholders have to be told of an order, which only its requester can read; `null` for nothing. */
export function handsOn({
  conversations,
  mode,
}: Shown["document"]): { readonly title: string; readonly what: string } | null {
  if (conversations === "all")
    return {
      title: "Tell the keyholders the conversations",
      what: "which conversations the order covers",
    };
  if (mode === "both-sides")
    return {
      title: "Tell the keyholders the other sides",
      what: "what shows who else wrote there",
    };
  return null;
}

function collectionBox(collection: Collection, charter: Charter): Markup {
  switch (collection.kind) {
    case "running": {
      const { phase, done, total } = collection;
      return box(
        "plain",
        html`<p role="status"><strong>${PHASES[phase]}</strong> ${total === 0 ? "" : `${done} of ${total}`}</p>${total === 0 ? NOTHING : html`<meter min="0" max="${total}" value="${done}" aria-label="${PHASES[phase]}"></meter>`}`,
      );
    }
    case "waiting":
      return box(
        "warn",
        html`<p><strong>Not yet.</strong> ${collection.have} of ${collection.need} keyholders that are needed have released. Try again later.</p>`,
      );
    case "failed": {
      const { title, next, detail, code } = collection.why;
      return box(
        "bad",
        html`<p><strong>${title}.</strong> ${detail ?? ""}</p><p>${next} <span class="reason">Reason: <code>${code}</code></span></p>`,
      );
    }
    case "opened": {
      const { messages, outstanding, blamed, lacking } = collection;
      return html`${box("good", html`<p><strong>${counted(messages, "message")} opened and verified.</strong></p>`)}${
        outstanding === 0
          ? NOTHING
          : box(
              "warn",
              html`<p>${counted(outstanding, "key")} that the order asks for ${outstanding === 1 ? "is" : "are"} not released yet. Collect again later.</p>`,
            )
      }${lackingBox(lacking)}${blamed === 0 ? NOTHING : box("bad", html`<p>What ${counted(blamed, "keyholder")} released does not hold, and was left out. ${badge(`tell ${whoSigns(charter)}`, "bad")}</p>`)}`;
    }
  }
}

/** The public half of the key that signs what this agency sends to the provider; `null` before it was made. */
export function keyPage(visit: Visit, key: Uint8Array | null): View {
  return {
    title: "Our key",
    body: html`<h1>Our key</h1><p class="lead">The provider takes this agency's messages only under a key that the registry has signed. Nobody can send in your name without it.</p>
${
  key === null
    ? empty("No key was made here yet.", postForm(visit, "/key", button("Make the key")))
    : html`${facts([
        { term: "Key (Ed25519)", text: base64(key) },
        { term: "Its fingerprint (SHA-256)", text: sha256(key) },
      ])}`
}
<h2>How it is registered</h2>
<ol><li>Send the key to the provider's response officer, with your name as an authority.</li>
<li>The officer calls you back, at a number that did not come with the key. Read the fingerprint out.</li>
<li>The registry signs the record of that call, and the provider puts a number for it in the public log.</li>
<li>The key counts once the log's witnesses have seen it, until the day that was agreed. Have it registered again before.</li></ol>
<p class="soft">If the key was stolen, call the provider: an officer takes it back at once.</p>`,
  };
}

function lackingBox(lacking: Lacking | null): Markup {
  if (lacking === null) {
    return box(
      "plain",
      html`<p>Earlier packages of this order cannot be opened here, so nobody compared them. They are kept.</p>`,
    );
  }
  const { stored, files } = lacking;
  if (stored + files === 0) return NOTHING;
  return box(
    "warn",
    html`<p><strong>The provider gave less than before.</strong> Earlier packages have ${counted(stored, "stored item")} and ${counted(files, "file")} that the newest has not. They are kept: the evidence page lists them.</p>`,
  );
}
