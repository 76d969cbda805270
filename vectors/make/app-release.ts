import { type AppRelease, formatAppRelease } from "../../packages/charter/src/index.ts";
import { fromUtf8, hex, utf8 } from "../../packages/encoding/src/index.ts";
import { nobleSuite } from "../../packages/tlog/src/index.ts";

const digest = (text: string): string => hex(nobleSuite.sha256(utf8(text)));

export function make(): unknown {
  const release: AppRelease = {
    version: "0.1.0",
    files: ["assets/index-DaBFi0aZ.js", "icon.svg", "index.html", "sw.js"].map((path) => ({
      path,
      size: path.length,
      sha256: digest(path),
    })),
  };
  const text = fromUtf8(formatAppRelease(release));
  const [script = "", icon = ""] = release.files.map((file) => JSON.stringify(file));
  return {
    description:
      "The manifest of a release of the web app (spec/app-release.md, APP-1): its one encoding and digest",
    manifest: text,
    sha256: digest(text),
    refused: [
      ["white space", text.replace(":", ": ")],
      ["a line feed at the end", `${text}\n`],
      ["an unknown member", text.replace("{", '{"note":"",')],
      ["members in another order", text.replace(/("path":"icon.svg"),("size":8)/, "$2,$1")],
      ["paths out of order", text.replace(`${script},${icon}`, `${icon},${script}`)],
      ["a path twice", text.replace(icon, `${icon},${icon}`)],
      ["no page", text.replace("index.html", "index.htm")],
      ["a path with a slash first", text.replace("icon.svg", "/icon.svg")],
      ["a path that climbs", text.replace("assets/index", "assets/../index")],
      ["a path with an empty part", text.replace("assets/index", "assets//index")],
      ["a hidden file", text.replace("icon.svg", ".icon.svg")],
      ["the manifest itself", text.replace('"sw.js"', '"release.json"')],
      ["a query", text.replace("icon.svg", "icon.svg?1")],
      ["a digest one byte short", text.replace(/(?<="sha256":")../, "")],
      ["a digest in upper case", text.replace(/(?<="sha256":")[^"]*/, (found) => found.toUpperCase())],
      ["a size below nothing", text.replace('"size":8', '"size":-8')],
      ["a version with a space", text.replace("0.1.0", "0.1 .0")],
    ].map(([name, manifest]) => ({ name, manifest })),
  };
}
