import {
  type KeptTrace,
  parseSweepSpec,
  parseTrialRecord,
  SweepFile,
  type SweepSpec,
  type TrialRecord,
} from "../../lib/evaluation/mod.ts";
import { readText } from "../../lib/platform.ts";

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
}

/**
 * Reads a sweep's file, also while it is being run.
 *
 * @throws {PlatformError} where it can't be read.
 * @throws {RangeError} where it is none, naming the line for lists of records.
 */
export async function readSource(path: string): Promise<SweepSource> {
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
  };
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
  return { path, spec, records, traces: new Map(), missing: 0, others: 0 };
}
