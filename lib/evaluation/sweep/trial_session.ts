import type { Knobs, TraceStep } from "../../attention/mod.ts";
import type { NeedleSession } from "../needle/session.ts";

/** What a trial needs of a session; sessions of `lib/model` have it. */
export interface TrialSession extends NeedleSession<TrialSession> {
  /** A session of the same context, with other knobs if they are given. */
  fork(options?: { knobs?: Partial<Knobs> }): TrialSession;
  /** Reads tokens and tells what the model expects after each: logits, row-major [tokens, vocabulary]. */
  logits(tokens: readonly number[], options?: { signal?: AbortSignal }): Promise<Float32Array>;
  /** What each layer selected in the last steps. */
  readTrace(): Promise<readonly TraceStep[]>;
  /** Writes it to a file; needed to keep readings only. */
  save?(path: string): Promise<void>;
}

/** A context that was read, and what that took. */
export interface ReadContext {
  /** The session that read it. */
  readonly session: TrialSession;
  /** Seconds that it took. */
  readonly seconds: number;
  /** Most bytes of GPU buffers meanwhile. */
  readonly peakBytes: number;
  /** The knobs that it was read with. */
  readonly knobs: Readonly<Knobs>;
}
