import type { Collected, RunFolder, TaskProgress } from "../../../lib/evaluation/mod.ts";
import type { LiveTask } from "../../executors/executor.ts";
import { duration } from "../sweep_progress.ts";

/** Tasks that are listed one by one, of those that need a look. */
const LISTED = 12;

/** What a collection came to, in words. */
export function collectedLines(
  { added, done, failed, missing, faults }: Collected,
  run: string,
  out: string,
): string[] {
  const lines = faults.slice(0, LISTED).map((fault) => `left out, the trial runs again on resume: ${fault}`);
  lines.push(`${added} new records; ${done} trials done, ${failed} failed, ${missing} missing in ${out}`);
  lines.push(`deno task report ${out} makes a page of them.`);
  if (missing > 0) lines.push(`deno task ablate resume ${run} runs what is missing and nobody runs.`);
  if (failed > 0) lines.push(`deno task ablate resume ${run} --retry-failed runs failed trials again.`);
  return lines;
}

/** What a status is made of. */
export interface StatusParts {
  /** The run. */
  readonly run: Pick<RunFolder, "path" | "plan">;
  /** Each task. */
  readonly progress: readonly TaskProgress[];
  /** Those that run or wait. */
  readonly live: ReadonlyMap<number, LiveTask>;
  /** The end of a task's log. */
  readonly lastWords: (task: number) => Promise<string | undefined>;
  /** Milliseconds since 1970. Default: now. */
  readonly now?: number;
}

/** How far a run is, in words. */
export async function statusLines(
  { run, progress, live, lastWords, now = Date.now() }: StatusParts,
): Promise<string[]> {
  const { plan, path } = run;
  const sum = (value: (task: TaskProgress) => number) => progress.reduce((total, task) => total + value(task), 0);
  const done = sum((task) => task.done);
  const failed = sum((task) => task.failed);
  const through = progress.filter((task) => task.done + task.failed === task.trials);
  const open = progress.filter((task) => !through.includes(task));
  const running = open.filter(({ task }) => live.get(task)?.running);
  const waiting = open.filter(({ task }) => live.get(task)?.running === false);
  const stopped = open.filter(({ task }) => !live.has(task));
  const lines = [
    `${plan.name} (${plan.executor}, planned ${plan.createdAt.slice(0, 16).replace("T", " ")} UTC): ` +
    `${done} of ${plan.trials} trials done, ${failed} failed, ${plan.trials - done - failed} missing`,
    `${plan.tasks} tasks: ${through.length} ended, ${running.length} running, ${waiting.length} waiting, ` +
    `${stopped.length} not running with trials missing`,
  ];
  const left = timeLeft(plan.createdAt, done + failed, plan.trials, now);
  if (left !== undefined && running.length > 0) lines.push(left);
  for (const [words, tasks] of Map.groupBy([...running, ...waiting], ({ task }) => live.get(task)!.words)) {
    lines.push(`  ${tasks.length === 1 ? `task ${tasks[0].task}` : `${tasks.length} tasks`}: ${words}`);
  }
  for (const { task, trials, done, failed, attempts } of stopped.slice(0, LISTED)) {
    const said = attempts > 0 ? await lastWords(task) : undefined;
    const begun = attempts === 0 ? "not begun" : `begun ${attempts === 1 ? "once" : `${attempts} times`}`;
    lines.push(
      `  task ${task}: ${done + failed} of ${trials} trials, ${begun}${said ? `; its log ends: ${said}` : ""}`,
    );
  }
  if (stopped.length > LISTED) lines.push(`  and ${stopped.length - LISTED} more tasks with trials missing`);
  if (stopped.length > 0) lines.push(`deno task ablate resume ${path} runs what is missing.`);
  if (failed > 0) lines.push(`deno task ablate resume ${path} --retry-failed runs failed trials again.`);
  if (done > 0) lines.push(`deno task ablate collect ${path} brings what ended into ${plan.out}.`);
  return lines;
}

function timeLeft(since: string, ended: number, trials: number, now: number): string | undefined {
  const seconds = (now - Date.parse(since)) / 1000;
  if (ended === 0 || ended === trials || seconds <= 0) return undefined;
  const rate = ended / seconds;
  return `${(60 * rate).toFixed(1)} trials a minute since it was planned; at that rate ${
    duration((trials - ended) / rate)
  } left`;
}
