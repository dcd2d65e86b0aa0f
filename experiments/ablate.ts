/**
 * `deno task ablate`: sweeps over knobs, methods and lengths, kept in one SQLite file that a later run goes on with.
 * `--help` tells the options.
 */

import { ablate, planSweep, type SweepPlan, type SweepSpec, sweepSpecJsonSchema } from "../lib/evaluation/mod.ts";
import { SweepFile, type TrialRecord } from "../lib/evaluation/mod.ts";
import { isTerminal } from "../lib/platform.ts";
import { type AblateArguments, ArgumentsError, parseAblateArguments, USAGE } from "./ablate/arguments.ts";
import { dryRun } from "./ablate/dry_run.ts";
import { readSpec } from "./ablate/spec_file.ts";
import { SweepProgress, trialLabel } from "./ablate/sweep_progress.ts";
import { Progress } from "./demo/progress.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";

/** What shells give for a program ended by Ctrl-C. */
const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  try {
    const asked = parseAblateArguments(args);
    if (asked.help) console.log(USAGE);
    else if (asked.schema) console.log(JSON.stringify(sweepSpecJsonSchema(), null, 1));
    else return await run(asked, args);
    return 0;
  } catch (error) {
    const usage = error instanceof ArgumentsError ? `\n\n${USAGE}` : "";
    console.error(`ablate: ${error instanceof Error ? error.message : error}${usage}`);
    return usage ? 2 : 1;
  }
}

async function run(asked: AblateArguments, args: readonly string[]): Promise<number> {
  nameRuntimeFolder();
  const spec = await readSpec(asked.specPath, asked.changes);
  const plan = await planSweep(spec);
  const out = asked.out ?? `results/${spec.name}.db`;
  if (asked.dryRun) {
    await dryRun(spec, plan, { log: console.log });
    return 0;
  }
  const stop = new AbortController();
  const interrupt = () => stop.signal.aborted ? Deno.exit(INTERRUPTED) : stop.abort(new Error("stopped"));
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
  const progress = new Progress({
    write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
    terminal: isTerminal("stderr"),
    columns: terminalColumns(),
  });
  try {
    return await sweep(spec, plan, { ...asked, out }, progress, stop.signal);
  } catch (error) {
    progress.clear();
    if (!stop.signal.aborted) throw error;
    using file = await SweepFile.read(out);
    const { done, failed } = file.counts();
    console.error(
      `ablate: stopped; ${done + failed} of ${plan.trials.length} trials are in ${out}. The same command goes on:\n` +
        `  deno task ablate ${args.map(quoted).join(" ")}`,
    );
    return INTERRUPTED;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, interrupt);
  }
}

async function sweep(
  spec: SweepSpec,
  plan: SweepPlan,
  { out, extend, retryFailed }: AblateArguments & { out: string },
  bar: Progress,
  signal: AbortSignal,
): Promise<number> {
  // The file tells what other processes did; the sweep itself opens it anew.
  using file = await SweepFile.open(out, spec, plan.trials, { extend });
  if (retryFailed) file.retryFailed();
  const earlier = file.records();
  const progress = new SweepProgress(bar, { name: spec.name, total: plan.trials.length, earlier });
  console.log(
    `${spec.name}: ${plan.settings} settings x ${spec.seeds.length} seeds = ${plan.trials.length} trials, ` +
      `${plan.readings} contexts to read; ${earlier.length} done before; results in ${out}`,
  );
  let looked = performance.now();
  let total = earlier.length;
  const trials = ablate(spec, {
    signal,
    out,
    onProgress: (trial, share, phase) => {
      if (performance.now() - looked > 2000) {
        looked = performance.now();
        const { done, failed } = file.counts();
        total = done + failed;
      }
      progress.update(trial, share, phase, total);
    },
  });
  for await (const record of trials) {
    progress.ended(record);
    bar.clear();
    console.log(trialLine(record, progress.done, plan.trials.length));
  }
  const { done, failed } = file.counts();
  console.log(`${done} trials done, ${failed} failed. deno task report ${out} makes a page of them.`);
  if (failed > 0) console.log("Failed trials run again with --retry-failed.");
  return failed > 0 && done === 0 ? 1 : 0;
}

function trialLine({ trial, result, error }: TrialRecord, done: number, total: number): string {
  const place = `${String(done).padStart(String(total).length)}/${total}`;
  if (!result) return `${place}  failed  ${trialLabel(trial)}: ${error}`;
  const time = `${(result.shared ? 0 : result.readSeconds).toFixed(1)} + ${result.answerSeconds.toFixed(1)} s`;
  return `${place}  ${result.score.toFixed(2)}  ${trialLabel(trial)}  (${time})`;
}

function quoted(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
