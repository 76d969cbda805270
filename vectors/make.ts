// Makes every file of test vectors from the code; `--check` compares instead of writing (CI: drift fails).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const makers = readdirSync(new URL("./make/", import.meta.url))
  .filter((name) => name.endsWith(".ts"))
  .sort();
const check = process.argv.includes("--check");
let drifted = 0;
for (const name of makers) {
  const { make } = (await import(`./make/${name}`)) as { make: () => unknown };
  const text = `${JSON.stringify(await make(), null, 1)}\n`;
  const file = new URL(`./${name.replace(/\.ts$/, ".json")}`, import.meta.url);
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, "utf8") !== text) {
    console.error(`vectors/${name.replace(/\.ts$/, ".json")} differs from what vectors/make/${name} makes`);
    drifted++;
  }
}
console.log(`vectors: ${makers.length} files ${check ? "checked" : "written"}`);
process.exitCode = drifted === 0 ? 0 : 1;
