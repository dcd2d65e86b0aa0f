/**
 * `deno task reproduce`: runs the ReAttention paper's settings of a table for a model with one command, and puts published
 * scores beside its own. `--help` tells the options.
 */

import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { isTerminal } from "../lib/platform.ts";
import { Progress } from "./demo/progress.ts";
import { describeMachine } from "./demo/results.ts";
import { EvaluateArgumentsError } from "./evaluate/arguments.ts";
import { parseReproduceArguments, type ReproduceArguments, USAGE } from "./reproduce/arguments.ts";
import { reproduce } from "./reproduce/reproduce.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";

/** What shells give for a program ended by Ctrl-C. */
const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  let options: ReproduceArguments;
  try {
    options = parseReproduceArguments(args);
  } catch (error) {
    if (!(error instanceof EvaluateArgumentsError)) throw error;
    console.error(`reproduce: ${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  nameRuntimeFolder();
  const stop = new AbortController();
  const interrupt = () => stop.signal.aborted ? Deno.exit(INTERRUPTED) : stop.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  const write = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  const progress = new Progress({ write, terminal: isTerminal("stderr") });
  const { model: name, weights, revision } = options.asked;
  try {
    using device = await Device.open();
    using model = await loadModel(name, {
      device,
      weights,
      revision,
      onDownload: ({ file, done, total }) => progress.update(0, `fetching ${file}`, `${done} of ${total} bytes`),
    });
    console.log(`${describeMachine(device)}; ${name}, trained at ${model.config.trainedContext} tokens`);
    return await reproduce(options, { model, progress, signal: stop.signal }) ? 1 : 0;
  } catch (error) {
    progress.clear();
    if (stop.signal.aborted) {
      console.error("reproduce: stopped; the answers so far are kept: the same command goes on from there");
      return INTERRUPTED;
    }
    console.error(`reproduce: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
