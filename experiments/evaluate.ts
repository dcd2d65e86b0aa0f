/**
 * `deno task evaluate`: puts a benchmark's questions to a model by several attention methods, keeps each answer in the layout
 * of the benchmark's own scripts, and prints their scores side by side. `--help` tells the options.
 */

import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { isTerminal } from "../lib/platform.ts";
import { Progress } from "./demo/progress.ts";
import { describeMachine } from "./demo/results.ts";
import { type EvaluateArguments, EvaluateArgumentsError, parseEvaluateArguments, USAGE } from "./evaluate/arguments.ts";
import { evaluate } from "./evaluate/evaluate.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";

/** What shells give for a program ended by Ctrl-C. */
const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  let asked: EvaluateArguments;
  try {
    asked = parseEvaluateArguments(args);
  } catch (error) {
    if (!(error instanceof EvaluateArgumentsError)) throw error;
    console.error(`evaluate: ${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (asked.help) {
    console.log(USAGE);
    return 0;
  }
  nameRuntimeFolder();
  const stop = new AbortController();
  const interrupt = () => stop.signal.aborted ? Deno.exit(INTERRUPTED) : stop.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  const progress = new Progress({ write, terminal: isTerminal("stderr") });
  try {
    using device = await Device.open();
    using model = await loadModel(asked.model, {
      device,
      weights: asked.weights,
      revision: asked.revision,
      onDownload: ({ file, done, total }) => progress.update(0, `fetching ${file}`, `${done} of ${total} bytes`),
    });
    console.log(`${describeMachine(device)}; ${asked.model}, trained at ${model.config.trainedContext} tokens`);
    const failed = await evaluate(asked, { model, progress, signal: stop.signal });
    return failed ? 1 : 0;
  } catch (error) {
    progress.clear();
    if (stop.signal.aborted) {
      console.error("evaluate: stopped; the answers so far are kept: the same command goes on from there");
      return INTERRUPTED;
    }
    console.error(`evaluate: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
