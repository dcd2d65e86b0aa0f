/**
 * `deno task reproduce`: runs the ReAttention paper's settings of a table for a model with one command, and puts published
 * scores beside its own. `--help` tells the options.
 */

import { reachOnly } from "./command/network.ts";
import { type CommandRun, runCommand } from "./command/run_command.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { describeMachine } from "./demo/results.ts";
import { EvaluateArgumentsError } from "./evaluate/arguments.ts";
import { parseReproduceArguments, type ReproduceArguments, USAGE } from "./reproduce/arguments.ts";
import { reproduce } from "./reproduce/reproduce.ts";

async function run(options: ReproduceArguments, { progress, signal }: CommandRun): Promise<number> {
  const { model: name, weights, revision } = options.asked;
  await reachOnly([name, ...options.asked.data]);
  using device = await Device.open();
  using model = await loadModel(name, {
    device,
    weights,
    revision,
    onDownload: ({ file, done, total }) => progress.update(0, `fetching ${file}`, `${done} of ${total} bytes`),
  });
  console.log(`${describeMachine(device)}; ${name}, trained at ${model.config.trainedContext} tokens`);
  return await reproduce(options, { model, progress, signal }) ? 1 : 0;
}

if (import.meta.main) {
  Deno.exitCode = await runCommand({
    name: "reproduce",
    usage: USAGE,
    parse: parseReproduceArguments,
    argumentsError: EvaluateArgumentsError,
    run,
    stopped: () => "stopped; the answers so far are kept: the same command goes on from there",
  }, Deno.args);
}
