/**
 * `deno task ablate`: sweeps over knobs, methods and lengths, kept in one SQLite file that a later run goes on with; by this
 * process, by several, or by a cluster. `--help` tells the options.
 */

import { planSweep, sweepSpecJsonSchema } from "../lib/evaluation/mod.ts";
import { type AblateArguments, ArgumentsError, parseAblateArguments, USAGE } from "./ablate/arguments.ts";
import { dryRun } from "./ablate/dry_run.ts";
import { isRunAction, parseRunArguments, type RunArguments } from "./ablate/runs/arguments.ts";
import { runCommandOf } from "./ablate/runs/commands.ts";
import type { RunContext } from "./ablate/runs/go_on.ts";
import { startRun } from "./ablate/runs/start_run.ts";
import { readSpec } from "./ablate/spec_file.ts";
import { StoppedSweepError, sweepHere } from "./ablate/sweep_here.ts";
import type { Progress } from "./command/progress.ts";
import { reachOnly } from "./command/network.ts";
import { INTERRUPTED, terminalProgress } from "./command/run_command.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";
import { errorText } from "./command/error_text.ts";

async function main([first, ...rest]: readonly string[]): Promise<number> {
  try {
    if (isRunAction(first) && !rest.includes("--help")) return await onRun(parseRunArguments([first, ...rest]));
    const args = first === undefined ? [] : [first, ...rest];
    const asked = parseAblateArguments(isRunAction(first) ? rest : args);
    if (asked.help) console.log(USAGE);
    else if (asked.schema) console.log(JSON.stringify(sweepSpecJsonSchema(), null, 1));
    else return await run(asked, args);
    return 0;
  } catch (error) {
    const usage = error instanceof ArgumentsError ? `\n\n${USAGE}` : "";
    console.error(`ablate: ${errorText(error)}${usage}`);
    return usage ? 2 : 1;
  }
}

async function run(asked: AblateArguments, args: readonly string[]): Promise<number> {
  nameRuntimeFolder();
  const spec = await readSpec(asked.specPath, asked.changes);
  await reachOnly(spec.models);
  const plan = await planSweep(spec);
  const out = asked.out ?? `results/${spec.name}.db`;
  if (asked.dryRun) {
    await dryRun(spec, plan, { log: console.log });
    return 0;
  }
  const { choice, tasks, readings } = asked;
  if (!choice) {
    const again = `deno task ablate ${args.map(quoted).join(" ")}`;
    return await interruptible(({ signal }, bar) => sweepHere(spec, plan, { ...asked, out, again }, bar, signal));
  }
  const path = asked.run ?? `results/runs/${spec.name}`;
  return await interruptible(
    (stop, bar) => startRun(spec, plan, { choice, path, out, tasks, readings }, contextOf(stop, bar)),
    `what ended is kept; it goes on with:\n  deno task ablate resume ${quoted(path)}`,
  );
}

async function onRun(asked: RunArguments): Promise<number> {
  nameRuntimeFolder();
  const again = `what ended is kept; it goes on with:\n  deno task ablate resume ${quoted(asked.path)}`;
  return await interruptible((stop, bar) => runCommandOf(asked, stop, contextOf(stop, bar)), again);
}

function contextOf({ signal }: AbortController, bar: Progress): RunContext {
  const log = (line: string) => {
    bar.clear();
    console.log(line);
  };
  return { signal, log, show: (share, words) => bar.update(share, "ablate", words) };
}

/** Runs `act` so that Ctrl-C, and what Slurm and systems that shut down send, end it in order. */
async function interruptible(
  act: (stop: AbortController, bar: Progress) => Promise<number>,
  advice?: string,
): Promise<number> {
  const stop = new AbortController();
  const interrupt = () => stop.signal.aborted ? Deno.exit(INTERRUPTED) : stop.abort(new Error("stopped"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
  const bar = terminalProgress();
  try {
    return await act(stop, bar);
  } catch (error) {
    bar.clear();
    if (!stop.signal.aborted) throw error;
    console.error(`ablate: ${error instanceof StoppedSweepError ? error.message : `stopped; ${advice}`}`);
    return INTERRUPTED;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, interrupt);
  }
}

function quoted(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
