import { Device } from "../../lib/gpu/mod.ts";
import { settingLabel, type SweepPlan, type SweepSpec, type Trial, TrialRunner } from "../../lib/evaluation/mod.ts";
import { loadModel, type Model } from "../../lib/model/mod.ts";
import { duration } from "./sweep_progress.ts";

/** Where a dry run writes. */
export interface DryRunOptions {
  /** Prints a line. */
  log: (line: string) => void;
}

/** Settings that are listed, and methods that are timed. */
const LISTED = 40;
/** Lengths of the contexts that time and memory are measured at, in shares of the sweep's own and at most. */
const CALIBRATION: readonly number[] = [512, 1024];

interface Measured {
  readonly length: number;
  readonly readSeconds: number;
  readonly answerSeconds: number;
  readonly peakBytes: number;
}

/** Prints the grid, the count, and what time and memory it will take, from a short calibration. */
export async function dryRun(spec: SweepSpec, plan: SweepPlan, { log }: DryRunOptions): Promise<void> {
  const settings = [...new Map(plan.trials.map((trial) => [trial.setting, trial])).values()];
  log(`${spec.name}: model ${spec.models.join(", ")}; task ${spec.task} ${JSON.stringify(settings[0].parameters)}`);
  for (const trial of settings.slice(0, LISTED)) log(`  ${settingLabel(trial.axes)}`);
  if (settings.length > LISTED) log(`  and ${settings.length - LISTED} more`);
  const excluded = plan.excluded > 0 ? ` (${plan.excluded} excluded)` : "";
  log(`${plan.settings} settings${excluded} x ${spec.seeds.length} seeds = ${plan.trials.length} trials`);
  log(
    `${plan.readings} contexts to read, which is ${(plan.trials.length / plan.readings).toFixed(1)} trials a reading`,
  );
  using device = await Device.open();
  let seconds = 0;
  for (const name of spec.models) {
    let model: Model;
    try {
      model = await loadModel(name, { device });
    } catch (error) {
      log(`no estimate: model ${name} can't be loaded: ${(error as Error).message}`);
      return;
    }
    using _model = model;
    if (spec.models.length > 1) log(`${name}:`);
    const own = settings.filter((trial) => trial.model === name);
    seconds += await estimate(own, spec, plan, { log, model, device });
  }
  log(`about ${duration(seconds)} in all on ${device.info.name}`);
}

/** One setting of each method and length, times how often it runs: seconds of one model's trials. */
async function estimate(
  settings: readonly Trial[],
  spec: SweepSpec,
  plan: SweepPlan,
  { log, model, device }: DryRunOptions & { model: Model; device: Device },
): Promise<number> {
  const groups = Map.groupBy(settings, ({ method, length }) => `${method} at ${length} tokens`);
  const reads = plan.readings / plan.trials.length;
  let seconds = 0;
  for (const [name, members] of groups) {
    let measured: Measured[];
    try {
      measured = await calibrate(members[0], model, device);
    } catch (error) {
      log(`  ${name}: no estimate: ${(error as Error).message}`);
      continue;
    }
    const { readSeconds, answerSeconds, peakBytes } = extrapolate(measured, members[0].length);
    const each = readSeconds * reads + answerSeconds;
    seconds += each * members.length * spec.seeds.length;
    log(
      `  ${name}: ${duration(each)} and ${Math.round(peakBytes / 2 ** 20)} MiB a trial (estimated from ${
        measured.map(({ length }) => length).join(" and ")
      } tokens)`,
    );
  }
  return seconds;
}

/** Runs the setting on contexts that are short enough; the first run warms pipelines up. */
async function calibrate(trial: Trial, model: Model, device: Device): Promise<Measured[]> {
  const lengths = [...new Set(CALIBRATION.map((length) => Math.min(length, trial.length)))];
  const measured: Measured[] = [];
  for (const length of [lengths[0], ...lengths]) {
    const runner = new TrialRunner({
      createSession: (options) => model.createSession(options),
      tokenizer: model.tokenizer,
      memory: device.memory,
    });
    try {
      const knobs = { ...trial.knobs, allowBeyondTrained: true };
      const { result } = await runner.run({ trial: { ...trial, length, knobs }, prefill: "" });
      measured.push({ ...result, length });
    } finally {
      runner.drop();
    }
  }
  return measured.slice(1);
}

/** Time and memory of longer contexts: a straight line through what was measured; reading may cost more, but hardly less. */
function extrapolate(measured: readonly Measured[], length: number): Omit<Measured, "length"> {
  const last = measured.at(-1)!;
  const [first] = measured;
  const line = (value: (at: Measured) => number) => {
    if (first === last) return value(last) * length / last.length;
    const slope = (value(last) - value(first)) / (last.length - first.length);
    return Math.max(value(last), value(last) + slope * (length - last.length));
  };
  return {
    readSeconds: line(({ readSeconds }) => readSeconds),
    answerSeconds: line(({ answerSeconds }) => answerSeconds),
    peakBytes: line(({ peakBytes }) => peakBytes),
  };
}
