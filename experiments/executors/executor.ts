import type { RunFolder } from "../../lib/evaluation/mod.ts";

/** A task that is being run or waits for its turn. */
export interface LiveTask {
  /** Whether it runs. */
  readonly running: boolean;
  /** Where it runs, or what it waits for. */
  readonly words: string;
}

/** How tasks are started. */
export interface StartOptions {
  /** Runs trials again that failed. */
  readonly retryFailed: boolean;
  /** Prints a line. */
  readonly log: (line: string) => void;
  /** Stops what this process itself runs. */
  readonly signal: AbortSignal;
}

/** Who runs a run's tasks. All it knows lies in the run's folder, or where the tasks run. */
export interface Executor {
  /** Makes sure that it can be used here, before anything is written. */
  check(tasks: number): Promise<void>;
  /** Starts tasks; returns true once they have ended, or false where they go on without this process. */
  start(run: RunFolder, tasks: readonly number[], options: StartOptions): Promise<boolean>;
  /** Tasks that are being run or wait for their turn. */
  live(run: RunFolder): Promise<ReadonlyMap<number, LiveTask>>;
  /** Stops all of them; says what was done. */
  cancel(run: RunFolder): Promise<string>;
}
