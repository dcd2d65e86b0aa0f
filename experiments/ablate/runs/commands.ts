import { RunFolder } from "../../../lib/evaluation/mod.ts";
import { reachOnly } from "../../command/network.ts";
import { type ExecutorChoice, makeExecutor, plannedChoice } from "../executors/choice.ts";
import type { LiveTask } from "../../executors/executor.ts";
import { HandedTasks } from "../executors/handed_tasks.ts";
import { work } from "../executors/work.ts";
import { trialLine } from "../trial_line.ts";
import type { RunArguments } from "./arguments.ts";
import { collect, goOn, type RunContext } from "./go_on.ts";
import { statusLines } from "./words.ts";

/**
 * Does what is asked of a run.
 *
 * @returns the command's exit code
 */
export async function runCommandOf(asked: RunArguments, stop: AbortController, context: RunContext): Promise<number> {
  const run = await RunFolder.open(asked.path);
  await reachOnly(run.plan.spec.models);
  const { log } = context;
  switch (asked.action) {
    case "status":
      await status(run, log);
      return 0;
    case "cancel":
      for (const choice of choices(run)) log(`${choice.executor}: ${await makeExecutor(choice).cancel(run)}`);
      log(`what ended is kept; deno task ablate resume ${run.path} goes on`);
      return 0;
    case "resume":
      return await goOn(run, asked, context);
    case "collect":
      return await collect(run, asked, log);
    case "work":
      await runTasks(run, asked, stop, log);
      return 0;
  }
}

/** Who may be running a run: whoever was planned, and processes of one machine, which any run can be resumed by. */
function choices(run: RunFolder): ExecutorChoice[] {
  const planned = plannedChoice(run.plan);
  return planned.executor === "local" ? [planned] : [planned, { executor: "local", options: { workers: 1 } }];
}

async function status(run: RunFolder, log: (line: string) => void): Promise<void> {
  const live = new Map<number, LiveTask>();
  for (const choice of choices(run)) {
    for (const [task, words] of await makeExecutor(choice).live(run)) live.set(task, words);
  }
  const progress = await Promise.all(run.tasks.map((task) => run.progress(task)));
  const lastWords = (task: number) => lastLogLine(run.taskFolder(task));
  for (const line of await statusLines({ run, progress, live, lastWords })) log(line);
}

/** The last line of the task's last log that says something. */
async function lastLogLine(folder: string): Promise<string | undefined> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  const logs = await Promise.all(
    names.filter((name) => name.endsWith(".log")).map(async (name) => ({
      path: `${folder}/${name}`,
      at: (await Deno.stat(`${folder}/${name}`)).mtime?.getTime() ?? 0,
    })),
  );
  const newest = logs.sort((a, b) => b.at - a.at)[0];
  return newest && (await Deno.readTextFile(newest.path)).split("\n").findLast((line) => line.trim() !== "")?.trim();
}

async function runTasks(
  run: RunFolder,
  { tasks, retryFailed }: RunArguments,
  stop: AbortController,
  log: (line: string) => void,
): Promise<void> {
  const { signal } = stop;
  if (tasks) {
    for (const task of tasks) await run.shard(task);
    const onRecord = (record: Parameters<typeof trialLine>[0]) => log(trialLine(record));
    return await work(run, tasks, { retryFailed, signal, onRecord });
  }
  const handed = new HandedTasks(Deno.stdin.readable, () => stop.abort(new Error("who handed the tasks out is gone")));
  await work(run, handed, {
    retryFailed,
    signal,
    onRecord: (record) =>
      log(JSON.stringify({ trial: record.trial.id, status: record.status, line: trialLine(record) })),
    onTask: (task) => {
      handed.done();
      log(JSON.stringify({ task }));
    },
  });
}
