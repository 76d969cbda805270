// A release in a log, and a server of it that is honest until a test changes what it serves.
import { type AppRelease, formatAppRelease, formatEntry, signIntake } from "@porchlight/charter";
import { dayOf, fromUtf8, hex, unixSeconds, utf8 } from "@porchlight/encoding";
import { nodeSuite } from "@porchlight/tlog/node";
import { beforeEach, describe, expect, test } from "vitest";
import { charterDocument, charterOf, seedOf, signedCharter } from "../../../vectors/fixture/deployment.ts";
import { policy, START, TestLog } from "../../wire/test/test-log.ts";
import { connectableBy } from "../src/page-policy.ts";
import { namedByPage, namedByScript } from "../src/page-references.ts";
import { type AppSource, checkServedApp } from "../src/served-app.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; " +
  "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types porchlight";
const PAGE =
  '<!doctype html>\n<html lang="en"><head><script type="module" crossorigin src="/assets/a.js"></script></head>' +
  "<body></body></html>";
const FILES: Readonly<Record<string, string>> = {
  "assets/a.js": 'import("./b.js");new Worker("/assets/b.js")',
  "assets/b.js": "postMessage(1)",
  "index.html": PAGE,
};

const charter = await charterOf("court");
const document = await signedCharter(charterDocument("court"));

function releaseOf(files: Readonly<Record<string, string>>, version = "1.0.0"): AppRelease {
  return {
    version,
    files: Object.entries(files)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([path, text]) => ({ path, size: utf8(text).length, sha256: hex(nodeSuite.sha256(utf8(text))) })),
  };
}

let log: TestLog;
/** What the server has under each address, and with what headers; views fall back to the page. */
let served: Map<string, string>;
let headers: Map<string, string>;
/** What it answers in one encoding alone. */
let compressed: Map<string, string>;

const app: AppSource = async (path, encoding, limit) => {
  const view = /^\/(join|c\/\w+|who\/\w+|settings.*|notices.*|design)?$/.test(path) ? "/index.html" : path;
  const text = (encoding === "br" ? compressed.get(path) : undefined) ?? served.get(path) ?? served.get(view);
  return {
    status: text === undefined ? 404 : 200,
    header: (name) => headers.get(name) ?? null,
    bytes: utf8(text ?? "").slice(0, limit),
  };
};

function logRelease(release: AppRelease, seed = seedOf("Intake")): void {
  const manifest = hex(nodeSuite.sha256(formatAppRelease(release)));
  const { version } = release;
  const entry = { type: "app-release", charter: charter.id, day: dayOf(START), version, manifest } as const;
  log.append([formatEntry(signIntake(entry, seed))]);
}

function serve(files: Readonly<Record<string, string>>, release = releaseOf(files)): void {
  served = new Map(Object.entries(files).map(([path, text]) => [`/${path}`, text]));
  served.set("/release.json", fromUtf8(formatAppRelease(release)));
}

async function check(now = START): Promise<readonly string[]> {
  log.publish(0, START);
  const options = { app, log, policy, clock: { now: () => now }, maxAge: 86_400, suite: nodeSuite };
  return (await checkServedApp(options)).findings.map(({ code, path }) => `${code} ${path}`);
}

beforeEach(() => {
  log = new TestLog();
  log.append([formatEntry({ type: "charter", document })]);
  logRelease(releaseOf(FILES));
  serve(FILES);
  compressed = new Map();
  headers = new Map([
    ["content-security-policy", POLICY],
    ["x-content-type-options", "nosniff"],
    ["referrer-policy", "no-referrer"],
    ["cross-origin-opener-policy", "same-origin"],
    ["cross-origin-embedder-policy", "require-corp"],
    ["cross-origin-resource-policy", "same-origin"],
  ]);
});

describe("APP-8: what is served is what was logged", () => {
  test("APP-2, APP-3: the newest release, whole", async () => {
    expect(await check()).toEqual([]);
  });

  test("a byte of a file is another, plain or compressed", async () => {
    served.set("/assets/b.js", "postMessage(2)");
    expect(await check()).toEqual(["file-differs /assets/b.js"]);
    served.set("/assets/b.js", FILES["assets/b.js"] as string);
    compressed.set("/assets/a.js", `${FILES["assets/a.js"]};fetch("/x")`);
    expect(await check()).toEqual(["file-differs /assets/a.js"]);
  });

  test("a file is gone", async () => {
    served.delete("/assets/b.js");
    expect(await check()).toEqual(["file-missing /assets/b.js"]);
  });

  test("a release that was never logged, or that another key signed", async () => {
    serve({ ...FILES, "assets/b.js": "postMessage(2)" });
    expect(await check()).toEqual(["release-unlogged /release.json"]);
    logRelease(releaseOf({ ...FILES, "assets/b.js": "postMessage(2)" }), seedOf("Somebody"));
    expect(await check()).toEqual(["release-unlogged /release.json"]);
  });

  test("an older release than the newest one", async () => {
    logRelease(releaseOf({ ...FILES, "assets/b.js": "postMessage(2)" }, "1.0.1"));
    expect(await check()).toEqual(["release-superseded /release.json"]);
  });

  test("no manifest, and one in another form", async () => {
    served.delete("/release.json");
    expect(await check()).toEqual(["manifest-missing /release.json"]);
    served.set("/release.json", "{}");
    expect(await check()).toEqual(["manifest-malformed /release.json"]);
  });

  test("APP-4: a view has another page", async () => {
    served.set("/join", PAGE.replace("a.js", "c.js"));
    expect(await check()).toEqual(["view-differs /join"]);
  });

  test("APP-5: a script was added, in a page that was logged or not", async () => {
    const added = PAGE.replace("</head>", '<script src="/assets/spy.js"></script></head>');
    served.set("/index.html", added);
    served.set("/assets/spy.js", "steal()");
    expect(await check()).toEqual([
      "file-differs /index.html",
      ...["/", "/join", "/settings", "/settings/devices", "/notices", "/notices/code", "/design"].map(
        (view) => `view-differs ${view}`,
      ),
      `view-differs /c/${"0".repeat(64)}`,
      `view-differs /who/${"0".repeat(64)}`,
    ]);
    const files = { ...FILES, "index.html": added };
    serve(files);
    logRelease(releaseOf(files));
    expect(await check()).toEqual(["reference-unknown /assets/spy.js"]);
  });

  test("APP-6, APP-7: a weaker policy, or none of the headers", async () => {
    headers.set(
      "content-security-policy",
      POLICY.replace("script-src 'self'", "script-src 'self' 'unsafe-eval'"),
    );
    expect((await check()).every((one) => one.startsWith("policy-weak"))).toBe(true);
    headers.delete("x-content-type-options");
    expect(await check()).toContain("header-missing /assets/a.js");
  });

  test("the log stands still", async () => {
    expect(await check(unixSeconds(START + 2 * 86_400))).toEqual(["log-stale "]);
  });
});

describe("APP-6: the policy of a page", () => {
  test("further origins to speak to are named", () => {
    expect(connectableBy(POLICY)).toEqual([]);
    const keyholder = "https://one.example:8443";
    expect(connectableBy(POLICY.replace("connect-src 'self'", `connect-src 'self' ${keyholder}`))).toEqual([
      keyholder,
    ]);
  });

  test.each([
    ["none", null],
    ["an empty one", ""],
    ["inline scripts", POLICY.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'")],
    [
      "another origin's scripts",
      POLICY.replace("script-src 'self'", "script-src 'self' https://cdn.example"),
    ],
    ["everybody to speak to", POLICY.replace("connect-src 'self'", "connect-src 'self' *")],
    ["a directive less", POLICY.replace("base-uri 'none'; ", "")],
    ["a directive more", `${POLICY}; script-src-elem *`],
    ["a directive twice", `script-src *; ${POLICY}`],
    ["no trusted types", POLICY.replace("; trusted-types porchlight", "")],
  ])("refused: %s", (_, text) => {
    expect(connectableBy(text)).toBeNull();
  });
});

describe("APP-5: what a page and a script name", () => {
  test("a page's files", () => {
    expect(namedByPage(PAGE)).toEqual(["assets/a.js"]);
    expect(namedByPage(PAGE.replace("<body>", '<body><!-- <script>x</script> --><a href="/join">'))).toEqual([
      "assets/a.js",
      "join",
    ]);
  });

  test.each([
    "<script>alert(1)</script>",
    "<script src='/assets/a.js'></script>",
    '<script src="https://cdn.example/a.js"></script>',
    '<script src="//cdn.example/a.js"></script>',
    '<img src="/a.png" onerror="alert(1)">',
    '<p style="color:red">',
    "<style>p{}</style>",
    '<base href="/x/">',
    '<meta http-equiv="refresh" content="0;url=https://x.example">',
    '<iframe src="/x"></iframe>',
    '<link rel="stylesheet" href="data:text/css,x">',
    "<scr<script>ipt>",
    "< script src=/a.js>",
  ])("refused: %s", (markup) => {
    expect(namedByPage(PAGE.replace("<body>", `<body>${markup}`))).toBeNull();
  });

  test("refused: a page that is long, whatever it repeats", () => {
    const page = (markup: string) => namedByPage(PAGE.replace("<body>", `<body>${markup}`));
    expect(page("a".repeat(16_384 - PAGE.length))).toEqual(["assets/a.js"]);
    expect(page("a".repeat(16_385 - PAGE.length))).toBeNull();
    expect(page(`<p${" x".repeat(4_000_000)}>`)).toBeNull();
    expect(page("<p ".repeat(1_000_000))).toBeNull();
  });

  test("a script's files, from where it stands", () => {
    const script =
      'import a from"./b.js";import"../x.js";export{c}from"./d.js";const e=()=>import("/assets/f.js")';
    expect(namedByScript(script, "assets/a.js")).toEqual([
      "assets/b.js",
      "x.js",
      "assets/d.js",
      "assets/f.js",
      "assets/f.js",
    ]);
    expect(namedByScript('say("it is from `here`");import("react")', "assets/a.js")).toEqual([]);
  });

  test.each([
    'import"https://cdn.example/a.js"',
    'import("//cdn.example/a.js")',
    'importScripts("../../a.js")',
  ])("refused: %s", (script) => expect(namedByScript(script, "assets/a.js")).toBeNull());
});
