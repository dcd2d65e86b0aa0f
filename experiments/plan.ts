/**
 * `deno task plan`: tells what a run takes before it: memory by kind and tier, whether it fits, what to change, and the time.
 * `--help` tells the options.
 */

import { Device } from "../lib/gpu/mod.ts";
import {
  configOfShape,
  describePlan,
  loadConfig,
  type MeasuredRun,
  measureRun,
  type ModelConfig,
  type PlannedRun,
  planRun,
  type ShapeName,
  shapeNames,
} from "../lib/model/mod.ts";
import { writeAside } from "../lib/platform.ts";
import { ArgumentsError, parsePlanArguments, type PlanArguments, USAGE } from "./plan/arguments.ts";
import { reachOnly } from "./command/network.ts";
import { runToEnd } from "./command/run_to_end.ts";

/** Exit code where the run does not fit. */
const DOES_NOT_FIT = 3;

async function plan(
  { model, keys, values, valuesOn, keysOn, measure, json, ...asked }: PlanArguments,
): Promise<number> {
  await reachOnly([model]);
  const config = await configNamed(model);
  using device = await Device.open();
  const run = { ...asked, device, config, cache: { keyType: keys, valueType: values, valuesOn, keysOn } };
  const made = await planRun(run);
  console.log(describePlan(made));
  const measured = measure && made.fits ? await measureRun(run) : undefined;
  if (measured) console.log(`\n${besidePlan(made, measured)}`);
  if (json !== undefined) {
    await writeAside(json, `${JSON.stringify({ schema: 1, model, ...made, measured }, null, 1)}\n`);
    console.log(`\nplan: ${json}`);
  }
  return made.fits ? 0 : DOES_NOT_FIT;
}

/** What a run took, each beside what was planned. */
function besidePlan({ tiers: [{ total }], time }: PlannedRun, measured: MeasuredRun): string {
  const times = [
    ["to read the context, s", time?.prefillSeconds, measured.prefillSeconds],
    ["a token after it, ms", time && 1000 * time.tokenSeconds, 1000 * measured.tokenSeconds],
    ["most bytes on the device, MiB", total / 2 ** 20, measured.peakBytes / 2 ** 20],
  ] as const;
  const lines = times.map(([what, planned, took]) => {
    const figures = planned === undefined
      ? ["-", took.toFixed(2), "-"]
      : [planned, took, planned / took].map((each) => each.toFixed(2));
    return `${what.padEnd(30)}${figures.map((figure) => figure.padStart(12)).join("")}`;
  });
  return [`${"".padEnd(30)}     planned    measured     ratio`, ...lines].join("\n");
}

async function configNamed(model: string): Promise<ModelConfig> {
  const shape = shapeNames.find((name): name is ShapeName => name === model);
  return shape ? configOfShape(shape) : await loadConfig(model);
}

if (import.meta.main) {
  const asked = { name: "plan", usage: USAGE, parse: parsePlanArguments, argumentsError: ArgumentsError, run: plan };
  Deno.exitCode = await runToEnd(asked, Deno.args);
}
