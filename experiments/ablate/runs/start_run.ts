import { RunFolder, type SweepPlan, type SweepSpec } from "../../../lib/evaluation/mod.ts";
import { type ExecutorChoice, makeExecutor } from "../executors/choice.ts";
import { goOn, type RunContext } from "./go_on.ts";

/** How a run is begun. */
export interface StartRunOptions {
  /** Who runs it. */
  readonly choice: ExecutorChoice;
  /** Its folder. */
  readonly path: string;
  /** The sweep's SQLite file. */
  readonly out: string;
  /** A folder of each machine where readings are kept for its processes. */
  readonly readings?: string;
  /** How many tasks; undefined: some for each that run at once. */
  readonly tasks?: number;
}

/** Tasks for each that run at once: enough that the last ones don't wait long for each other. */
const EACH = 4;
/** Tasks that may run at once where nobody says how many. */
const AT_ONCE = 8;

function tasksFor(plan: SweepPlan, { choice, tasks }: StartRunOptions): number {
  const atOnce = choice.executor === "local" ? choice.options.workers : choice.options.limit ?? AT_ONCE;
  return Math.min(tasks ?? EACH * atOnce, plan.trials.length);
}

/**
 * Plans a run on the disk and starts its tasks.
 *
 * @returns the command's exit code
 */
export async function startRun(
  spec: SweepSpec,
  plan: SweepPlan,
  options: StartRunOptions,
  context: RunContext,
): Promise<number> {
  const { choice, path, out, readings } = options;
  const tasks = tasksFor(plan, options);
  await makeExecutor(choice).check(tasks);
  const run = await RunFolder.create(path, {
    spec,
    trials: plan.trials,
    tasks,
    cwd: Deno.cwd(),
    out,
    readings,
    ...choice,
  });
  context.log(`${spec.name}: ${plan.trials.length} trials in ${run.plan.tasks} tasks; the run is ${path}`);
  return await goOn(run, { choice, retryFailed: false, extend: false }, context);
}
