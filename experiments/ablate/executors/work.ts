import { ModelBench, type RunFolder, runLedger, ShardLedger, type TrialRecord } from "../../../lib/evaluation/mod.ts";

/** How a worker works. */
export interface WorkOptions {
  /** Runs trials again that failed. */
  readonly retryFailed: boolean;
  /** Ends it within a step; the trial in hand is dropped. */
  readonly signal: AbortSignal;
  /** Called as trials end. */
  readonly onRecord: (record: TrialRecord, task: number) => void;
  /** Called as a task ends. */
  readonly onTask?: (task: number) => void;
}

/**
 * Runs tasks one after another; weights are loaded once.
 *
 * @throws what keeps trials from being run at all; the signal's reason.
 */
export async function work(
  run: RunFolder,
  tasks: AsyncIterable<number> | Iterable<number>,
  { retryFailed, signal, onRecord, onTask }: WorkOptions,
): Promise<void> {
  using bench = new ModelBench(undefined, { readings: run.plan.readings });
  for await (const task of tasks) {
    signal.throwIfAborted();
    using ledger = await ShardLedger.begin(run, task, { retryFailed });
    for await (const record of runLedger(ledger, bench, { signal, traces: run.plan.spec.traces })) {
      onRecord(record, task);
    }
    onTask?.(task);
  }
}
