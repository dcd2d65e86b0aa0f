import {
  type KeptTrace,
  parseSweepSpec,
  parseTrialRecord,
  RunFolder,
  SweepFile,
  type SweepSpec,
  type TrialRecord,
} from "../../lib/evaluation/mod.ts";
import { fileExists, readText } from "../../lib/platform.ts";

/** A sweep as it lies in a file. */
export interface SweepSource {
  /** The file. */
  readonly path: string;
  /** Its spec. */
  readonly spec: SweepSpec;
  /** Records of trials that ended. */
  readonly records: readonly TrialRecord[];
  /** What first questions selected, by trial, where it was kept. */
  readonly traces: ReadonlyMap<string, KeptTrace>;
  /** Trials that have not ended yet. */
  readonly missing: number;
  /** Trials of earlier specs in the file, which are left out. */
  readonly others: number;
  /** Damaged lines, which were left out. */
  readonly faults: readonly string[];
}

/** Whether something is the folder of a sweep's run on several processes or machines. */
export async function isRunFolder(path: string): Promise<boolean> {
  return await fileExists(`${path}/plan.json`);
}

/**
 * Reads a sweep's file or its run's folder, also while it is being run.
 *
 * @throws {PlatformError} where it can't be read.
 * @throws {RangeError} where it is none, naming the line for lists of records.
 */
export async function readSource(path: string): Promise<SweepSource> {
  if (await isRunFolder(path)) return await readRun(path);
  if (/\.jsonl$/i.test(path)) return await readRecords(path);
  using file = await SweepFile.read(path);
  const { pending, claimed } = file.counts();
  return {
    path,
    spec: file.spec,
    records: file.records(),
    traces: file.traces() as Map<string, KeptTrace>,
    missing: pending + claimed,
    others: file.otherTrials,
    faults: [],
  };
}

/** A run's tasks, in the sweep's order: what `collect` would bring into the sweep's file. */
async function readRun(path: string): Promise<SweepSource> {
  const run = await RunFolder.open(path);
  const places = new Map((await run.trials()).map(({ id }, place) => [id, place]));
  const records: TrialRecord[] = [];
  const traces = new Map<string, KeptTrace>();
  const faults: string[] = [];
  for (const task of run.tasks) {
    const read = await run.records(task);
    records.push(...read.records.filter(({ trial }) => places.has(trial.id)));
    faults.push(...read.faults);
    for (const [trial, trace] of read.traces) traces.set(trial, trace as KeptTrace);
  }
  if (records.length === 0) throw new RangeError(`${path}: no trial has ended yet`);
  records.sort((a, b) => places.get(a.trial.id)! - places.get(b.trial.id)!);
  return { path, spec: run.plan.spec, records, traces, missing: places.size - records.length, others: 0, faults };
}

/** Records alone say what varied, but not why: the spec is made up from them. */
async function readRecords(path: string): Promise<SweepSource> {
  const lines = (await readText(path)).split("\n").map((text, index) => ({ text, line: index + 1 }));
  const records = lines.filter(({ text }) => text.trim() !== "").map(({ text, line }) => {
    try {
      return parseTrialRecord(JSON.parse(text));
    } catch (error) {
      throw new RangeError(`${path}:${line}: ${(error as Error).message}`);
    }
  });
  if (records.length === 0) throw new RangeError(`${path} holds no trial record`);
  const [{ trial }] = records;
  const spec = parseSweepSpec({
    name: path.replace(/^.*[/\\]/, "").replace(/\.jsonl$/i, "").replace(/[^\w .-]/g, "_"),
    models: [...new Set(records.map(({ trial }) => trial.model))],
    task: { name: trial.task, ...trial.parameters },
    methods: [...new Set(records.map(({ trial }) => trial.method))],
    lengths: [...new Set(records.map(({ trial }) => trial.length))],
    seeds: [...new Set(records.map(({ trial }) => trial.seed))],
  });
  return { path, spec, records, traces: new Map(), missing: 0, others: 0, faults: [] };
}
