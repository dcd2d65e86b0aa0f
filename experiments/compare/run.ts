import type { Bench } from "./measure.ts";
import type { Job } from "./plan.ts";
import { type CompareRow, type CostFields, keyOf } from "./rows.ts";

/** Added to the seed of the contexts on which settings are tried, so that none of them is reported on. */
const TUNING_SEED = 5000;

/** How a run is watched, and what was done before. */
export interface CompareOptions {
  /** Seed of the reported contexts. */
  readonly seed: number;
  /** Rows measured before; they are not measured again. */
  readonly known: readonly CompareRow[];
  /** Called before a measurement. */
  readonly onStart?: (job: Job, done: number, total: number) => void;
  /** Called after each measurement with its row; awaited. */
  readonly onRow: (row: CompareRow) => void | Promise<void>;
}

const NO_COSTS: CostFields = {
  attended: null,
  residentBytes: null,
  readBytes: null,
  secondsPerToken: null,
  perplexity: null,
};

/** Runs the jobs in order: each setting on the tuning contexts, then the best one on others. */
export async function runJobs(bench: Bench, jobs: readonly Job[], options: CompareOptions): Promise<CompareRow[]> {
  const known = new Map(options.known.map((row) => [keyOf(row), row]));
  const rows: CompareRow[] = [];
  const measure = async (about: Parameters<typeof keyOf>[0], act: () => Promise<CompareRow>) => {
    const before = known.get(keyOf(about));
    const row = before ?? await act();
    rows.push(row);
    if (!before) await options.onRow(row);
    return row;
  };
  for (const [place, job] of jobs.entries()) {
    options.onStart?.(job, place, jobs.length);
    const { contestant, regime, length, variant, haystacks, tuning } = job;
    const { label: method, trials } = contestant;
    const tried: CompareRow[] = [];
    for (const [trial, knobs] of tuning > 0 && trials.length > 1 ? trials.entries() : []) {
      const seed = options.seed + TUNING_SEED;
      const about = {
        method,
        regime,
        length,
        variant,
        part: "tuning",
        trial,
        knobs: { ...knobs },
        seed,
        haystacks: tuning,
      } as const;
      tried.push(
        await measure(about, async () => {
          const task = { regime, length, variant, seed, haystacks: tuning };
          return { ...about, ...await bench.answers(contestant, knobs, task), ...NO_COSTS };
        }),
      );
    }
    const trial = bestTrial(tried);
    const knobs = trials[trial];
    const { seed } = options;
    const about = {
      method,
      regime,
      length,
      variant,
      part: "reported",
      trial,
      knobs: { ...knobs },
      seed,
      haystacks,
    } as const;
    await measure(about, async () => {
      const task = { regime, length, variant, seed, haystacks };
      const answers = await bench.answers(contestant, knobs, task);
      return { ...about, ...answers, ...await bench.costs(contestant, knobs, task) };
    });
  }
  return rows;
}

/** The setting with most right answers; of equal ones the first, which is the usual one. */
export function bestTrial(tried: readonly Pick<CompareRow, "trial" | "exact">[]): number {
  return tried.reduce((best, row) => row.exact > best.exact ? row : best, { trial: 0, exact: -1 }).trial;
}
