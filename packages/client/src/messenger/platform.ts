import type { AttachmentSuite } from "@porchlight/attachment";
import type { ConversationId, UnixSeconds } from "@porchlight/encoding";
import type { MlsSuite } from "@porchlight/mls";
import type { TlogSuite } from "@porchlight/tlog";
import type { LogSource, ServerClient, StreamingListener } from "@porchlight/wire";
import type { Storage } from "../storage.ts";

/** Which deployment, from whoever the person trusts: the policy above all never from the server that it watches. */
export type MessengerConfig = {
  /** The server's address. */
  readonly url: string;
  /** The log's origin. */
  readonly origin: string;
  /** The deployment's tlog-policy text. */
  readonly policy: string;
  /** Prefixes of mirrors of the log, for when the server is away; whoever names them need not be trusted (NOT-44). */
  readonly mirrors?: () => Promise<readonly string[]>;
};

/** A server with a stream of news; where there is none, the messenger asks every few seconds. */
export type MessengerServer = ServerClient & {
  readonly connect: () => void;
  readonly disconnect: () => void;
  /** Try at once, not after the pause. */
  readonly hurry: () => void;
  readonly tell: (conversation: ConversationId, body: Uint8Array) => void;
};

export type Wanted = () => "pairing" | null;

/** What a messenger stands on: the same in a browser's worker, in Node, and in tests that let it die. */
export type Platform = {
  /**
   * Exclusive use of this device's state until it is called; `null` where another program has it. `wanted` is called when
   * another one asks to have it, and answers what it cannot be given for now.
   */
  readonly lock: (wanted: Wanted) => Promise<(() => void) | null>;
  /**
   * As {@link lock}, after asking whoever has it to let go; "pairing": they are letting a device in; `null`: they did not.
   * Left out where nobody can be asked.
   */
  readonly takeOver?: (wanted: Wanted) => Promise<(() => void) | "pairing" | null>;
  /** A small record that is readable before anything is unlocked. */
  readonly door: {
    readonly load: () => Promise<Uint8Array | null>;
    /** Resolves when it would survive a power cut. */
    readonly save: (record: Uint8Array) => Promise<void>;
  };
  /** The records sealed under a key. */
  readonly storage: (key: Uint8Array) => Promise<Storage & { readonly close?: () => void }>;
  /** Deletes all of it, door and records. */
  readonly erase: () => Promise<void>;
  readonly connect: (url: string, listener: StreamingListener) => MessengerServer;
  /** Where the log's files come from; the server itself where it is left out. */
  readonly log?: (url: string) => LogSource;
  readonly clock: { now(): UnixSeconds };
  readonly random: (length: number) => Uint8Array;
  readonly suite: MlsSuite;
  readonly tlogSuite?: TlogSuite;
  readonly attachmentSuite?: AttachmentSuite;
  /** scrypt's price of a passphrase, 2^17 where it is left out. */
  readonly passphraseLogN?: number;
};
