/**
 * `deno task evaluate`: puts a benchmark's questions to a model by several attention methods, keeps each answer in the layout
 * of the benchmark's own scripts, and prints their scores side by side; by this process, by several, or by a cluster. `--help`
 * tells the options.
 */

import { reachOnly } from "./command/network.ts";
import { type CommandRun, runCommand } from "./command/run_command.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { describeMachine } from "./demo/results.ts";
import { type EvaluateArguments, EvaluateArgumentsError, parseEvaluateArguments, USAGE } from "./evaluate/arguments.ts";
import { type EvaluateCommand, parseEvaluateCommand } from "./evaluate/command.ts";
import { answerOnly, evaluate } from "./evaluate/evaluate.ts";
import type { EvaluateOn } from "./evaluate/evaluate_on.ts";
import { keepSettings } from "./evaluate/settings.ts";
import {
  cancelOnCluster,
  collectFromCluster,
  resumeOnCluster,
  startOnCluster,
  statusOnCluster,
} from "./evaluate/spread/cluster.ts";
import { answerHere } from "./evaluate/spread/local.ts";
import { readPlan } from "./evaluate/spread/plan.ts";
import { answerPart } from "./evaluate/spread/work.ts";

const log = (line: string) => console.log(line);

/** Loads the model that was asked for, and does something with it. */
async function onModel<Result>(
  asked: EvaluateArguments,
  { progress, signal }: CommandRun,
  act: (on: EvaluateOn) => Promise<Result>,
): Promise<Result> {
  await reachOnly([asked.model, ...asked.data]);
  using device = await Device.open();
  using model = await loadModel(asked.model, {
    device,
    weights: asked.weights,
    revision: asked.revision,
    onDownload: ({ file, done, total }) => progress.update(0, `fetching ${file}`, `${done} of ${total} bytes`),
  });
  console.log(`${describeMachine(device)}; ${asked.model}, trained at ${model.config.trainedContext} tokens`);
  return await act({ model, progress, signal });
}

async function begin(asked: EvaluateArguments, run: CommandRun): Promise<number> {
  const { spread, args, out } = asked;
  if (spread?.executor === "slurm") {
    await keepSettings(asked);
    const { parts, options } = spread;
    await startOnCluster({ out, parts, options, args, log });
    return 0;
  }
  if (spread) {
    await keepSettings(asked);
    await answerHere(args, { workers: spread.workers, out, log, signal: run.signal });
  }
  return await onModel(asked, run, (on) => evaluate(asked, on)) ? 1 : 0;
}

async function work(out: string, part: number, retryFailed: boolean, run: CommandRun): Promise<void> {
  const { args, parts } = await readPlan(out);
  if (part >= parts) throw new RangeError(`there is no part ${part} in ${out}: its parts are 0 to ${parts - 1}`);
  const asked = { ...parseEvaluateArguments(args), retryFailed };
  await onModel(asked, run, (on) => answerPart(asked, { out, part, parts }, on));
}

async function run(command: EvaluateCommand, context: CommandRun): Promise<number> {
  switch (command.action) {
    case "evaluate":
      return await begin(command.asked, context);
    case "answer":
      await onModel(command.asked, context, (on) => answerOnly(command.asked, on));
      return 0;
    case "status":
      await statusOnCluster(command.out, log);
      return 0;
    case "cancel":
      await cancelOnCluster(command.out, log);
      return 0;
    case "resume":
      await resumeOnCluster(command.out, { retryFailed: command.retryFailed, log });
      return 0;
    case "collect":
      await collectFromCluster(command.out, log);
      return 0;
    case "work":
      await work(command.out, command.part, command.retryFailed, context);
      return 0;
  }
}

if (import.meta.main) {
  Deno.exitCode = await runCommand({
    name: "evaluate",
    usage: USAGE,
    parse: parseEvaluateCommand,
    argumentsError: EvaluateArgumentsError,
    run,
    stopped: () => "stopped; the answers so far are kept: the same command goes on from there",
  }, Deno.args);
}
