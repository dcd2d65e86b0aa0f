import { LineFile } from "../../platform.ts";
import { type ClaimedTrial, InMemoryLedger, type Ledger, type LedgerCounts } from "../sweep/ledger.ts";
import type { TrialRecord } from "../sweep/record.ts";
import { attemptName } from "./attempts.ts";
import type { RunFolder } from "./run_folder.ts";

/** How a task is begun. */
export interface ShardOptions {
  /** Runs trials again that failed in an earlier attempt. Default false. */
  retryFailed?: boolean;
}

/**
 * A task's trials that have not ended, for the one process that runs them: each record goes to a file of this attempt's own
 * and is on the disk before the next trial is taken. Two processes that run one task by mistake, such as on a node that was
 * taken for dead, do some trials twice and harm nothing.
 *
 * @example
 * ```ts
 * import { ModelBench, parseSweepSpec, planSweep } from "@reattention/toolkit/evaluation";
 * import { RunFolder, runLedger, ShardLedger } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const spec = parseSweepSpec({ sweep: { k: [1, 4] }, lengths: [500], seeds: [0] });
 * const { trials } = await planSweep(spec);
 * const options = { spec, trials, tasks: 1, cwd: folder, out: `${folder}/sweep.db`, executor: "local" };
 * const run = await RunFolder.create(`${folder}/run`, options);
 * using bench = new ModelBench();
 * using first = await ShardLedger.begin(run, 0);
 * for await (const _record of runLedger(first, bench)) break;
 * // Another attempt has only what the first did not come to.
 * using second = await ShardLedger.begin(run, 0);
 * assertEquals([first.counts().done, second.counts().pending], [1, 1]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class ShardLedger implements Ledger {
  readonly #ledger: InMemoryLedger;
  readonly #records: LineFile;
  readonly #traces: LineFile | undefined;

  private constructor(ledger: InMemoryLedger, records: LineFile, traces: LineFile | undefined) {
    this.#ledger = ledger;
    this.#records = records;
    this.#traces = traces;
  }

  /**
   * Begins an attempt at a task.
   *
   * @throws {RangeError} for a task that there isn't.
   * @throws {PlatformError} where its files can't be read or written.
   */
  static async begin(run: RunFolder, task: number, { retryFailed = false }: ShardOptions = {}): Promise<ShardLedger> {
    const { records } = await run.records(task);
    const over = new Set(
      records.filter(({ status }) => status === "done" || !retryFailed).map(({ trial }) => trial.id),
    );
    const left = (await run.shard(task)).map(({ trial }) => trial).filter(({ id }) => !over.has(id));
    const attempt = attemptName();
    const create = (kind: string) => LineFile.create(`${run.taskFolder(task)}/${kind}.${attempt}.jsonl`);
    const file = await create("records");
    return new ShardLedger(new InMemoryLedger(left), file, run.plan.spec.traces ? await create("traces") : undefined);
  }

  /** Takes the next trial. */
  claim(preferred?: string): ClaimedTrial | undefined {
    return this.#ledger.claim(preferred);
  }

  /** Keeps a record. */
  finish(record: TrialRecord, trace?: unknown): boolean {
    // The record last: a trial that has one has its trace.
    if (trace !== undefined) this.#traces?.append({ trial: record.trial.id, trace });
    this.#records.append(record);
    return this.#ledger.finish(record);
  }

  /** Gives a trial back. */
  release(id: string): void {
    this.#ledger.release(id);
  }

  /** Nobody else looks. */
  beat(): void {}

  /** How far this attempt is. */
  counts(): LedgerCounts {
    return this.#ledger.counts();
  }

  /** What ended in this attempt. */
  records(): TrialRecord[] {
    return this.#ledger.records();
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    this.#records[Symbol.dispose]();
    this.#traces?.[Symbol.dispose]();
  }
}
