import type { EntryView, EventView, MessageView } from "@porchlight/client/page";
import { flatWebp } from "../test/flat-pictures.ts";
import { COURT, HOUSE, INES, ME, NOOR, NOW, TOMAS } from "./people.ts";

type Text = Extract<MessageView["body"], { kind: "text" }>;
let made = 0;
const SENT = { kind: "sent", received: 0, read: 0, of: 3, lost: [] } as const;

const at = (): MessageView["at"] => (NOW - 40_000 + made * 400) as MessageView["at"];

export function message(
  from: MessageView["from"],
  text: string,
  more: Partial<MessageView> & { readonly body?: MessageView["body"] } = {},
  body: Partial<Text> = {},
): MessageView {
  made++;
  const fromMe = from === ME;
  return {
    kind: "message",
    key: `m${made}`,
    id: `m${made}`,
    seq: made,
    at: at(),
    from,
    fromMe,
    writtenAt: null,
    body: { kind: "text", text, isAction: false, mentions: [], attachments: [], ...body },
    editedAt: null,
    replyTo: null,
    reactions: [],
    delivery: fromMe ? SENT : null,
    changes: [],
    ...more,
  };
}

export function event(by: EventView["by"], what: EventView["event"]): EventView {
  made++;
  const isFirst = made === 1;
  return { kind: "event", key: `e${made}`, seq: made, at: at(), isFirst, by, byMe: by === ME, event: what };
}

export function refused(
  item: "message" | "commit" | "envelope" | "welcome",
  code: string,
  times = 1,
): EntryView {
  made++;
  const came = at();
  return {
    kind: "refused",
    key: `r${made}`,
    seq: made,
    at: came,
    item,
    code,
    from: TOMAS,
    times,
    lastAt: (came + times - 1) as MessageView["at"],
  };
}

const PIXELS = Uint8Array.from(
  atob(
    "iVBORw0KGgoAAAANSUhEUgAAACgAAAAYCAIAAAAH5iiXAAAHDElEQVR42g3NUefyUADA4fdz/onoJyIiIiIiIotDk8WhycahyeLQZHFosji0i13sYhe72MU+xtvzBZ5/fw49h77DwGHoMHIYO0wcpg4zh7nDwmHpsHJYO2wctg47B+Gwdzg4HB2kw8nh7BA6KIeLw9Xh5qAd7g4Ph6eDcXg5vB0+Dtbh6/DvT9AT9AUDwVAwEowFE8FUMBPMBQvBUrASrAUbwVawEwjBXnAQHAVScBKcBaFACS6Cq+Am0IK74CF4CozgJXgLPgIr+Ipf7NJz6bsMXIYuI5exy8Rl6jJzmbssXJYuK5e1y8Zl67JzES57l4PL0UW6nFzOLqGLcrm4XF1uLtrl7vJweboYl5fL2+XjYl2+7i/26Hn0PQYeQ4+Rx9hj4jH1mHnMPRYeS4+Vx9pj47H12HkIj73HwePoIT1OHmeP0EN5XDyuHjcP7XH3eHg8PYzHy+Pt8fGwHl/vF0t6kr5kIBlKRpKxZCKZSmaSuWQhWUpWkrVkI9lKdhIh2UsOkqNESk6SsySUKMlFcpXcJFpylzwkT4mRvCRvyUdiJV/5i316Pn2fgc/QZ+Qz9pn4TH1mPnOfhc/SZ+Wz9tn4bH12PsJn73PwOfpIn5PP2Sf0UT4Xn6vPzUf73H0ePk8f4/Pyeft8fKzP1//FAb2AfsAgYBgwChgHTAKmAbOAecAiYBmwClgHbAK2AbsAEbAPOAQcA2TAKeAcEAaogEvANeAWoAPuAY+AZ4AJeAW8Az4BNuAb/GJFT9FXDBRDxUgxVkwUU8VMMVcsFEvFSrFWbBRbxU4hFHvFQXFUSMVJcVaECqW4KK6Km0Ir7oqH4qkwipfirfgorOKrfnFEL6IfMYgYRowixhGTiGnELGIesYhYRqwi1hGbiG3ELkJE7CMOEccIGXGKOEeEESriEnGNuEXoiHvEI+IZYSJeEe+IT4SN+Ea/OKYX048ZxAxjRjHjmEnMNGYWM49ZxCxjVjHrmE3MNmYXI2L2MYeYY4yMOcWcY8IYFXOJucbcYnTMPeYR84wxMa+Yd8wnxsZ841+s6Wn6moFmqBlpxpqJZqqZaeaahWapWWnWmo1mq9lphGavOWiOGqk5ac6aUKM0F81Vc9NozV3z0Dw1RvPSvDUfjdV89S9O6CX0EwYJw4RRwjhhkjBNmCXMExYJy4RVwjphk7BN2CWIhH3CIeGYIBNOCeeEMEElXBKuCbcEnXBPeCQ8E0zCK+Gd8EmwCd/kF6f0Uvopg5RhyihlnDJJmabMUuYpi5RlyiplnbJJ2absUkTKPuWQckyRKaeUc0qYolIuKdeUW4pOuac8Up4pJuWV8k75pNiUb/qLDT1D3zAwDA0jw9gwMUwNM8PcsDAsDSvD2rAxbA07gzDsDQfD0SANJ8PZEBqU4WK4Gm4GbbgbHoanwRhehrfhY7CGr/nFGb2MfsYgY5gxyhhnTDKmGbOMecYiY5mxylhnbDK2GbsMkbHPOGQcM2TGKeOcEWaojEvGNeOWoTPuGY+MZ4bJeGW8Mz4ZNuOb/eKcXk4/Z5AzzBnljHMmOdOcWc48Z5GzzFnlrHM2OducXY7I2eccco45MueUc84Jc1TOJeeac8vROfecR84zx+S8ct45nxyb881/saVn6VsGlqFlZBlbJpapZWaZWxaWpWVlWVs2lq1lZxGWveVgOVqk5WQ5W0KLslwsV8vNoi13y8PytBjLy/K2fCzW8rW/uKBX0C8YFAwLRgXjgknBtGBWMC9YFCwLVgXrgk3BtmBXIAr2BYeCY4EsOBWcC8ICVXApuBbcCnTBveBR8CwwBa+Cd8GnwBZ8i19c0ivplwxKhiWjknHJpGRaMiuZlyxKliWrknXJpmRbsisRJfuSQ8mxRJacSs4lYYkquZRcS24luuRe8ih5lpiSV8m75FNiS77lL67oVfQrBhXDilHFuGJSMa2YVcwrFhXLilXFumJTsa3YVYiKfcWh4lghK04V54qwQlVcKq4Vtwpdca94VDwrTMWr4l3xqbAV3+oX1/Rq+jWDmmHNqGZcM6mZ1sxq5jWLmmXNqmZds6nZ1uxqRM2+5lBzrJE1p5pzTVijai4115pbja651zxqnjWm5lXzrvnU2Jpv/Ysbeg39hkHDsGHUMG6YNEwbZg3zhkXDsmHVsG7YNGwbdg2iYd9waDg2yIZTw7khbFANl4Zrw61BN9wbHg3PBtPwang3fBpsw7f5xS29ln7LoGXYMmoZt0xapi2zlnnLomXZsmpZt2xati27FtGybzm0HFtky6nl3BK2qJZLy7Xl1qJb7i2PlmeLaXm1vFs+Lbbl2/7ijl5Hv2PQMewYdYw7Jh3TjlnHvGPRsexYdaw7Nh3bjl2H6Nh3HDqOHbLj1HHuCDtUx6Xj2nHr0B33jkfHs8N0vDreHZ8O2/Ht+A8cgV27Mest0QAAAABJRU5ErkJggg==",
  ),
  (letter) => letter.charCodeAt(0),
);

export const TALK: readonly EntryView[] = [
  event(NOOR, { kind: "you-joined", charter: COURT }),
  message(NOOR, "The seed order for the garden club is due on Friday. Who still wants beans?"),
  message(TOMAS, "Two packets of runner beans for plot 9, please.", {
    reactions: [
      { emoji: "🌱", by: [NOOR, ME], byMe: true },
      { emoji: "👍", by: [INES], byMe: false },
    ],
  }),
  message(TOMAS, "And onion sets, if there is money left in the pot."),
  message(ME, "There is. 214.50 after the fence.", {
    delivery: { ...SENT, kind: "read", received: 3, read: 2 },
  }),
  event(NOOR, { kind: "joined", accounts: [INES] }),
  message(
    INES,
    "Hello everybody! @Alice Marlow thank you for the invitation. The list is at https://example.org/seeds?year=2026",
    {},
    { mentions: [{ account: ME, start: 17, length: 13 }] },
  ),
  message(ME, "Welcome 🎉", {
    replyTo: {
      id: "m7",
      found: {
        index: 6,
        from: INES,
        text: "Hello everybody! thank you for the invitation.",
        isDeleted: false,
      },
    },
    editedAt: NOW,
    delivery: { ...SENT, kind: "delivered", received: 2 },
  }),
  message(
    NOOR,
    "This is the plan of the beds:",
    {},
    {
      attachments: [
        {
          name: "beds-2026.png",
          type: "image/png",
          size: 348_220,
          preview: { type: "image/png", width: 1000, height: 600, bytes: PIXELS },
        },
        { name: "order form (final).pdf", type: "application/pdf", size: 81_300, preview: null },
      ],
    },
  ),
  message(TOMAS, "", { body: { kind: "deleted" } }),
  event(TOMAS, { kind: "device-added", account: TOMAS, device: "ef".repeat(32) }),
  message(INES, "Use `git pull` first, then:\n```\nfor bed in beds:\n    water(bed)\n```"),
  message(TOMAS, "❤️"),
  message(ME, "On its way to the printer.", { delivery: SENT }),
];

export const TROUBLE: readonly EntryView[] = [
  event(NOOR, { kind: "created", charter: COURT }),
  message(NOOR, "Are we still on for tonight?"),
  event(NOOR, { kind: "safety-number-changed", account: NOOR }),
  refused("message", "replayed"),
  refused("message", "submitter-mismatch", 3),
  refused("message", "missing"),
  refused("commit", "credential-refused"),
  refused("envelope", "envelope-refused"),
  { kind: "not-understood", key: "n1", seq: 400, at: NOW, from: NOOR },
  event(INES, { kind: "charter-changed", charter: HOUSE }),
  event(ME, {
    kind: "keyholder-replaced",
    charter: COURT,
    replacement: {
      lost: "Institute of Archives",
      successor: "Press Council",
      ground: "The institute was dissolved at the end of the year.",
      at: NOW,
    },
  }),
  event(INES, { kind: "titled", title: "Harvest" }),
  message(ME, "The key is under the mat.", {
    replyTo: {
      id: "asked",
      found: { index: 1, from: NOOR, text: "Are we still on for tonight?", isDeleted: false },
    },
    delivery: { ...SENT, kind: "lost", received: 1, read: 1, of: 2, lost: [TOMAS] },
  }),
  message(ME, "Yes, at seven.", { delivery: { kind: "queued" } }),
  message(ME, "The gate code is 1234.", {
    changes: [
      { id: "taken-back", kind: "deletion", refused: "quota" },
      { id: "put-right", kind: "edit", refused: null },
    ],
  }),
  message(ME, "I bring the cake.", { delivery: { kind: "refused", code: "log-not-fresh" } }),
];

const ZALGO = `Z${"\u0317\u0319\u0320\u0325\u0335\u0336\u034f\u0489\u033f\u0311\u0352".repeat(12)}a${"\u0335\u0336\u0317".repeat(30)}lgo is coming`;

export const HOSTILE: readonly EntryView[] = [
  message(TOMAS, "<script>document.title='owned'</script><img src=x onerror=alert(1)>"),
  message(TOMAS, "pay \u202eevil\u202c to \u200bme \u2066x\u2069 invoice\u202egnp.exe"),
  message(TOMAS, ZALGO),
  message(
    TOMAS,
    "Log in at https://www.аpple.com/account or https://paypal.com@evil.example/ or javascript:alert(1)",
  ),
  message(TOMAS, `${"A".repeat(64_000)}`),
  message(TOMAS, `${"\n".repeat(500)}far below`),
  message(TOMAS, "مرحبا بالعالم 123 hello"),
  message(
    TOMAS,
    "a file",
    {},
    {
      attachments: [
        {
          name: "holiday\u202egpj.exe<svg onload=alert(1)>.html",
          type: "text/html",
          size: 2 ** 30,
          preview: {
            type: "image/png",
            width: 1e9,
            height: 1e9,
            bytes: new TextEncoder().encode("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
          },
        },
        {
          name: "one colour.webp",
          type: "image/webp",
          size: 200,
          preview: { type: "image/webp", width: 320, height: 320, bytes: flatWebp(16_383, 16_383) },
        },
        { name: "../../../etc/passwd", type: "image/svg+xml", size: 0, preview: null },
      ],
    },
  ),
];
