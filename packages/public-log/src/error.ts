export type PublicLogErrorCode = "mirror-foreign" | "mirror-corrupt" | "config-invalid";

const SENTENCES: Readonly<Record<PublicLogErrorCode, string>> = {
  "mirror-foreign": "the directory holds the copy of another log: choose another one",
  "mirror-corrupt": "the copy of the log is damaged: remove the directory, it is fetched again",
  "config-invalid": "the configuration is not usable",
};

/** What keeps a public log's site from starting. */
export class PublicLogError extends Error {
  override readonly name = "PublicLogError";
  readonly code: PublicLogErrorCode;

  constructor(code: PublicLogErrorCode, options?: { readonly cause?: unknown; readonly detail?: string }) {
    super(options?.detail === undefined ? SENTENCES[code] : `${SENTENCES[code]}: ${options.detail}`, options);
    this.code = code;
  }
}
