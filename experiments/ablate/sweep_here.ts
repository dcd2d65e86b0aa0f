import { ablate, SweepFile, type SweepPlan, type SweepSpec } from "../../lib/evaluation/mod.ts";
import type { Progress } from "../command/progress.ts";
import { SweepProgress } from "./sweep_progress.ts";
import { trialLine } from "./trial_line.ts";

/** The sweep was stopped; the message says what is kept and how it goes on. */
export class StoppedSweepError extends Error {
  /** The error's name. */
  override readonly name = "StoppedSweepError";
}

/** How a sweep is run by this process. */
export interface SweepHereOptions {
  /** The sweep's SQLite file. */
  readonly out: string;
  /** Adds to a file of another spec. */
  readonly extend: boolean;
  /** Runs failed trials again. */
  readonly retryFailed: boolean;
  /** The command that goes on with it. */
  readonly again: string;
}

/**
 * Runs a sweep, or what others leave of it.
 *
 * @returns the command's exit code
 * @throws {StoppedSweepError} once the signal is aborted.
 */
export async function sweepHere(
  spec: SweepSpec,
  plan: SweepPlan,
  options: SweepHereOptions,
  bar: Progress,
  signal: AbortSignal,
): Promise<number> {
  const { out, again } = options;
  try {
    return await sweep(spec, plan, options, bar, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    using file = await SweepFile.read(out);
    const { done, failed } = file.counts();
    throw new StoppedSweepError(
      `stopped; ${done + failed} of ${plan.trials.length} trials are in ${out}. The same command goes on:\n  ${again}`,
    );
  }
}

async function sweep(
  spec: SweepSpec,
  plan: SweepPlan,
  { out, extend, retryFailed }: SweepHereOptions,
  bar: Progress,
  signal: AbortSignal,
): Promise<number> {
  // The file tells what other processes did; the sweep itself opens it anew.
  using file = await SweepFile.open(out, spec, plan.trials, { extend });
  if (retryFailed) file.retryFailed();
  const earlier = file.records();
  const progress = new SweepProgress(bar, { name: spec.name, total: plan.trials.length, earlier });
  console.log(
    `${spec.name}: ${plan.settings} settings x ${spec.seeds.length} seeds = ${plan.trials.length} trials, ` +
      `${plan.readings} contexts to read; ${earlier.length} done before; results in ${out}`,
  );
  let looked = performance.now();
  let total = earlier.length;
  const trials = ablate(spec, {
    signal,
    out,
    onProgress: (trial, share, phase) => {
      if (performance.now() - looked > 2000) {
        looked = performance.now();
        const { done, failed } = file.counts();
        total = done + failed;
      }
      progress.update(trial, share, phase, total);
    },
  });
  for await (const record of trials) {
    progress.ended(record);
    bar.clear();
    console.log(`${place(progress.done, plan.trials.length)}  ${trialLine(record)}`);
  }
  const { done, failed } = file.counts();
  console.log(`${done} trials done, ${failed} failed. deno task report ${out} makes a page of them.`);
  if (failed > 0) console.log("Failed trials run again with --retry-failed.");
  return failed > 0 && done === 0 ? 1 : 0;
}

function place(done: number, total: number): string {
  return `${String(done).padStart(String(total).length)}/${total}`;
}
