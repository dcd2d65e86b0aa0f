/**
 * `deno task demo`: hides needles in contexts of up to 256 times the length that the embedded model was trained with, lets
 * each attention method look for them, prints a table and writes a page. `--help` tells the options.
 */

import { reachOnly } from "./command/network.ts";
import { type CommandRun, runCommand } from "./command/run_command.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { ArgumentsError, type DemoArguments, parseDemoArguments, USAGE } from "./demo/arguments.ts";
import { ownDemo } from "./demo/own_demo.ts";
import { demoPage } from "./demo/page.ts";
import { planJobs } from "./demo/plan.ts";
import { readPlotlySource } from "../lib/viz/page/plotly_source.ts";
import { runJobs } from "./demo/run.ts";
import { tableHead, tableLine, tableNotes } from "./demo/table.ts";
import { jobsProgress } from "./demo/jobs_progress.ts";
import { describeMachine, today, writeResults } from "./demo/results.ts";

async function demo(asked: DemoArguments, { progress, signal }: CommandRun): Promise<number> {
  await reachOnly([asked.model]);
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

if (import.meta.main) {
  Deno.exitCode = await runCommand({
    name: "demo",
    usage: USAGE,
    parse: parseDemoArguments,
    argumentsError: ArgumentsError,
    run: demo,
    stopped: () => "stopped; no file was written",
  }, Deno.args);
}
