// ETSI's own schemas and examples, from a folder beside the checkout: they are not part of the project.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";

const folder = join(import.meta.dirname, "../../../../shared/standards/etsi-103120");

/** Why tests with ETSI's files skip; null where the files are there. */
export const etsiMissing = existsSync(folder)
  ? null
  : "ETSI's schemas and examples are not beside this checkout";

export function etsiExamples(): string[] {
  return etsiMissing === null ? readdirSync(join(folder, "examples/json")).sort() : [];
}

export function etsiExample(name: string): Uint8Array {
  return readFileSync(join(folder, "examples/json", name));
}

/** What ETSI's JSON schema says against a message; empty where it is valid. */
export function etsiErrors(): (message: unknown) => string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  const schemas = join(folder, "schema/json");
  for (const file of readdirSync(schemas))
    ajv.addSchema(JSON.parse(readFileSync(join(schemas, file), "utf8")));
  const validate = ajv.getSchema("ts_103120_Core_2019_10");
  if (validate === undefined) throw new Error("no core schema");
  return (message) => {
    void validate(message);
    return (validate.errors ?? []).map(({ instancePath, message: text }) => `${instancePath} ${text}`);
  };
}
