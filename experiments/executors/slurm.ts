import { resolve } from "node:path";
import { attemptName } from "../../lib/evaluation/mod.ts";
import { writeAside } from "../../lib/platform.ts";
import type { Executor, LiveTask, StartOptions } from "./executor.ts";
import { cancelJobs, mostArrayTasks, queued, type QueuedTask, submit, trySubmit } from "./slurm_commands.ts";
import type { SlurmOptions } from "./slurm_options.ts";
import { workCommand } from "./work_command.ts";

/** What Slurm has to know of a run: a sweep's or an evaluation's. */
export interface SlurmRun {
  /** Its folder. Logs go to `tasks/NUMBER` in it. */
  readonly path: string;
  /** Its name, what tells it from all others, and the folder that its tasks run in. */
  readonly plan: { readonly name: string; readonly id: string; readonly cwd: string };
}

/** Names of a run's jobs: by them they are found again, whoever asks and from wherever. */
export function jobNameOf({ name, id }: { name: string; id: string }): string {
  return `${name.replace(/[^\w.-]/g, "_")}-${id}`;
}

/** Numbers as an array's list: "0-2,5,7-8". */
export function arrayList(numbers: readonly number[]): string {
  const ranges: [first: number, last: number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range && number === range[1] + 1) range[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(",");
}

/** What sbatch is told, but for the script. */
export function sbatchArguments(
  run: SlurmRun,
  tasks: readonly number[],
  { limit, sbatch }: SlurmOptions,
): string[] {
  const { cwd } = run.plan;
  return [
    `--array=${arrayList(tasks)}${limit === undefined ? "" : `%${limit}`}`,
    `--job-name=${jobNameOf(run.plan)}`,
    // %5a: the task's number with five digits, as its folder has it; a plain % of the path is written twice.
    `--output=${resolve(run.path).replaceAll("%", "%%")}/tasks/%5a/slurm.%A.log`,
    "--open-mode=append",
    // Preempted tasks, and those of nodes that fail, are put back into the queue by Slurm itself.
    "--requeue",
    `--chdir=${cwd}`,
    ...sbatch,
  ];
}

/** The script of each task. It becomes the worker, so that Slurm's signals reach that. */
export function batchScript(command: readonly string[], retryFailed: boolean): string {
  return `#!/bin/sh\nexec ${command.map(quoted).join(" ")} "$SLURM_ARRAY_TASK_ID"${
    retryFailed ? " --retry-failed" : ""
  }\n`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Tasks as a Slurm job array. Once they are submitted, nothing depends on this machine. */
export class SlurmExecutor implements Executor {
  readonly #options: SlurmOptions;
  readonly #command: (run: string) => string[];

  /** What Slurm is told, and the command of a run's tasks, which is given a task's number. */
  constructor(options: SlurmOptions, command: (run: string) => string[] = workCommand) {
    this.#options = options;
    this.#command = command;
  }

  /** @throws where Slurm is missing or not reached, its arrays are too small, or it takes no job with these options. */
  async check(tasks: number): Promise<void> {
    const most = await mostArrayTasks();
    if (tasks > most) {
      throw new RangeError(
        `--tasks ${tasks}: an array of this cluster has at most ${most} (MaxArraySize); give fewer tasks`,
      );
    }
    await trySubmit(this.#options.sbatch);
  }

  /** Submits an array of the tasks. */
  async start(run: SlurmRun, tasks: readonly number[], { retryFailed, log }: StartOptions): Promise<boolean> {
    const script = `${run.path}/submissions/${attemptName()}.sh`;
    const args = sbatchArguments(run, tasks, this.#options);
    await writeAside(
      script,
      batchScript(this.#command(run.path), retryFailed).replace("\n", `\n# sbatch ${args.map(quoted).join(" ")}\n`),
    );
    const job = await submit([...args, script]);
    log(`submitted job ${job}: an array of ${tasks.length} tasks (${jobNameOf(run.plan)})`);
    return false;
  }

  /** Tasks in Slurm's queue. Those that only wait for their node to clean up have ended. */
  async live(run: SlurmRun): Promise<ReadonlyMap<number, LiveTask>> {
    const tasks = (await queued(jobNameOf(run.plan))).filter(({ state }) => state !== "COMPLETING");
    return new Map(tasks.map((task) => [task.task, inWords(task)]));
  }

  /** Ends all jobs of the run. */
  async cancel(run: SlurmRun): Promise<string> {
    const tasks = await queued(jobNameOf(run.plan));
    if (tasks.length === 0) return "no job of this run is in Slurm's queue";
    await cancelJobs([...new Set(tasks.map(({ job }) => job))]);
    return `${tasks.length} tasks cancelled; those that ran drop the trial in hand`;
  }
}

function inWords({ state, reason, nodes }: QueuedTask): LiveTask {
  const running = state !== "PENDING";
  return { running, words: running ? `${state.toLowerCase()} on ${nodes}` : `waiting: ${reason}` };
}
