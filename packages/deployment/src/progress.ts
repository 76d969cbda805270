/** Where long work says how far it is. One phase at a time. */
export type Progress = {
  /** A phase begins; `total` units are expected, 0 where that is not known. */
  start(phase: string, total: number): void;
  step(count?: number): void;
  /** The phase is over. */
  end(): void;
  /** Something worth a line. */
  note(text: string): void;
};

/** Says nothing: for tests and for callers that print a report of their own. */
export const silent: Progress = { start: () => {}, step: () => {}, end: () => {}, note: () => {} };
