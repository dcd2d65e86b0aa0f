import type { Bench, MeasureTask } from "./measure.ts";
import type { Job } from "./plan.ts";
import { type Contestant, contestants } from "./contestants.ts";
import { type CompareRow, type CostFields, isWhole, keyOf } from "./rows.ts";

/** Added to the seed of the contexts on which settings are tried, so that none of them is reported on. */
const TUNING_SEED = 5000;
/** Of a plain tuning context; of chains there are 8. */
const TUNING_QUESTIONS = { needles: 4, questionsPerNeedle: 2 };

/** How a run is watched, and what was done before. */
export interface CompareOptions {
  /** Seed of the reported contexts. */
  readonly seed: number;
  /** The machine, for the record. */
  readonly machine: string;
  /** The day, for the record. */
  readonly date: string;
  /** Rows measured before; they are not measured again. */
  readonly known: readonly CompareRow[];
  /** Called before a measurement. */
  readonly onStart?: (job: Job, done: number, total: number) => void;
  /** Called after each context with its row so far; awaited. */
  readonly onRow: (row: CompareRow) => void | Promise<void>;
}

const NO_COSTS: CostFields = {
  attended: null,
  residentBytes: null,
  readBytes: null,
  secondsPerToken: null,
  perplexity: null,
};

/** What names a row, before it is measured. */
type About = Parameters<typeof keyOf>[0];

/** Runs the jobs in order: each setting on the tuning contexts, then the best one on others. */
export async function runJobs(bench: Bench, jobs: readonly Job[], options: CompareOptions): Promise<CompareRow[]> {
  const rows: CompareRow[] = [];
  const run = new CompareRun(bench, options);
  for (const [place, job] of jobs.entries()) {
    options.onStart?.(job, place, jobs.length);
    rows.push(...await run.job(job));
  }
  return rows;
}

class CompareRun {
  readonly #known: Map<string, CompareRow>;

  constructor(readonly bench: Bench, readonly options: CompareOptions) {
    this.#known = new Map(options.known.map((row) => [keyOf(row), row]));
  }

  async job(job: Job): Promise<CompareRow[]> {
    const { contestant: { trials, label: method }, regime, length, variant, haystacks, needles, tuning } = job;
    const { tuningLength } = job;
    const { seed } = this.options;
    const tried: CompareRow[] = [];
    const named = { method, regime, variant } as const;
    // Settings may grow with the length, so those tried stand for those of the same place.
    const short = tuningLength === length ? trials : contestantAt(job, tuningLength).trials;
    for (const [trial, knobs] of tuning > 0 && trials.length > 1 ? short.entries() : []) {
      const asked = variant.startsWith("chain") ? { needles: 8, questionsPerNeedle: 1 } : TUNING_QUESTIONS;
      const about = {
        ...{ ...named, length: tuningLength, part: "tuning", trial, knobs: { ...knobs } } as const,
        ...{ seed: seed + TUNING_SEED, haystacks: tuning, needles: asked.needles },
      };
      tried.push(await this.#measure(job, about, asked.questionsPerNeedle));
    }
    const trial = bestTrial(tried);
    const about = { ...named, length, part: "reported", trial, knobs: { ...trials[trial] }, seed, haystacks, needles };
    return [...tried, await this.#measure(job, about as About, job.questionsPerNeedle)];
  }

  /** Reads what of a row's contexts was not read before; each context is kept as soon as it was. */
  async #measure({ contestant, judged }: Job, about: About, questionsPerNeedle: number): Promise<CompareRow> {
    const { bench, options: { machine, date } } = this;
    const { regime, length, variant, seed, haystacks, needles, knobs, part } = about;
    let row = this.#known.get(keyOf(about));
    const whole = row !== undefined && isWhole(row);
    const untimed = bench.timed && part === "reported" && row?.secondsPerToken === null && row.machine === machine;
    if (whole && !untimed) return row!;
    const task = {
      regime,
      length,
      variant: variant as Job["variant"],
      seed,
      haystacks,
      needles,
      questionsPerNeedle,
      judged,
    };
    // The answers of a run that shared its adapter hold; its row is timed by the first run that doesn't.
    if (whole) {
      const { secondsPerToken } = await this.#costs(contestant, about, task, { perplexity: false });
      return await this.#keep({ ...row!, secondsPerToken, date });
    }
    for await (const answers of bench.answers(contestant, knobs, task, row)) {
      const costs = part === "reported" && isWhole({ ...answers, haystacks })
        ? await this.#costs(contestant, about, task, { perplexity: true })
        : NO_COSTS;
      row = await this.#keep({ ...about, ...answers, ...costs, machine, date });
    }
    return row!;
  }

  async #keep(row: CompareRow): Promise<CompareRow> {
    this.#known.set(keyOf(row), row);
    await this.options.onRow(row);
    return row;
  }

  /** What a row's method takes; nothing of that depends on what is hidden, so that another row of it may tell. */
  async #costs(
    contestant: Contestant,
    about: About,
    task: MeasureTask,
    options: { perplexity: boolean },
  ): Promise<CostFields> {
    const { bench, options: { machine } } = this;
    const same = (row: CompareRow) =>
      row.part === "reported" && row.method === about.method && row.length === about.length &&
      row.seed === about.seed && row.machine === machine && isWhole(row) &&
      JSON.stringify(row.knobs) === JSON.stringify(about.knobs) && (!bench.timed || row.secondsPerToken !== null);
    const told = [...this.#known.values()].find(same);
    if (told === undefined) return await bench.costs(contestant, about.knobs, task, options);
    const { attended, residentBytes, readBytes, secondsPerToken, perplexity } = told;
    return { attended, residentBytes, readBytes, secondsPerToken, perplexity };
  }
}

function contestantAt({ contestant: { label }, regime }: Job, length: number): Contestant {
  return contestants(regime, length).find((contestant) => contestant.label === label)!;
}

/** The setting with most right answers; of equal ones the first, which is the usual one. */
export function bestTrial(tried: readonly Pick<CompareRow, "trial" | "exact">[]): number {
  return tried.reduce((best, row) => row.exact > best.exact ? row : best, { trial: 0, exact: -1 }).trial;
}
