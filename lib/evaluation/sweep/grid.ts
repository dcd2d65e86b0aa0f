import { type Knobs, presets } from "../../attention/mod.ts";
import { Random } from "../random.ts";
import type { AxisValue } from "./axis.ts";
import { parseCondition } from "./expression.ts";
import { sobolPoints } from "./sobol.ts";
import { type Axes, conditionNames, type SweepSpec } from "./spec.ts";
import { sweepTask } from "./tasks.ts";
import { nameTrial, prefillKeyOf, type Trial, type TrialContents } from "./trial.ts";

/** What a spec comes to. */
export interface SweepPlan {
  /** The trials, in the order in which they run: model by model, and seed by seed, so that settings can be compared early. */
  readonly trials: readonly Trial[];
  /** Settings that run. */
  readonly settings: number;
  /** Settings of the grid that a condition left out. */
  readonly excluded: number;
  /** Contexts to read where trials share them; without that there is one for each trial. */
  readonly readings: number;
}

/** Most settings of a grid. */
const MOST_SETTINGS = 1_000_000;

type Setting = Readonly<Record<string, AxisValue>>;
type Dimension = readonly Setting[];

/**
 * The trials of a sweep: its grid without what is left out, for each seed.
 *
 * @throws {RangeError} for a grid without a setting, one that is too large, options that the task hasn't, or a sample larger than the grid.
 *
 * @example
 * ```ts
 * import { parseSweepSpec, planSweep } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const sweep = { k: [1, 2, 4, 8], chunkSize: [64, 128] };
 * const spec = parseSweepSpec({ sweep, exclude: ["k == 8 && chunkSize == 128"], seeds: "0..2" });
 * const { trials, settings, excluded } = await planSweep(spec);
 * assertEquals([settings, excluded, trials.length], [7, 1, 21]);
 * ```
 */
export async function planSweep(spec: SweepSpec): Promise<SweepPlan> {
  const dimensions = dimensionsOf(spec);
  const size = dimensions.reduce((product, { length }) => product * length, 1);
  if (size > MOST_SETTINGS && spec.sample === undefined) {
    throw new RangeError(`spec: a grid of ${size} settings; give a sample, or at most ${MOST_SETTINGS}`);
  }
  const conditions = spec.exclude.map((text) => parseCondition(text, conditionNames(spec)));
  const runs = (setting: Setting) => {
    const names = namesOf(spec, setting);
    return !conditions.some((holds) => holds(names));
  };
  const taken = spec.sample ? sampled(dimensions, spec.sample, runs) : product(dimensions).filter(runs);
  if (taken.length === 0) throw new RangeError("spec: the conditions leave no setting to run");
  const told = tellingAxes(taken);
  const contents = taken.map((setting) => contentsOf(spec, setting, told));
  const trials = await Promise.all(
    spec.models.flatMap((model) => {
      const own = contents.filter((content) => content.model === model);
      return spec.seeds.flatMap((seed) => own.map((content) => nameTrial({ ...content, seed })));
    }),
  );
  // The same setting reached by two ways runs once.
  const once = [...new Map(trials.map((trial) => [trial.id, trial])).values()];
  const readings = new Set(once.map(prefillKeyOf)).size;
  const excluded = spec.sample ? 0 : size - taken.length;
  return { trials: once, settings: once.length / spec.seeds.length, excluded, readings };
}

function dimensionsOf({ models, methods, lengths, sweep, zip }: SweepSpec): Dimension[] {
  const rows = (axes: Axes): Setting[] => {
    const entries = Object.entries(axes);
    const count = entries[0]?.[1].length ?? 0;
    return Array.from(
      { length: count },
      (_, index) => Object.fromEntries(entries.map(([name, values]) => [name, values[index]])),
    );
  };
  return [
    models.map((model) => ({ model })),
    methods.map((method) => ({ method })),
    lengths.map((length) => ({ length })),
    ...zip.map(rows).filter((dimension) => dimension.length > 0),
    ...Object.entries(sweep).map(([name, values]) => values.map((value) => ({ [name]: value }))),
  ];
}

function product(dimensions: readonly Dimension[]): Setting[] {
  return dimensions.reduce<Setting[]>(
    (settings, dimension) => settings.flatMap((setting) => dimension.map((values) => ({ ...setting, ...values }))),
    [{}],
  );
}

/** Distinct settings of the grid that run, drawn until there are enough. */
function sampled(
  dimensions: readonly Dimension[],
  { kind, count, seed }: NonNullable<SweepSpec["sample"]>,
  runs: (setting: Setting) => boolean,
): Setting[] {
  const found = new Map<string, Setting>();
  const random = new Random(seed);
  const points = kind === "sobol" ? sobolPoints(dimensions.length) : undefined;
  const seen = new Set<string>();
  const size = dimensions.reduce((product, { length }) => product * length, 1);
  // A point of a grid that is met again and again: either the grid is used up, or nearly so.
  for (
    let draws = 0;
    found.size < count && seen.size < size && draws < 1000 + 200 * Math.min(size, 100 * count);
    draws++
  ) {
    const point = points?.next().value ?? dimensions.map(() => random.next() / 2 ** 32);
    const places = dimensions.map(({ length }, index) => Math.floor(point[index] * length));
    const key = places.join(" ");
    if (seen.has(key)) continue;
    seen.add(key);
    const setting = Object.assign({}, ...dimensions.map((dimension, index) => dimension[places[index]]));
    if (runs(setting)) found.set(key, setting);
  }
  if (found.size < count) {
    throw new RangeError(`spec: a sample of ${count} from a grid of ${size} settings, ${found.size} of which can run`);
  }
  return [...found.values()];
}

/** Names that differ between settings: the others need not be told. */
function tellingAxes(settings: readonly Setting[]): readonly string[] {
  return Object.keys(settings[0]).filter((name) => new Set(settings.map((setting) => setting[name])).size > 1);
}

const PARAMETER = "task.";

function split(spec: SweepSpec, setting: Setting) {
  const { model, method, length, ...values } = setting as Setting & Pick<Trial, "model" | "method" | "length">;
  const entries = Object.entries(values);
  const ofTask = entries.filter(([name]) => name.startsWith(PARAMETER))
    .map(([name, value]) => [name.slice(PARAMETER.length), value]);
  const changes = Object.fromEntries(entries.filter(([name]) => !name.startsWith(PARAMETER)));
  const knobs: Knobs = { ...presets[spec.preset], ...spec.set, ...changes };
  return { model, method, length, knobs, parameters: completeParameters(spec, Object.fromEntries(ofTask)) };
}

function completeParameters(spec: SweepSpec, changes: Setting): Record<string, AxisValue> {
  const parsed = sweepTask(spec.task).schema.safeParse({ ...spec.parameters, ...changes });
  if (parsed.success) return parsed.data as Record<string, AxisValue>;
  const issues = (parsed.error as unknown as { issues: { path: string[]; message: string }[] }).issues;
  throw new RangeError(
    `spec: task ${spec.task}: ${issues.map(({ path, message }) => [...path, message].join(": ")).join("; ")}`,
  );
}

function namesOf(spec: SweepSpec, setting: Setting): Record<string, AxisValue> {
  const { model, method, length, knobs, parameters } = split(spec, setting);
  const options = Object.entries(parameters).map(([name, value]) => [`${PARAMETER}${name}`, value]);
  return { ...knobs, model, method, length, ...Object.fromEntries(options) };
}

function contentsOf(spec: SweepSpec, setting: Setting, told: readonly string[]): Omit<TrialContents, "seed"> {
  const axes = Object.fromEntries(told.map((name) => [name, setting[name]]));
  return { axes, task: spec.task, ...split(spec, setting) };
}
