/** Why a part of the log was refused. Closed union; which one a retry could help is said where it is thrown. */
export type TlogErrorCode =
  | "vkey-malformed"
  | "vkey-type-unsupported"
  | "vkey-ambiguous"
  | "signer-key-malformed"
  | "note-malformed"
  | "note-too-long"
  | "signature-invalid"
  | "signature-missing"
  | "checkpoint-malformed"
  | "origin-mismatch"
  | "out-of-range"
  | "path-malformed"
  | "tile-malformed"
  | "bundle-malformed"
  | "tree-malformed"
  | "proof-malformed"
  | "inclusion-invalid"
  | "consistency-invalid"
  | "request-malformed"
  | "policy-malformed"
  | "policy-too-weak"
  | "policy-unsatisfied";

/** Thrown for broken input and for evidence that does not hold. `field` names the place, never the value found. */
export class TlogError extends Error {
  override readonly name = "TlogError";
  readonly code: TlogErrorCode;
  readonly field: string;
  constructor(code: TlogErrorCode, field: string, options?: { readonly cause: unknown }) {
    super(`${field}: ${code}`, options);
    this.code = code;
    this.field = field;
  }
}

/** Runs a strict parser of `@porchlight/encoding` and gives its refusal this package's code. */
export function refuseAs<T>(code: TlogErrorCode, field: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new TlogError(code, field, { cause });
  }
}
