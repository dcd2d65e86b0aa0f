import { collectRun, type RunFolder } from "../../../lib/evaluation/mod.ts";
import { type ExecutorChoice, makeExecutor, plannedChoice } from "../executors/choice.ts";
import type { WorkerWord } from "../executors/worker_process.ts";
import { collectedLines } from "./words.ts";

/** What commands on runs are given. */
export interface RunContext {
  /** Prints a line. */
  readonly log: (line: string) => void;
  /** Shows how far it is. */
  readonly show: (share: number, words: string) => void;
  /** Stops what this process runs. */
  readonly signal: AbortSignal;
}

/** How a run goes on. */
export interface GoOnOptions {
  /** Who runs it; undefined: as planned. */
  readonly choice?: ExecutorChoice;
  /** Runs failed trials again. */
  readonly retryFailed: boolean;
  /** The sweep's file; undefined: as planned. */
  readonly out?: string;
  /** Collects into a file of another spec. */
  readonly extend: boolean;
}

/**
 * Starts all tasks that lack a trial and that nobody runs.
 *
 * @returns the command's exit code
 */
export async function goOn(run: RunFolder, options: GoOnOptions, context: RunContext): Promise<number> {
  const { retryFailed } = options;
  const { log, show, signal } = context;
  const planned = plannedChoice(run.plan);
  const choice = options.choice ?? planned;
  const progress = await Promise.all(run.tasks.map((task) => run.progress(task)));
  const lacking = progress.filter(({ trials, done, failed }) => done + (retryFailed ? 0 : failed) < trials);
  const live = await makeExecutor(planned).live(run);
  const others = choice.executor === planned.executor
    ? live
    : new Map([...live, ...await makeExecutor(choice).live(run)]);
  const tasks = lacking.map(({ task }) => task).filter((task) => !others.has(task));
  const ended = progress.reduce((sum, { done, failed }) => sum + done + failed, 0);
  log(`${ended} of ${run.plan.trials} trials ended before; ${tasks.length} tasks to run, ${others.size} run already`);
  if (tasks.length === 0) return others.size > 0 ? 0 : await collect(run, options, log);

  let count = ended;
  const executor = makeExecutor(choice, (word: WorkerWord) => {
    if (!("trial" in word)) return;
    count++;
    log(`${count}/${run.plan.trials}  ${word.line}`);
    show(count / run.plan.trials, `${count} of ${run.plan.trials} trials`);
  });
  await executor.check(tasks.length);
  const through = await executor.start(run, tasks, { retryFailed, log, signal });
  if (through) return await collect(run, options, log);
  log(`how far it is: deno task ablate status ${run.path}`);
  log(`results so far, at any time: deno task ablate collect ${run.path}`);
  return 0;
}

/** Brings results into the sweep's file and tells what is there. */
export async function collect(
  run: RunFolder,
  { out, extend }: Pick<GoOnOptions, "out" | "extend">,
  log: (line: string) => void,
): Promise<number> {
  const path = out ?? run.plan.out;
  const collected = await collectRun(run, path.startsWith("/") ? path : `${run.plan.cwd}/${path}`, { extend });
  for (const line of collectedLines(collected, run.path, path)) log(line);
  return collected.done === 0 ? 1 : 0;
}
