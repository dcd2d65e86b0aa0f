import type { TextTokenizer } from "./prose.ts";

/** What the needle task needs of a session; sessions of `lib/model` have it. `Self` is the session's own type. */
export interface NeedleSession<Self> {
  /** Most tokens that any head attended to in any step so far. */
  readonly scope: number;
  /** Reads tokens into the cache. */
  append(
    tokens: readonly number[],
    options?: { onProgress?: (done: number, total: number) => void; signal?: AbortSignal },
  ): Promise<void>;
  /** A session over the same context that goes its own way. */
  fork(): Self;
  /** Says that the question starts here. */
  markQuestion(): void;
  /** Continues a prompt with at most so many tokens. */
  generate(
    prompt: readonly number[],
    options: { maxTokens: number; signal?: AbortSignal },
  ): Promise<readonly number[]>;
  /** Gives its memory back. */
  [Symbol.dispose](): void;
}

/** What the needle task runs on: a model on a device, with a method chosen. */
export interface NeedleSubject<Session extends NeedleSession<Session>> {
  /** Starts an empty session with the method under test. */
  createSession(): Session;
  /** The model's tokenizer. */
  readonly tokenizer: TextTokenizer;
  /** Counts the memory in use. */
  readonly memory: {
    /** Most bytes in use at once since the last reset. */
    readonly peakBytes: number;
    /** Starts the peak anew from what is in use now. */
    resetPeak(): void;
  };
}
