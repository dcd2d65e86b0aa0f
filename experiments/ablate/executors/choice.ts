import type { RunPlan } from "../../../lib/evaluation/mod.ts";
import { ArgumentsError } from "../arguments_error.ts";
import type { Executor } from "../../executors/executor.ts";
import { executorFlags, type FlagValues, namedExecutor } from "../../executors/executor_flags.ts";
import { LocalExecutor } from "./local.ts";
import { SlurmExecutor } from "../../executors/slurm.ts";
import { parseSlurmOptions, type SlurmOptions } from "../../executors/slurm_options.ts";
import type { WorkerWord } from "./worker_process.ts";

/** Who runs tasks, as it was typed and as plans keep it. */
export type ExecutorChoice =
  | { readonly executor: "local"; readonly options: { readonly workers: number } }
  | { readonly executor: "slurm"; readonly options: SlurmOptions };

/** Options of the command line that only executors know; parseArgs' own form. */
export const executorOptions = {
  ...executorFlags,
  run: { type: "string" },
  tasks: { type: "string" },
  "keep-readings": { type: "string" },
  limit: { type: "string" },
} as const;

/** What is typed for them. */
export type ExecutorValues = FlagValues<typeof executorOptions>;

/**
 * Who is to run tasks; undefined where nobody was named.
 *
 * @throws {ArgumentsError} for names and options that can't be.
 */
export function executorChoice(values: ExecutorValues): ExecutorChoice | undefined {
  const named = namedExecutor(values, { atOnce: "limit", wrong: ArgumentsError });
  return named?.executor === "local" ? { executor: "local", options: { workers: named.workers } } : named;
}

/** Who runs a run's tasks by its plan. */
export function plannedChoice({ executor, options }: Pick<RunPlan, "executor" | "options">): ExecutorChoice {
  if (executor === "slurm") return { executor, options: parseSlurmOptions(options) };
  const workers = Number(options.workers);
  if (executor === "local" && workers >= 1) return { executor, options: { workers } };
  throw new RangeError(
    `the run's plan names an executor that this toolkit hasn't: ${executor} ${JSON.stringify(options)}`,
  );
}

/** The executor of a choice; `said` hears of what ends while this process hands tasks out. */
export function makeExecutor(choice: ExecutorChoice, said?: (word: WorkerWord) => void): Executor {
  if (choice.executor === "slurm") return new SlurmExecutor(choice.options);
  return new LocalExecutor(choice.options.workers, said);
}
