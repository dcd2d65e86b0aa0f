import type { RunPlan } from "../../../lib/evaluation/mod.ts";
import { ArgumentsError } from "../arguments_error.ts";
import type { Executor } from "../../executors/executor.ts";
import { likeCards } from "../../executors/like_cards.ts";
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
  executor: { type: "string" },
  run: { type: "string" },
  tasks: { type: "string" },
  "keep-readings": { type: "string" },
  limit: { type: "string" },
  partition: { type: "string" },
  gres: { type: "string" },
  time: { type: "string" },
  account: { type: "string" },
  sbatch: { type: "string", multiple: true },
} as const;

/** What is typed for them. */
export type ExecutorValues = { [Name in keyof typeof executorOptions]?: Name extends "sbatch" ? string[] : string };

const ONLY_SLURM = ["limit", "partition", "gres", "time", "account", "sbatch"] as const;

/** A number that counts something. */
export function countOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new ArgumentsError(`${flag} ${JSON.stringify(text)} must be a whole number of at least 1`);
}

/**
 * Who is to run tasks; undefined where nobody was named.
 *
 * @throws {ArgumentsError} for names and options that can't be.
 */
export function executorChoice(values: ExecutorValues): ExecutorChoice | undefined {
  const kind = values.executor;
  const foreign = ONLY_SLURM.find((name) => values[name] !== undefined);
  if (foreign && kind !== "slurm") throw new ArgumentsError(`--${foreign} goes with --executor slurm`);
  if (kind === undefined) return undefined;
  if (kind === "slurm") return { executor: "slurm", options: slurmOptions(values) };
  const [, , workers] = /^local(:([1-9]\d{0,3}))?$/.exec(kind) ?? [];
  if (!/^local(:|$)/.test(kind) || (kind !== "local" && !workers)) {
    throw new ArgumentsError(`--executor ${JSON.stringify(kind)} must be slurm, local or local:COUNT, such as local:4`);
  }
  return { executor: "local", options: { workers: workers ? Number(workers) : Math.max(1, likeCards().length) } };
}

function slurmOptions(values: ExecutorValues): SlurmOptions {
  const limit = countOf("--limit", values.limit);
  const named = (["partition", "gres", "time", "account"] as const).flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}=${values[name]}`]
  );
  try {
    return parseSlurmOptions({ ...(limit && { limit }), sbatch: [...named, ...values.sbatch ?? []] });
  } catch (error) {
    throw new ArgumentsError((error as Error).message);
  }
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
