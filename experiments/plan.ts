/**
 * `deno task plan`: tells what a run takes before it: memory by kind and tier, whether it fits, what to change, and the time.
 * `--help` tells the options.
 */

import { Device } from "../lib/gpu/mod.ts";
import {
  configOfShape,
  describePlan,
  loadConfig,
  type ModelConfig,
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

async function plan({ model, keys, values, valuesOn, json, ...asked }: PlanArguments): Promise<number> {
  await reachOnly([model]);
  const config = await configNamed(model);
  using device = await Device.open();
  const made = await planRun({ ...asked, device, config, cache: { keyType: keys, valueType: values, valuesOn } });
  console.log(describePlan(made));
  if (json !== undefined) {
    await writeAside(json, `${JSON.stringify({ schema: 1, model, ...made }, null, 1)}\n`);
    console.log(`\nplan: ${json}`);
  }
  return made.fits ? 0 : DOES_NOT_FIT;
}

async function configNamed(model: string): Promise<ModelConfig> {
  const shape = shapeNames.find((name): name is ShapeName => name === model);
  return shape ? configOfShape(shape) : await loadConfig(model);
}

if (import.meta.main) {
  const asked = { name: "plan", usage: USAGE, parse: parsePlanArguments, argumentsError: ArgumentsError, run: plan };
  Deno.exitCode = await runToEnd(asked, Deno.args);
}
