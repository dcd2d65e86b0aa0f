/**
 * `deno task evaluate`: puts a benchmark's questions to a model by several attention methods, keeps each answer in the layout
 * of the benchmark's own scripts, and prints their scores side by side. `--help` tells the options.
 */

import { reachOnly } from "./command/network.ts";
import { type CommandRun, runCommand } from "./command/run_command.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { describeMachine } from "./demo/results.ts";
import { type EvaluateArguments, EvaluateArgumentsError, parseEvaluateArguments, USAGE } from "./evaluate/arguments.ts";
import { evaluate } from "./evaluate/evaluate.ts";

async function run(asked: EvaluateArguments, { progress, signal }: CommandRun): Promise<number> {
  await reachOnly([asked.model, ...asked.data]);
  using device = await Device.open();
  using model = await loadModel(asked.model, {
    device,
    weights: asked.weights,
    revision: asked.revision,
    onDownload: ({ file, done, total }) => progress.update(0, `fetching ${file}`, `${done} of ${total} bytes`),
  });
  console.log(`${describeMachine(device)}; ${asked.model}, trained at ${model.config.trainedContext} tokens`);
  return await evaluate(asked, { model, progress, signal }) ? 1 : 0;
}

if (import.meta.main) {
  Deno.exitCode = await runCommand({
    name: "evaluate",
    usage: USAGE,
    parse: parseEvaluateArguments,
    argumentsError: EvaluateArgumentsError,
    run,
    stopped: () => "stopped; the answers so far are kept: the same command goes on from there",
  }, Deno.args);
}
