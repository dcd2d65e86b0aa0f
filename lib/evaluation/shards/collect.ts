import { SweepFile, type SweepFileOptions } from "../sweep/sweep_file.ts";
import type { RunFolder } from "./run_folder.ts";

/** What a collection came to. */
export interface Collected {
  /** Records that the sweep's file had not yet. */
  readonly added: number;
  /** Trials with a result, in the file now. */
  readonly done: number;
  /** Trials that failed. */
  readonly failed: number;
  /** Trials that have not ended. */
  readonly missing: number;
  /** Damaged lines of record files, which were left out. */
  readonly faults: readonly string[];
}

/**
 * Brings what ended so far of a run into the sweep's SQLite file, which is made where it is missing. It may be done again and
 * again, also while the run goes on: finished trials of the file stay as they are.
 *
 * @param out the file; best on a disk of this machine
 * @throws {OtherSpecError} where the file holds another sweep.
 *
 * @example
 * ```ts
 * import { collectRun, parseSweepSpec, planSweep, RunFolder } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const out = `${folder}/sweep.db`;
 * const spec = parseSweepSpec({ sweep: { k: [1, 2, 4] }, seeds: "0..3" });
 * const { trials } = await planSweep(spec);
 * const options = { spec, trials, tasks: 4, cwd: folder, out, executor: "local" };
 * const run = await RunFolder.create(`${folder}/run`, options);
 * const collected = await collectRun(run, out);
 * await Deno.remove(folder, { recursive: true });
 * // Nothing has run yet.
 * assertEquals(collected, { added: 0, done: 0, failed: 0, missing: 12, faults: [] });
 * ```
 */
export async function collectRun(run: RunFolder, out: string, options: SweepFileOptions = {}): Promise<Collected> {
  using file = await SweepFile.open(out, run.plan.spec, await run.trials(), options);
  const faults: string[] = [];
  let added = 0;
  for (const task of run.tasks) {
    const { records, traces, faults: damaged } = await run.records(task);
    faults.push(...damaged);
    added += file.absorb(records, traces);
  }
  const { done, failed, pending, claimed } = file.counts();
  return { added, done, failed, missing: pending + claimed, faults };
}
