/**
 * `deno task demo`: hides needles in contexts of up to 256 times the length that the embedded model was trained with, lets
 * each attention method look for them, prints a table and writes a page. `--help` tells the options.
 */

import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { isTerminal } from "../lib/platform.ts";
import { ArgumentsError, type DemoArguments, parseDemoArguments, USAGE } from "./demo/arguments.ts";
import { ownDemo } from "./demo/own_demo.ts";
import { demoPage } from "./demo/page.ts";
import { planJobs } from "./demo/plan.ts";
import { readPlotlySource } from "../lib/viz/plotly_source.ts";
import { Progress } from "./demo/progress.ts";
import { runJobs } from "./demo/run.ts";
import { tableHead, tableLine, tableNotes } from "./demo/table.ts";
import { jobsProgress } from "./demo/jobs_progress.ts";
import { describeMachine, today, writeResults } from "./demo/results.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";

/** What shells give for a program ended by Ctrl-C. */
const INTERRUPTED = 130;

async function main(args: readonly string[]): Promise<number> {
  let parsed: DemoArguments;
  try {
    parsed = parseDemoArguments(args);
  } catch (error) {
    if (!(error instanceof ArgumentsError)) throw error;
    console.error(`demo: ${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (parsed.help) {
    console.log(USAGE);
    return 0;
  }
  nameRuntimeFolder();
  const stop = new AbortController();
  const interrupt = () => stop.signal.aborted ? Deno.exit(INTERRUPTED) : stop.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  const progress = new Progress({
    write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
    terminal: isTerminal("stderr"),
    columns: terminalColumns(),
  });
  try {
    return await demo(parsed, progress, stop.signal);
  } catch (error) {
    progress.clear();
    if (stop.signal.aborted) {
      console.error("demo: stopped; no file was written");
      return INTERRUPTED;
    }
    console.error(`demo: ${error instanceof Error ? error.message : error}`);
    return 1;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
  }
}

async function demo(asked: DemoArguments, progress: Progress, signal: AbortSignal): Promise<number> {
  using device = await Device.open();
  using model = await loadModel(asked.model, { device });
  if (asked.own) return await ownDemo(asked, asked.own, { model, device, progress, signal });
  const { trainedContext } = model.config;
  const jobs = planJobs(asked, { trainedContext, software: device.info.software });
  const machine = describeMachine(device);
  console.log(`${machine}; model trained at ${trainedContext} tokens; seed ${asked.seed}\n\n${tableHead()}`);
  const { rows, picture } = await runJobs(model, device.memory, jobs, {
    seed: asked.seed,
    signal,
    onProgress: jobsProgress(jobs, progress),
    onRow: (row) => {
      progress.clear();
      console.log(tableLine(row));
    },
  });
  console.log(`\n${tableNotes(rows, trainedContext).join("\n")}\n`);
  const page = demoPage({
    rows,
    picture,
    trainedContext,
    machine,
    date: today(),
    plotlySource: await readPlotlySource(),
  });
  signal.throwIfAborted();
  const made = { machine, date: today(), model: asked.model };
  await writeResults(asked, page, rows.map((row) => ({ ...row, ...made })));
  return 0;
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
