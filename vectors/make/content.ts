// What people write: one content of each kind, contents to refuse, and names.
import { type Content, formatContent, nameIn } from "../../packages/client/src/content.ts";
import { accountId, base64, fromUtf8, unixSeconds } from "../../packages/encoding/src/index.ts";

const ADA = accountId("ad".repeat(32));
const AT = unixSeconds(1_795_305_600);

const CONTENTS: readonly (readonly [what: string, content: Omit<Content, "id" | "at">])[] = [
  ["plain speech", { text: "“Yes.”" }],
  ["an action", { text: "waves", kind: "action" }],
  [
    "a reply that mentions somebody",
    {
      text: "Ada, please",
      replyTo: "m0",
      mentions: [{ account: ADA, start: 0, length: 3 }],
    },
  ],
  [
    "a picture with its preview",
    {
      text: "",
      attachments: [
        {
          id: "01".repeat(32),
          key: base64(new Uint8Array(32).fill(2)),
          digest: "03".repeat(32),
          size: 400_000,
          type: "image/jpeg",
          name: "porch.jpg",
        },
      ],
      previews: [
        {
          attachment: 0,
          type: "image/jpeg",
          width: 4000,
          height: 3000,
          data: Uint8Array.of(0xff, 0xd8, 0xff),
        },
      ],
    },
  ],
  ["an edit", { text: "“No.”", kind: "edit", target: "m0" }],
  ["a deletion", { text: "", kind: "deletion", target: "m0" }],
  ["a reaction", { text: "👍🏽", kind: "reaction", target: "m0" }],
  ["a reaction taken back", { text: "", kind: "reaction", target: "m0" }],
  ["a receipt", { text: "", kind: "receipt", read: "m0", received: "m7" }],
  [
    "a receipt with gaps",
    {
      text: "",
      kind: "receipt",
      received: "m9",
      gaps: [{ before: "m1" }, { after: "m3", before: "m5", from: ADA }],
    },
  ],
  ["a person's name", { text: "Ada Lovelace", kind: "profile" }],
  ["a conversation's name", { text: "Garden club", kind: "title" }],
  ["somebody leaves", { text: "", kind: "leaving" }],
  ["a kind of a later version", { text: "", kind: "poll" }],
];

const REFUSED: readonly (readonly [what: string, members: string])[] = [
  ["a reaction to nothing", '"text":"x","kind":"reaction"'],
  ["plain speech with a target", '"text":"x","target":"m0"'],
  ["an empty target", '"text":"x","kind":"edit","target":""'],
  ["a deletion with a text", '"text":"x","kind":"deletion","target":"m0"'],
  ["a receipt of nothing", '"text":"","kind":"receipt"'],
  ["plain speech with a receipt", '"text":"","read":"m0"'],
  ["plain speech with gaps", '"text":"","gaps":[{"before":"m1"}]'],
  ["a gap without an end", '"text":"","kind":"receipt","read":"m0","gaps":[{"after":"m1"}]'],
  ["a gap of nobody's", '"text":"","kind":"receipt","read":"m0","gaps":[{"before":"m1","from":"ada"}]'],
  ["a reaction as long as a message", `"text":"${"x".repeat(33)}","kind":"reaction","target":"m0"`],
  ["a name with a line break", '"text":"Ada\\nBea","kind":"profile"'],
  ["a name that is not trimmed", '"text":" Ada","kind":"profile"'],
  ["a leaving with words", '"text":"x","kind":"leaving"'],
  ["an empty title", '"text":"","kind":"title"'],
  ["a mention outside the text", `"text":"Ada","mentions":[{"account":"${ADA}","start":1,"length":3}]`],
  [
    "mentions that overlap",
    `"text":"Ada","mentions":[{"account":"${ADA}","start":0,"length":2},{"account":"${ADA}","start":1,"length":1}]`,
  ],
  [
    "a preview of no attachment",
    '"text":"","previews":[{"attachment":0,"type":"image/png","width":1,"height":1,"data":""}]',
  ],
  [
    "a preview of another type",
    '"text":"","previews":[{"attachment":0,"type":"image/svg+xml","width":1,"height":1,"data":""}]',
  ],
];

const NAMES = [
  "Ada",
  "  Ada ",
  "",
  "Zoë",
  "Zoe\u0308",
  "👩‍🚀",
  "evil\u202eada",
  "a\nb",
  "x".repeat(64),
  "x".repeat(65),
];

export function make(): unknown {
  return {
    description:
      "Contents (spec/content.md): `json` is the exact UTF-8 text. Of a name, `name` is what is shown.",
    contents: CONTENTS.map(([what, content]) => ({
      what,
      json: fromUtf8(formatContent({ id: "m1", at: AT, ...content })),
    })),
    refused: REFUSED.map(([what, members]) => ({
      what,
      json: `{"id":"m1","at":"2026-11-22T00:00:00Z",${members}}`,
    })),
    names: NAMES.map((text) => ({ text, name: nameIn(text) })),
  };
}
