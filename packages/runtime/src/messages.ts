// What a supervisor and its programs say to each other over the IPC channel. Both ends are of one version.

export type ToProgram =
  /** Answers `hello`: the program may begin. `at` is the replay clock's time, `null` where the system's clock is used. */
  | { readonly kind: "begin"; readonly at: number | null }
  | { readonly kind: "tick"; readonly id: number; readonly at: number };

export type FromProgram =
  | { readonly kind: "hello" }
  | { readonly kind: "ready"; readonly port: number | null }
  | {
      readonly kind: "ticked";
      readonly id: number;
      readonly refused: "clock-is-system" | "clock-backwards" | null;
    };
