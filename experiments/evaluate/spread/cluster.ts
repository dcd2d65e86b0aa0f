import { AnswerStore, readTaskAnswers } from "../../../lib/evaluation/mod.ts";
import { fileExists } from "../../../lib/platform.ts";
import type { LiveTask } from "../../executors/executor.ts";
import { SlurmExecutor, type SlurmRun } from "../../executors/slurm.ts";
import type { SlurmOptions } from "../../executors/slurm_options.ts";
import { scriptCommand } from "../../executors/work_command.ts";
import { endedFile, partFolder, workFolder } from "./folders.ts";
import { isPlanned, readPlan, type SpreadPlan, writePlan } from "./plan.ts";

type Log = (line: string) => void;

function executorOf(out: string, { options }: SpreadPlan): SlurmExecutor {
  return new SlurmExecutor(options, () => scriptCommand("evaluate", [workFolder(out)], ["work", out]));
}

function runOf(out: string, plan: SpreadPlan): SlurmRun {
  return { path: workFolder(out), plan };
}

/** How far a part is. */
interface PartProgress {
  readonly part: number;
  readonly done: number;
  readonly failed: number;
  readonly attempts: number;
  /** Whether it was gone through to its end. */
  readonly ended: boolean;
  readonly live?: LiveTask;
}

async function progressOf(out: string, plan: SpreadPlan): Promise<PartProgress[]> {
  const live = await executorOf(out, plan).live(runOf(out, plan));
  return await Promise.all(Array.from({ length: plan.parts }, async (_, part) => {
    const { lines, attempts } = await readTaskAnswers(partFolder(out, part));
    const done = lines.filter(({ status }) => status === "done").length;
    const ended = await fileExists(endedFile(out, part));
    return { part, done, failed: lines.length - done, attempts, ended, live: live.get(part) };
  }));
}

/** What an evaluation is spread by. */
export interface SpreadStart {
  readonly out: string;
  readonly parts: number;
  readonly options: SlurmOptions;
  readonly args: readonly string[];
  readonly log: Log;
}

/**
 * Plans an evaluation on the disk and submits its parts; one that is planned already goes on as `resume` does.
 *
 * @throws {RangeError} where one with other arguments is planned there.
 */
export async function startOnCluster({ out, parts, options, args, log }: SpreadStart): Promise<void> {
  if (await isPlanned(out)) {
    const known = await readPlan(out);
    if (JSON.stringify(known.args) !== JSON.stringify(args)) {
      throw new RangeError(
        `${out} is being answered with other arguments: ${known.args.join(" ")}; give another --out`,
      );
    }
    return await resumeOnCluster(out, { retryFailed: false, log });
  }
  const plan: SpreadPlan = {
    version: 1,
    id: crypto.randomUUID().slice(0, 8),
    name: out.replace(/^.*\//, ""),
    createdAt: new Date().toISOString(),
    cwd: Deno.cwd(),
    ...{ parts, args, options },
  };
  await executorOf(out, plan).check(parts);
  // Slurm writes a task's log before the task begins. The plan comes last: with it all is there.
  for (let part = 0; part < parts; part++) await Deno.mkdir(partFolder(out, part), { recursive: true });
  await writePlan(out, plan);
  await resumeOnCluster(out, { retryFailed: false, log });
}

/** Submits all parts that were not gone through and that nobody runs; with `retryFailed` also those with failures. */
export async function resumeOnCluster(
  out: string,
  { retryFailed, log }: { retryFailed: boolean; log: Log },
): Promise<void> {
  const plan = await readPlan(out);
  const progress = await progressOf(out, plan);
  const lacking = progress.filter(({ ended, failed }) => !ended || (retryFailed && failed > 0));
  const open = lacking.filter(({ live }) => live === undefined).map(({ part }) => part);
  log(`${plan.parts} parts: ${open.length} to run, ${lacking.length - open.length} run already`);
  if (open.length === 0) return log(`deno task evaluate collect ${out} brings the answers together`);
  const signal = new AbortController().signal;
  await executorOf(out, plan).start(runOf(out, plan), open, { retryFailed, log, signal });
  log(`how far it is: deno task evaluate status ${out}`);
  log(`answers so far, at any time: deno task evaluate collect ${out}`);
}

/** Tells how far it is. */
export async function statusOnCluster(out: string, log: Log): Promise<void> {
  const plan = await readPlan(out);
  const progress = await progressOf(out, plan);
  const sum = (value: (part: PartProgress) => number) => progress.reduce((total, part) => total + value(part), 0);
  const count = (keep: (part: PartProgress) => boolean) => progress.filter(keep).length;
  const stopped = progress.filter(({ ended, live }) => !ended && live === undefined);
  log(`${plan.name}: ${sum(({ done }) => done)} questions answered, ${sum(({ failed }) => failed)} could not be`);
  log(
    `${plan.parts} parts: ${count(({ ended }) => ended)} ended, ` +
      `${count(({ ended, live }) => !ended && live?.running === true)} running, ` +
      `${count(({ ended, live }) => !ended && live?.running === false)} waiting, ${stopped.length} stopped`,
  );
  for (const { part, live, done } of progress.filter(({ live }) => live !== undefined).slice(0, 12)) {
    log(`  part ${part}: ${live!.words}, ${done} answered`);
  }
  if (stopped.length > 0) log(`deno task evaluate resume ${out} runs what is missing.`);
  log(`deno task evaluate collect ${out} brings the answers so far together.`);
}

/** Ends all jobs. */
export async function cancelOnCluster(out: string, log: Log): Promise<void> {
  const plan = await readPlan(out);
  log(`slurm: ${await executorOf(out, plan).cancel(runOf(out, plan))}`);
  log(`what was answered is kept; deno task evaluate resume ${out} goes on`);
}

/** Brings the parts' answers into the folder's own, also while parts still run. */
export async function collectFromCluster(out: string, log: Log): Promise<void> {
  const plan = await readPlan(out);
  using store = await AnswerStore.open(out);
  let added = 0;
  for (let part = 0; part < plan.parts; part++) {
    const { lines, faults } = await readTaskAnswers(partFolder(out, part));
    for (const fault of faults) log(`left out, the question is asked again on resume: ${fault}`);
    added += await store.takeIn(lines);
  }
  const { done, failed } = store.counts();
  log(`${added} new; ${done} questions answered, ${failed} could not be, in ${out}`);
  log(`deno task report ${out} makes a page of them; scores, and what is missing here:`);
  log(`  deno task evaluate ${plan.args.join(" ")}`);
}
