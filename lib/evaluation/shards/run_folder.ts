import * as z from "../../zod.ts";
import { fileExists, readText, removeFolder, renameFile, writeAside } from "../../platform.ts";
import { toolkitVersion } from "../sweep/environment.ts";
import { parseTrial, parseTrialRecord, type TrialRecord } from "../sweep/record.ts";
import type { SweepSpec } from "../sweep/spec.ts";
import type { Trial } from "../sweep/trial.ts";
import { attemptFiles, keepBetter, taskFolder } from "./attempts.ts";
import { dealTrials } from "./deal.ts";
import { readLines } from "./record_lines.ts";
import { parsePlan, planJson, RUN_VERSION, type RunPlan } from "./run_plan.ts";

/** A trial and where it stands in the sweep. */
export interface PlacedTrial {
  /** Its place in the sweep's order. */
  readonly place: number;
  /** The trial. */
  readonly trial: Trial;
}

/** What a task's attempts came to so far. */
export interface TaskRecords {
  /** One record for each trial that ended; of several the first that is done, or else the first. */
  readonly records: TrialRecord[];
  /** What first questions selected, by trial, where it was kept. */
  readonly traces: ReadonlyMap<string, unknown>;
  /** Damaged lines, which count as not there. */
  readonly faults: readonly string[];
}

/** How far a task is. */
export interface TaskProgress {
  /** The task's number. */
  readonly task: number;
  /** Its trials. */
  readonly trials: number;
  /** Those with a result. */
  readonly done: number;
  /** Those that failed. */
  readonly failed: number;
  /** How often it was begun. */
  readonly attempts: number;
  /** When its last trial ended, ISO 8601. */
  readonly lastEnded: string | undefined;
}

/** What a run is planned from. */
export interface RunOptions {
  /** The sweep. */
  readonly spec: SweepSpec;
  /** Its trials. */
  readonly trials: readonly Trial[];
  /** How many tasks to deal them to. */
  readonly tasks: number;
  /** The folder that relative paths are read from. */
  readonly cwd: string;
  /** The sweep's SQLite file. */
  readonly out: string;
  /** Who runs the tasks. */
  readonly executor: string;
  /** A folder of each machine where readings are kept for its processes. Default: none are. */
  readonly readings?: string;
  /** What that one is told. Default: nothing. */
  readonly options?: object;
}

const placedSchema = z.object({ place: z.int().check(z.minimum(0)), trial: z.unknown() });

const parsePlaced = (value: unknown): PlacedTrial => {
  const { place, trial } = placedSchema.parse(value);
  return { place, trial: parseTrial(trial) };
};

/**
 * A sweep on a shared disk, for workers that see nothing else of each other: its plan, each task's trials, and what came of
 * them. No file ever has two writers, and none is changed once it is whole, so nothing needs a lock:
 *
 * ```
 * plan.json                           the sweep, and how it is run
 * tasks/00007/trials.jsonl            a task's trials
 * tasks/00007/records.ATTEMPT.jsonl   trials that ended, a file for each time that the task was begun
 * tasks/00007/traces.ATTEMPT.jsonl    what first questions selected, where that is kept
 * ```
 *
 * @example
 * ```ts
 * import { parseSweepSpec, planSweep, RunFolder } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const spec = parseSweepSpec({ sweep: { k: [1, 4] }, lengths: [500], seeds: [0, 1] });
 * const { trials } = await planSweep(spec);
 * const options = { spec, trials, tasks: 2, cwd: folder, out: `${folder}/sweep.db`, executor: "local" };
 * await RunFolder.create(`${folder}/run`, options);
 * const run = await RunFolder.open(`${folder}/run`); // on another machine, say
 * assertEquals([run.tasks, (await run.shard(0)).length], [[0, 1], 2]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class RunFolder {
  /** Where it is. */
  readonly path: string;
  /** What is run. */
  readonly plan: RunPlan;

  private constructor(path: string, plan: RunPlan) {
    this.path = path;
    this.plan = plan;
  }

  /**
   * Plans a run. The folder is there whole, or not at all.
   *
   * @throws {RangeError} where a run is there already.
   * @throws {PlatformError} where it can't be written.
   */
  static async create(
    path: string,
    { spec, trials, tasks, cwd, out, executor, options = {}, readings }: RunOptions,
  ): Promise<RunFolder> {
    if (await fileExists(path)) throw new RangeError(`${path} is there already`);
    const dealt = dealTrials(trials, tasks);
    const id = crypto.randomUUID().slice(0, 8);
    const plan: RunPlan = {
      version: RUN_VERSION,
      id,
      name: path.replace(/\/+$/, "").replace(/^.*\//, ""),
      createdAt: new Date().toISOString(),
      toolkit: await toolkitVersion(),
      trials: trials.length,
      tasks: dealt.length,
      cwd,
      out,
      executor,
      options: { ...options },
      ...(readings !== undefined && { readings }),
      spec,
    };
    const made = new RunFolder(`${path.replace(/\/+$/, "")}.${id}.new`, plan);
    try {
      for (const [task, places] of dealt.entries()) {
        const lines = places.map((place) => `${JSON.stringify({ place, trial: trials[place] })}\n`);
        await writeAside(`${made.taskFolder(task)}/trials.jsonl`, lines.join(""));
      }
      await writeAside(`${made.path}/plan.json`, planJson(plan));
      await renameFile(made.path, path);
    } catch (error) {
      await removeFolder(made.path);
      throw error;
    }
    return new RunFolder(path, plan);
  }

  /**
   * Opens a run's folder.
   *
   * @throws {RangeError} where there is none, or it is of another version.
   */
  static async open(path: string): Promise<RunFolder> {
    const file = `${path}/plan.json`;
    if (!await fileExists(file)) throw new RangeError(`${path} holds no run: there is no ${file}`);
    return new RunFolder(path.replace(/\/+$/, ""), parsePlan(await readText(file), file));
  }

  /** Numbers of all tasks. */
  get tasks(): number[] {
    return Array.from({ length: this.plan.tasks }, (_, task) => task);
  }

  /** Where a task's files are. */
  taskFolder(task: number): string {
    return taskFolder(this.path, task);
  }

  /**
   * A task's trials, in the sweep's order.
   *
   * @throws {RangeError} for a task that there isn't, or a damaged file.
   */
  async shard(task: number): Promise<PlacedTrial[]> {
    const { tasks } = this.plan;
    if (!Number.isInteger(task) || task < 0 || task >= tasks) {
      throw new RangeError(`there is no task ${task} in ${this.path}: its tasks are 0 to ${tasks - 1}`);
    }
    const { values, faults } = await readLines(`${this.taskFolder(task)}/trials.jsonl`, parsePlaced);
    if (faults.length > 0) throw new RangeError(faults[0]);
    return values;
  }

  /** All trials, in the sweep's order. */
  async trials(): Promise<Trial[]> {
    const shards: PlacedTrial[] = [];
    for (const task of this.tasks) shards.push(...await this.shard(task));
    return shards.sort((a, b) => a.place - b.place).map(({ trial }) => trial);
  }

  /** What a task's attempts came to so far, also while one of them runs. */
  async records(task: number): Promise<TaskRecords> {
    const ended = new Map<string, TrialRecord>();
    const traces = new Map<string, unknown>();
    const faults: string[] = [];
    for (const file of await attemptFiles(this.taskFolder(task), "records")) {
      const read = await readLines(file, parseTrialRecord);
      faults.push(...read.faults);
      for (const record of read.values) keepBetter(ended, record.trial.id, record);
    }
    for (const file of await attemptFiles(this.taskFolder(task), "traces")) {
      const read = await readLines(file, (value) => value as { trial: string; trace: unknown });
      for (const { trial, trace } of read.values) traces.set(trial, trace);
    }
    return { records: [...ended.values()], traces, faults };
  }

  /** How far a task is; its records are not checked for that. */
  async progress(task: number): Promise<TaskProgress> {
    const lines = (await readText(`${this.taskFolder(task)}/trials.jsonl`)).split("\n").length - 1;
    const files = await attemptFiles(this.taskFolder(task), "records");
    const ended = new Map<string, TrialRecord>();
    for (const file of files) {
      const { values } = await readLines(file, (value) => value as TrialRecord);
      for (const record of values) keepBetter(ended, record.trial.id, record);
    }
    const records = [...ended.values()];
    const failed = records.filter(({ status }) => status === "failed").length;
    const lastEnded = records.map(({ endedAt }) => endedAt).sort().at(-1);
    return { task, trials: lines, done: records.length - failed, failed, attempts: files.length, lastEnded };
  }
}
