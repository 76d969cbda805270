import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fromHex, type Json, parseJson, unixSeconds, utf8 } from "@porchlight/encoding";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  advance,
  apart,
  CANCELLED_COUNTS,
  canonicalJson,
  checkMessage,
  clockOf,
  EU_DEADLINES,
  etsi,
  formatJson,
  type Held,
  Hi1Error,
  type Hi1Object,
  MAX_MESSAGE_BYTES,
  parseMessage,
  parseObject,
  refusal,
  refusalTable,
  statusOf,
  together,
  typeName,
  wishFor,
} from "../src/index.ts";
import {
  ADA,
  AGENCY,
  authorisation,
  create,
  Desk,
  details,
  ldTask,
  lpTask,
  NOW,
  national,
  OTHER,
  profile,
  target,
  update,
  uuidOf,
} from "./desk.ts";
import { etsiErrors, etsiExample, etsiExamples, etsiMissing } from "./etsi.ts";

const number = (code: Parameters<typeof refusal>[0]): number => refusal(code).number;
const codesOf = (answers: readonly object[]): (number | null)[] =>
  answers.map((answer) =>
    "ErrorInformation" in answer ? (answer.ErrorInformation as { ErrorCode: number }).ErrorCode : null,
  );

/** The code with which one changed task under a good authorisation is refused; null where it is taken. */
function taskRefused(
  change: Record<string, unknown>,
  authorised: Record<string, unknown> = {},
): number | null {
  const desk = new Desk();
  return codesOf(desk.ask([create(authorisation(1, authorised)), create(ldTask(2, 1, change))]))[1] ?? null;
}

describe("messages", () => {
  test("HI1-1: broken, doubled and oversized input is refused by name", () => {
    const refused = (text: string): string => {
      try {
        parseMessage(utf8(text));
      } catch (error) {
        if (error instanceof Hi1Error) return error.refusal.code;
      }
      return "taken";
    };
    expect(refused("")).toBe("malformed");
    expect(refused('{"Header":1,"Header":2}')).toBe("malformed");
    expect(refused(`${"[".repeat(100)}${"]".repeat(100)}`)).toBe("malformed");
    expect(() => parseMessage(new Uint8Array(16 * 2 ** 20 + 1))).toThrow("too-large");
  });

  test("HI1-1: whatever is changed in a message, it is parsed or refused with a Hi1Error", () => {
    const bytes = new Desk().request([create(authorisation(1)), create(ldTask(2, 1)), create(lpTask(3))]);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(3), (at, value, cut) => {
        const changed = bytes.slice(0, cut === 0 ? at : undefined);
        if (cut > 0) changed[at] = value;
        try {
          parseMessage(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(Hi1Error);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("HI1-1: a string of ten million characters, wherever it stands, is taken or refused by name", () => {
    const long = 10_000_000;
    const refused = (text: string): string | undefined => {
      try {
        parseMessage(utf8(text));
        return undefined;
      } catch (error) {
        if (error instanceof Hi1Error) return error.refusal.code;
        throw error;
      }
    };
    expect(refused(`"${"A".repeat(long)}"`)).toBe("malformed");
    expect(refused(`"${"A".repeat(long)}`)).toBe("malformed");
    expect(refused(`{"${"A".repeat(long)}":1}`)).toBe("malformed");
    const codeOfTask = (reference: string): number | null => taskRefused({ "task:Reference": reference });
    // Two parts of any length: what a pattern may take the square of the text's length to refuse.
    expect(codeOfTask(`XX-${"-".repeat(long)}\n`)).toBe(number("malformed"));
    expect(codeOfTask(`XX-${"-".repeat(252)}`)).toBeNull();
    expect(codeOfTask(`XX-${"-".repeat(253)}`)).toBe(number("malformed"));
  });

  test("HI1-3: another profile or an older version is refused", () => {
    const desk = new Desk();
    const Version = {
      ETSIVersion: "V1.12.1",
      NationalProfileOwner: "porchlight",
      NationalProfileVersion: "1",
    };
    expect(desk.take(desk.request([create(authorisation(1))], AGENCY, { Version }))).toMatchObject({
      code: "version-unknown",
    });
  });

  test("HI1-4: a message for another endpoint, or of a sender that nobody registered", () => {
    const desk = new Desk();
    const ask = [create(authorisation(1))];
    expect(desk.take(desk.request(ask, AGENCY, { ReceiverIdentifier: OTHER }))).toMatchObject({
      code: "receiver-wrong",
    });
    const stranger = { CountryCode: "XX", UniqueIdentifier: "STRANGER" };
    expect(desk.take(desk.request(ask, stranger))).toMatchObject({ code: "sender-unknown" });
  });

  test("HI1-5: every changed byte of what is signed is noticed; a shared-secret signature is none", () => {
    const desk = new Desk();
    const json = parseJson(desk.request([create(authorisation(1))])) as { [name: string]: Json };
    const take = (change: object): unknown => desk.take(formatJson({ ...json, ...change } as Json));
    expect(take({ "@xmlns:x": "y" })).toMatchObject({ code: "signature-invalid" });
    const { Signature: signature, ...unsigned } = json;
    expect(desk.take(formatJson(unsigned))).toMatchObject({ code: "signature-missing" });
    const hs256 = { ...(signature as object), protected: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" };
    expect(take({ Signature: hs256 })).toMatchObject({ code: "signature-invalid" });
    const asOther = desk.request([create(authorisation(1))], OTHER);
    const forged = {
      ...json,
      Signature: (parseJson(asOther) as { [name: string]: Json })["Signature"] as Json,
    };
    expect(desk.take(formatJson(forged))).toMatchObject({ code: "signature-invalid" });
    // Order of members and white space carry no meaning in JSON and break no signature.
    const reordered = Object.fromEntries(Object.entries(json).reverse());
    expect(desk.take(utf8(JSON.stringify(reordered, null, 2)))).toHaveLength(1);
  });

  test("HI1-5: RFC 8785 §3.2.3: members are sorted by UTF-16 units", () => {
    const example = {
      "\u20ac": 1,
      "\r": 2,
      "\ufb33": 3,
      "1": 4,
      "\ud83d\ude00": 5,
      "\u0080": 6,
      "\u00f6": 7,
    };
    expect(Object.values(JSON.parse(canonicalJson(example)) as object)).toEqual([4, 2, 6, 7, 1, 5, 3]);
  });

  test("HI1-6: a message from another time is refused", () => {
    const desk = new Desk();
    const late = desk.request([create(authorisation(1))]);
    desk.now = unixSeconds(NOW + 601);
    expect(desk.take(late)).toMatchObject({ code: "clock-off" });
  });

  test("HI1-8: every action has its own answer, and one that is refused spoils no other", () => {
    const desk = new Desk();
    const answers = desk.ask([
      { GETCSPCONFIG: {} },
      create(authorisation(1)),
      create(authorisation(1)),
      { GET: { Identifier: uuidOf(1) } },
      { LIST: { ObjectType: etsi("ObjectType", "Authorisation") } },
    ]);
    expect(codesOf(answers)).toEqual([
      number("action-unsupported"),
      null,
      number("object-exists"),
      null,
      null,
    ]);
    expect(answers[4]).toMatchObject({ LISTResponse: { ListResponseRecord: [{ Identifier: uuidOf(1) }] } });
  });
});

test("HI1-1, HI1-8: the answers fit a message: what has no room is asked for again, and is done all the same", () => {
  const desk = new Desk();
  desk.ask([1, 2, 3, 4].map((id) => create(authorisation(id))));
  for (const [id, held] of desk.objects) {
    // As it came before HI1-28.
    const approval = { "common:ApprovalType": "x".repeat(65_535) };
    const object = { ...held.object, "auth:AuthorisationApprovalDetails": Array(80).fill(approval) };
    desk.objects.set(id, { ...held, object: object as Hi1Object });
  }
  const get = (id: number): object => ({ GET: { Identifier: uuidOf(id) } });
  const cancel = (id: number): object =>
    update(wishFor((desk.objects.get(uuidOf(id)) as Held).object, "Cancelled"));
  const answers = desk.ask([get(1), get(2), get(3), get(4), { LIST: {} }, cancel(4), get(9)]);
  expect(codesOf(answers)).toEqual([
    ...[null, null, null, number("answer-too-large"), null, null],
    number("object-unknown"),
  ]);
  expect(answers[5]).toEqual({ ActionIdentifier: 5, UPDATEResponse: { Identifier: uuidOf(4) } });
  expect(statusOf((desk.objects.get(uuidOf(4)) as Held).object)).toBe("Cancelled");
  const response = { ResponsePayload: { ActionResponses: { ActionResponse: answers } } } as unknown as Json;
  expect(formatJson(response).length).toBeLessThan(MAX_MESSAGE_BYTES - 2 ** 17);
  expect(codesOf(desk.ask([get(4)]))).toEqual([null]);
});

test("HI1-8: what is held of a document stands in the answer of its GET, and in no answer of an UPDATE", () => {
  const desk = new Desk();
  const contents = Buffer.from("the act").toString("base64");
  const document = (id: number) => ({
    "@xsi:type": typeName("Document"),
    ObjectIdentifier: uuidOf(id),
    AssociatedObjects: { AssociatedObject: [uuidOf(1)] },
    "doc:DocumentType": national("DocumentType", "OriginalAct"),
    "doc:DocumentBody": {
      ...{ "doc:Contents": contents, "doc:ContentType": "application/pdf", "doc:ChecksumType": "SHA-256" },
      "doc:Checksum": createHash("sha256").update("the act").digest("hex"),
    },
  });
  const cancel = (id: number) => update(wishFor(document(id) as unknown as Hi1Object, "Cancelled"));
  const get = (id: number) => ({ GET: { Identifier: uuidOf(id) } });
  desk.ask([create(authorisation(1)), create(document(5))]);
  const answers = desk.ask([get(5), cancel(5), create(document(6)), cancel(6), get(6)]);
  expect(codesOf(answers)).toEqual(Array(5).fill(null));
  expect(answers.map((answer) => JSON.stringify(answer).includes(contents))).toEqual([
    ...[true, false, false, false, true],
  ]);
  expect(answers[1]).toMatchObject({
    UPDATEResponse: { HI1Object: { "doc:DocumentBody": { "doc:ContentType": "application/pdf" } } },
  });
  expect(JSON.stringify(desk.ask([get(5)]))).toContain(contents);
});

test("HI1-8: a delivery's data too is told apart from it, and comes together again", () => {
  const data = { "delivery:Data": "AAAA", "delivery:ContentType": "application/json" };
  const delivery = {
    "@xsi:type": typeName("Delivery"),
    ObjectIdentifier: uuidOf(7),
    "delivery:Delivery": { "delivery:BinaryData": data },
  };
  const { bare, contents } = apart(delivery);
  expect(bare).toEqual({
    ...delivery,
    "delivery:Delivery": { "delivery:BinaryData": { ...data, "delivery:Data": "" } },
  });
  expect(contents).toBe("AAAA");
  expect(parseObject(bare)).toEqual(bare);
  expect(apart(bare)).toEqual({ bare, contents: null });
  expect(together(bare, "AAAA")).toEqual(delivery);
});

test("HI1-5: the message of the vectors: what is covered, and what is accepted", () => {
  const file = new URL("../../../vectors/hi1.json", import.meta.url);
  const { message: vector } = JSON.parse(readFileSync(file, "utf8")) as {
    message: { publicKey: string; canonical: string; message: Json };
  };
  const message = parseMessage(formatJson(vector.message));
  expect(canonicalJson(message.signed)).toBe(vector.canonical);
  const context = { ...new Desk().context, keys: new Map([["AGENCY", fromHex(vector.publicKey, 32)]]) };
  expect(checkMessage(message, context)).toBeNull();
});

describe("objects", () => {
  test("HI1-11: another endpoint sees nothing of an object and cannot tell it from none", () => {
    const desk = new Desk();
    desk.ask([create(authorisation(1))]);
    const asked = [{ GET: { Identifier: uuidOf(1) } }, { GET: { Identifier: uuidOf(9) } }, { LIST: {} }];
    const [known, unknown, list] = desk.ask(asked, OTHER);
    expect({ ...known, ActionIdentifier: 1 }).toEqual(unknown);
    expect(list).toMatchObject({ LISTResponse: { ListResponseRecord: [] } });
    const change = { ...authorisation(1), Generation: 0 };
    expect(codesOf(desk.ask([update(change)], OTHER))).toEqual([number("object-unknown")]);
  });

  test("HI1-12, HI1-14, HI1-15: an owner cancels; it neither approves, nor changes what was asked", () => {
    const desk = new Desk();
    const approved = etsi("AuthorisationStatus", "Approved");
    expect(codesOf(desk.ask([create(authorisation(1, { "auth:AuthorisationStatus": approved }))]))).toEqual([
      number("status-not-yours"),
    ]);
    desk.ask([create(authorisation(1))]);
    const wish = (status: string, Generation: number): object =>
      update({
        ...authorisation(1),
        Generation,
        "auth:AuthorisationDesiredStatus": etsi("AuthorisationDesiredStatus", status),
      });
    expect(codesOf(desk.ask([wish("Approved", 0)]))).toEqual([number("transition-refused")]);
    expect(codesOf(desk.ask([update({ ...authorisation(1), Generation: 0 })]))).toEqual([
      number("field-fixed"),
    ]);
    expect(codesOf(desk.ask([wish("Cancelled", 7)]))).toEqual([number("generation-stale")]);
    expect(codesOf(desk.ask([wish("Cancelled", 0)]))).toEqual([null]);
    expect(codesOf(desk.ask([create(ldTask(2, 1))]))).toEqual([number("authorisation-missing")]);
  });

  test("HI1-15: a receiver goes along the arrows only", () => {
    const desk = new Desk();
    desk.ask([create(authorisation(1)), create(ldTask(2, 1))]);
    const held = desk.objects.get(uuidOf(2)) as Held;
    expect(advance(held, "Disclosed", NOW)).toBeNull();
    desk.advance(2, "AwaitingDisclosure");
    desk.advance(2, "Disclosed");
    expect(statusOf((desk.objects.get(uuidOf(2)) as Held).object)).toBe("Disclosed");
    expect(advance(desk.objects.get(uuidOf(2)) as Held, "Cancelled", NOW)).toBeNull();
  });

  test("HI1-13: what the profile demands", () => {
    const refused = (change: Record<string, unknown>): number | null =>
      codesOf(new Desk().ask([create(authorisation(1, change))]))[0] ?? null;
    expect(refused({})).toBeNull();
    expect(refused({ "auth:AuthorisationReference": undefined })).toBe(number("field-missing"));
    expect(refused({ "auth:AuthorisationCSPID": { "auth:CSPID": [OTHER] } })).toBe(number("field-missing"));
    expect(refused({ OwnerIdentifier: "OTHER" })).toBe(number("not-owner"));
    expect(refused({ "auth:Unheard": "of" })).toBe(number("malformed"));
    expect(taskRefused({ "task:Reference": undefined })).toBe(number("field-missing"));
  });

  test("HI1-16: whole UTC days, in order", () => {
    const span = (from: string, to: string): object => ({
      "auth:AuthorisationTimespan": { "auth:StartTime": from, "auth:EndTime": to },
    });
    const refused = (change: object): number | null =>
      codesOf(new Desk().ask([create(authorisation(1, change as Record<string, unknown>))]))[0] ?? null;
    expect(refused(span("2026-03-01T12:00:00Z", "2026-03-10T23:59:59Z"))).toBe(number("dates-inconsistent"));
    expect(refused(span("2026-03-11T00:00:00Z", "2026-03-10T23:59:59Z"))).toBe(number("dates-inconsistent"));
    expect(refused(span("2026-03-01T02:00:00+02:00", "2026-03-11T01:59:59+02:00"))).toBeNull();
    expect(refused(span("2026-02-30T00:00:00Z", "2026-03-10T23:59:59Z"))).toBe(number("malformed"));
  });

  test("HI1-17, HI1-18: a task lies within one authorisation of its owner", () => {
    expect(taskRefused({})).toBeNull();
    expect(taskRefused({ AssociatedObjects: {} })).toBe(number("authorisation-missing"));
    const days = (from: string, to: string): Record<string, unknown> => ({
      "task:RequestDetails": details({ "task:StartTime": from, "task:EndTime": to }),
    });
    expect(taskRefused(days("2026-02-28T00:00:00Z", "2026-03-04T23:59:59Z"))).toBe(
      number("outside-authorisation"),
    );
    expect(taskRefused(days("2026-03-02T00:00:00Z", "2026-03-11T23:59:59Z"))).toBe(
      number("outside-authorisation"),
    );
    const desk = new Desk();
    desk.ask([create(authorisation(1))]);
    expect(codesOf(desk.ask([create({ ...ldTask(2, 1), OwnerIdentifier: "OTHER" })], OTHER))).toEqual([
      number("authorisation-missing"),
    ]);
  });

  test("HI1-19, HI1-20: a target is there, in a known form; every unknown name has one answer", () => {
    const about = (...targets: object[]): Record<string, unknown> => ({
      "task:RequestDetails": details({ "task:RequestValues": { "task:RequestValue": targets } }),
    });
    expect(taskRefused(about(target("Account", ADA)))).toBeNull();
    expect(taskRefused(about())).toBe(number("target-missing"));
    expect(taskRefused(about(target("Conversation", "c1".repeat(32))))).toBe(number("target-missing"));
    expect(taskRefused(about(target("InternationalE164", "442079460223", "ETSI")))).toBe(
      number("target-format-unknown"),
    );
    for (const name of ["Bob", "ada", "Аda", "Ada ", "<b>Ada</b>", "f0".repeat(32)]) {
      expect(taskRefused(about(target("Name", name)))).toBe(number("no-such-account"));
    }
  });

  test("HI1-21, HI1-22: basis and category are the charter's, an emergency is one in both, tests are not for live", () => {
    const refused = (change: Record<string, unknown>): number | null =>
      codesOf(new Desk().ask([create(authorisation(1, change))]))[0] ?? null;
    expect(refused({ "auth:AuthorisationLegalType": national("LegalBasis", "Because") })).toBe(
      number("basis-unknown"),
    );
    expect(refused({ "auth:AuthorisationTypeOfCase": etsi("AuthorisationTypeOfCase", "Theft") })).toBe(
      number("basis-unknown"),
    );
    const flags = (flag: string): Record<string, unknown> => ({
      "auth:AuthorisationFlags": { "auth:AuthorisationFlag": [etsi("AuthorisationFlag", flag)] },
    });
    const emergency = { "task:Flags": { "task:LDTaskFlag": [etsi("LDTaskFlag", "IsEmergency")] } };
    expect(refused(flags("IsTest"))).toBe(number("test-refused"));
    expect(taskRefused({}, flags("IsEmergency"))).toBe(number("emergency-inconsistent"));
    expect(taskRefused(emergency)).toBe(number("emergency-inconsistent"));
    expect(taskRefused(emergency, flags("IsEmergency"))).toBeNull();
  });

  test("HI1-23: sixty days of preservation, and thirty more of what was granted", () => {
    const desk = new Desk();
    const until = (at: string, id = 3, Generation?: number): object => ({
      ...lpTask(id, { "task:DesiredPreservationExpiration": at }),
      ...(Generation === undefined ? {} : { Generation }),
    });
    expect(codesOf(desk.ask([create(until("2026-05-20T00:00:00Z"))]))).toEqual([
      number("preservation-too-long"),
    ]);
    expect(codesOf(desk.ask([create(until("2026-03-19T00:00:00Z"))]))).toEqual([
      number("dates-inconsistent"),
    ]);
    expect(codesOf(desk.ask([create(until("2026-05-19T00:00:00Z"))]))).toEqual([null]);
    expect(codesOf(desk.ask([update(until("2026-06-18T00:00:00Z", 3, 0))]))).toEqual([number("field-fixed")]);
    const held = desk.objects.get(uuidOf(3)) as Held;
    const granted = { ...held.object, "task:PreservationExpiration": "2026-05-19T00:00:00Z" };
    desk.objects.set(uuidOf(3), { ...held, object: granted as Held["object"] });
    desk.advance(3, "Preserved");
    expect(codesOf(desk.ask([update(until("2026-06-19T00:00:00Z", 3, 1))]))).toEqual([
      number("preservation-too-long"),
    ]);
    expect(codesOf(desk.ask([update(until("2026-06-18T00:00:00Z", 3, 1))]))).toEqual([null]);
  });

  test("HI1-24: a document is what its hash says; an act may come by its hash alone, a warrant may not", () => {
    const document = (type: object, body: object): object => ({
      "@xsi:type": "{http://uri.etsi.org/03120/common/2020/09/Document}DocumentObject",
      ObjectIdentifier: uuidOf(5),
      AssociatedObjects: { AssociatedObject: [uuidOf(1)] },
      "doc:DocumentType": type,
      "doc:DocumentBody": { "doc:ContentType": "application/pdf", "doc:ChecksumType": "SHA-256", ...body },
    });
    const refused = (type: object, body: object): number | null =>
      codesOf(new Desk().ask([create(authorisation(1)), create(document(type, body))]))[1] ?? null;
    const act = national("DocumentType", "OriginalAct");
    const warrant = etsi("DocumentType", "Warrant");
    // SHA-256 of the empty string.
    const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    expect(refused(act, { "doc:Checksum": hash })).toBeNull();
    expect(refused(act, { "doc:Checksum": hash, "doc:Contents": "" })).toBeNull();
    expect(refused(act, { "doc:Checksum": hash, "doc:Contents": "AAAA" })).toBe(
      number("document-unreadable"),
    );
    // The same bytes as "AA==".
    expect(refused(act, { "doc:Checksum": hash, "doc:Contents": "AB==" })).toBe(
      number("document-unreadable"),
    );
    expect(refused(act, { "doc:Checksum": hash, "doc:Contents": "AA=" })).toBe(number("malformed"));
    expect(refused(act, { "doc:Checksum": hash, "doc:Contents": "A===" })).toBe(number("malformed"));
    expect(refused(act, { "doc:Checksum": hash, "doc:Contents": "AA==AA==" })).toBe(number("malformed"));
    expect(refused(warrant, { "doc:Checksum": hash })).toBe(number("document-unreadable"));
    expect(refused(act, { "doc:Checksum": hash, "doc:ChecksumType": "MD5" })).toBe(
      number("document-unreadable"),
    );
    expect(refused(national("DocumentType", "Recipe"), { "doc:Checksum": hash })).toBe(
      number("field-missing"),
    );
  });

  test("HI1-1, HI1-24: an act of eleven MiB goes whole in one message", () => {
    const contents = "JVBERi0xLjcK".repeat((11 * 2 ** 20) / 9);
    const bytes = Buffer.from(contents, "base64");
    expect(bytes.length).toBeGreaterThan(11 * 2 ** 20 - 9);
    const document = {
      "@xsi:type": typeName("Document"),
      ObjectIdentifier: uuidOf(5),
      AssociatedObjects: { AssociatedObject: [uuidOf(1)] },
      "doc:DocumentType": national("DocumentType", "OriginalAct"),
      "doc:DocumentBody": {
        "doc:Contents": contents,
        "doc:ContentType": "application/pdf",
        "doc:Checksum": createHash("sha256").update(bytes).digest("hex"),
        "doc:ChecksumType": "SHA-256",
      },
    };
    expect(codesOf(new Desk().ask([create(authorisation(1)), create(document)]))).toEqual([null, null]);
  });

  test("HI1-25: ten days, or eight hours in an emergency, from when it could be answered", () => {
    const inStatus = (status: string, what: object, type: "Task" | "Document") =>
      ({
        ...what,
        [type === "Task" ? "task:Status" : "doc:DocumentStatus"]: etsi(
          type === "Task" ? "LDTaskStatus" : "DocumentStatus",
          status,
        ),
      }) as unknown as Hi1Object;
    const flag = { "task:Flags": { "task:LDTaskFlag": [etsi("LDTaskFlag", "IsEmergency")] } };
    const task = (more: object = {}) => inStatus("AwaitingApproval", { ...ldTask(2, 1), ...more }, "Task");
    const paper = (under: number, what: object, status = "AwaitingApproval") => {
      const AssociatedObjects = { AssociatedObject: [uuidOf(under)] };
      const document = { "@xsi:type": typeName("Document"), ObjectIdentifier: uuidOf(9), AssociatedObjects };
      return inStatus(status, { ...document, "doc:DocumentType": what }, "Document");
    };
    const at = (seconds: number) => unixSeconds(NOW + seconds);
    const clock = (one: Hi1Object, papers: readonly [Hi1Object, number | null][], came: number | null = 0) =>
      clockOf(
        { object: one, came: came === null ? null : at(came) },
        papers.map(([object, seconds]) => ({ object, came: seconds === null ? null : at(seconds) })),
        EU_DEADLINES,
      );
    const [warrant, act] = [etsi("DocumentType", "Warrant"), national("DocumentType", "OriginalAct")];
    expect(clock(task(), [[paper(1, warrant), 60]])).toBe(at(60 + 864_000));
    expect(clock(task(flag), [[paper(1, warrant), 60]], 90)).toBe(at(90 + 28_800));
    // No paper, one of another authorisation, another kind or turned down, or one of which nobody knows when it came: no clock.
    expect(clock(task(), [])).toBeNull();
    for (const other of [paper(5, warrant), paper(1, act), paper(1, warrant, "Rejected")])
      expect(clock(task(), [[other, 60]])).toBeNull();
    expect(clock(task(), [[paper(1, warrant), null]])).toBeNull();
    expect(clock(task(), [[paper(1, warrant), 60]], null)).toBeNull();
    expect(clock(inStatus("Disclosed", ldTask(2, 1), "Task"), [[paper(1, warrant), 60]])).toBeNull();
  });

  test("HI1-26: a requester takes deliveries and notifications, a provider neither", () => {
    const delivery = {
      "@xsi:type": "{http://uri.etsi.org/03120/common/2019/10/Delivery}DeliveryObject",
      ObjectIdentifier: uuidOf(7),
      "delivery:Delivery": { "delivery:BinaryData": { "delivery:Data": "AAAA" } },
    };
    const deliver = { DELIVER: { Identifier: uuidOf(7), HI1Object: delivery } };
    expect(codesOf(new Desk().ask([deliver]))).toEqual([number("object-unsupported")]);
    const requester = new Desk("deliveries");
    expect(codesOf(requester.ask([deliver, create(authorisation(1))]))).toEqual([
      null,
      number("object-unsupported"),
    ]);
  });
});

describe("refusals", () => {
  test("HI1-27: of one sender so many wait and no more, until something is decided, or a day after it is taken back", () => {
    const desk = new Desk();
    const most = profile.waitingObjects;
    const all = Array.from({ length: most + 1 }, (_, i) => create(authorisation(i + 1)));
    expect(codesOf(desk.ask(all))).toEqual([...Array(most).fill(null), number("too-many-waiting")]);
    const late = create(authorisation(most + 1));
    const full = number("too-many-waiting");
    expect(codesOf(desk.ask([late]))).toEqual([number("too-many-waiting")]);
    expect(codesOf(desk.ask([create(authorisation(99, { OwnerIdentifier: "OTHER" }))], OTHER))).toEqual([
      null,
    ]);
    desk.advance(1, "Approved");
    expect(codesOf(desk.ask([late, create(authorisation(98))]))).toEqual([null, number("too-many-waiting")]);
    const first = (desk.objects.get(uuidOf(2)) as Held).object;
    const cancel = update(wishFor(first, "Cancelled"));
    expect(codesOf(desk.ask([cancel, create(authorisation(98))]))).toEqual([null, full]);
    desk.now = unixSeconds(NOW + CANCELLED_COUNTS - 1);
    expect(codesOf(desk.ask([create(authorisation(98))]))).toEqual([full]);
    desk.now = unixSeconds(NOW + CANCELLED_COUNTS);
    expect(codesOf(desk.ask([create(authorisation(98)), create(authorisation(97))]))).toEqual([null, full]);
  });

  test("HI1-27: whoever cancels each object in the message that makes it has no more of them kept", () => {
    const desk = new Desk();
    const most = profile.waitingObjects;
    const both = Array.from({ length: 50 }, (_, i) => {
      const made = authorisation(i + 1);
      return [create(made), update(wishFor(made as unknown as Hi1Object, "Cancelled"))];
    });
    const answers = codesOf(desk.ask(both.flat()));
    expect(answers.slice(0, 2 * most)).toEqual(Array(2 * most).fill(null));
    expect(answers[2 * most]).toBe(number("too-many-waiting"));
    expect(desk.objects.size).toBe(most);
    expect(codesOf(desk.ask([create(lpTask(97))]))).toEqual([number("too-many-waiting")]);
  });

  test("HI1-28: what names something has a line's length, what is said half a mebibyte, a document its own", () => {
    const refused = (change: object): number | null =>
      codesOf(new Desk().ask([create({ ...authorisation(1), ...change })]))[0] ?? null;
    for (const name of ["auth:AuthorisationReference", "ExternalIdentifier"]) {
      expect(refused({ [name]: "4".repeat(200) })).toBeNull();
      expect(refused({ [name]: "4".repeat(201) })).toBe(number("text-too-long"));
    }
    const approvals = (count: number): object => ({
      "auth:AuthorisationApprovalDetails": Array(count).fill({ "common:ApprovalType": "x".repeat(65_535) }),
    });
    expect(refused(approvals(7))).toBeNull();
    expect(refused(approvals(8))).toBe(number("text-too-long"));
    const document = (change: object, body: object): number | null =>
      codesOf(
        new Desk().ask([
          create(authorisation(1)),
          create({
            "@xsi:type": typeName("Document"),
            ObjectIdentifier: uuidOf(5),
            AssociatedObjects: { AssociatedObject: [uuidOf(1)] },
            "doc:DocumentType": national("DocumentType", "OriginalAct"),
            "doc:DocumentBody": {
              ...{ "doc:ContentType": "application/pdf", "doc:ChecksumType": "SHA-256" },
              "doc:Checksum": createHash("sha256").update(Buffer.alloc(600_000)).digest("hex"),
              ...body,
            },
            ...change,
          }),
        ]),
      )[1] ?? null;
    expect(document({}, { "doc:Contents": Buffer.alloc(600_000).toString("base64") })).toBeNull();
    for (const name of ["doc:DocumentReference", "doc:DocumentName"]) {
      expect(document({ [name]: "4".repeat(200) }, {})).toBeNull();
      expect(document({ [name]: "4".repeat(201) }, {})).toBe(number("text-too-long"));
    }
  });

  test("HI1-40: each code has one number and a sentence that says what to do or what is so", () => {
    const table = refusalTable();
    expect(new Set(table.map((row) => row.number)).size).toBe(table.length);
    for (const { description, rule } of table) {
      expect(description).toMatch(/^[A-Z].*\.$/);
      expect(rule).toMatch(/^HI1-[0-9]+$/);
    }
  });

  test("HI1-40: a refusal repeats nothing that was sent", () => {
    const secret = "Grace-Hopper-1906";
    const answers = new Desk().ask([
      create({ ...authorisation(1), [secret]: 1 }),
      create({ ...ldTask(2, 1), "task:Reference": secret }),
    ]);
    expect(JSON.stringify(answers)).not.toContain(secret);
  });
});

describe.skipIf(etsiMissing !== null)(`TS 103 120${etsiMissing === null ? "" : ` (${etsiMissing})`}`, () => {
  test("what is asked and answered here is valid under ETSI's schema", () => {
    const errors = etsiErrors();
    const desk = new Desk();
    const asked = desk.request([
      create(authorisation(1)),
      create(ldTask(2, 1)),
      create(lpTask(3)),
      { LIST: {} },
    ]);
    expect(errors(JSON.parse(new TextDecoder().decode(asked)))).toEqual([]);
    const answers = desk.take(asked);
    const response = { ResponsePayload: { ActionResponses: { ActionResponse: answers } } };
    const { Header } = JSON.parse(new TextDecoder().decode(asked)) as { Header: object };
    expect(errors({ Header, Payload: response })).toEqual([]);
    for (const { object } of desk.objects.values()) {
      const action = { ActionIdentifier: 0, GETResponse: { HI1Object: object } };
      expect(
        errors({ Header, Payload: { ResponsePayload: { ActionResponses: { ActionResponse: [action] } } } }),
      ).toEqual([]);
    }
  });

  /** What becomes of each of ETSI's own examples at this profile, action by action; "taken" where nothing refuses it. */
  const OUTCOMES: Record<string, readonly string[]> = {
    "request1.json": ["field-missing", "object-unsupported"],
    "request1_signed.json": ["field-missing", "object-unsupported"],
    "request4-Preservation-Link.json": ["field-missing", "authorisation-missing"],
    "request5-JSON-Delivery.json": ["taken"],
    "request8_LPTaskObject.json": ["field-missing"],
    "response1.json": ["taken"],
  };

  test.for(etsiExamples())("%s is read, or refused with the profile's reason", (name) => {
    const message = parseMessage(etsiExample(name));
    const { payload } = message;
    const codes = new Map(refusalTable().map((row) => [row.number, row.code]));
    const sender = message.header.SenderIdentifier.UniqueIdentifier;
    const found =
      payload.kind === "request"
        ? codesOf(
            new Desk(name.includes("Delivery") ? "deliveries" : "orders").answer(payload.actions, sender),
          )
        : [null];
    expect(found.map((one) => (one === null ? "taken" : codes.get(one)))).toEqual(OUTCOMES[name]);
  });
});
