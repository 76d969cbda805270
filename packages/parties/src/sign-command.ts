import { spawn } from "node:child_process";
import { attachSignature, type DocumentKind, type SignedDocument, signatureInput } from "@porchlight/charter";
import { fromBase64url } from "@porchlight/encoding";
import { nodeSuite } from "@porchlight/tlog/node";
import { PartyError } from "./error.ts";

/** A token may ask somebody to touch it. */
const LIMIT_MILLISECONDS = 120_000;
const SIGNATURE_LENGTH = 64;

/**
 * An issuer's key that never leaves a token (PKCS#11, a KMS): a program that reads the bytes to sign on standard input and
 * writes an Ed25519 signature, 64 raw bytes, on standard output. It is started as it is written, without a shell.
 */
export type SignCommand = readonly [program: string, ...rest: readonly string[]];

/** The document with the token's signature, which is verified before it is believed. Throws PartyError "signer-failed". */
export async function signByCommand(
  command: SignCommand,
  by: { readonly name: string; readonly publicKey: Uint8Array },
  kind: DocumentKind,
  document: SignedDocument,
): Promise<SignedDocument> {
  const input = signatureInput(kind, by.name, fromBase64url(document.payload));
  const signature = await run(command, input);
  if (signature.length !== SIGNATURE_LENGTH || !nodeSuite.verifyEd25519(by.publicKey, input, signature)) {
    throw failed("it gave no signature by the key that the charter names");
  }
  return attachSignature(document, kind, by.name, signature);
}

async function run([program, ...rest]: SignCommand, input: Uint8Array): Promise<Uint8Array> {
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "ignore"], timeout: LIMIT_MILLISECONDS });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  // One that ends without reading: its status says so.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (cause) => reject(failed("it could not be started", { cause })));
    child.once("close", resolve);
  });
  if (code !== 0) throw failed(`it ended with status ${code ?? "none"}`);
  return new Uint8Array(Buffer.concat(chunks));
}

function failed(why: string, options?: ErrorOptions): PartyError {
  return new PartyError("signer-failed", `the program that signs did not: ${why}`, options);
}
