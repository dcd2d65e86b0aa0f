/**
 * `deno task needle --length 1M`: hides needles in one context of up to millions of tokens, reads it once and asks for each of
 * them, with the embedded model. `--help` tells the options.
 */

import { reachOnly } from "./command/network.ts";
import { type CommandRun, runCommand } from "./command/run_command.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { writeAside } from "../lib/platform.ts";
import { saveFigure } from "../lib/viz/mod.ts";
import { describeMachine, today } from "./demo/results.ts";
import { tableHead, tableLine } from "./demo/table.ts";
import { type NeedleArguments, NeedleArgumentsError, parseNeedleArguments, USAGE } from "./needle/arguments.ts";
import { detailLine } from "./needle/detail_line.ts";
import { needleFigure, readRows } from "./needle/figure.ts";
import { poolRows } from "./needle/pool.ts";
import { type NeedleRow, needleRow } from "./needle/run.ts";

async function needle(asked: NeedleArguments, run: CommandRun): Promise<void> {
  const rows = asked.lengths.length > 0 ? await measure(asked, run) : [];
  if (asked.figure !== undefined) await draw(asked.figure, asked.draw, rows);
}

async function measure(asked: NeedleArguments, { progress, signal }: CommandRun): Promise<NeedleRow[]> {
  await reachOnly([asked.model]);
  using device = await Device.open();
  using model = await loadModel(asked.model, { device });
  const machine = describeMachine(device);
  console.log(
    `${machine}; model trained at ${model.config.trainedContext} tokens; seed ${asked.seed}\n\n${tableHead()}`,
  );
  const made = { machine, date: today(), model: asked.model };
  const rows: (NeedleRow & typeof made)[] = [];
  for (const length of asked.lengths) {
    for (const method of asked.methods) {
      const row = await needleRow(model, device, { length, method, asked }, {
        signal,
        onProgress: ({ haystack, phase, done, total }) =>
          progress.update(done / total, `${method} at ${length}`, `${phase} ${haystack + 1} of ${asked.haystacks}`),
      });
      progress.clear();
      rows.push({ ...row, ...made });
      console.log(`${tableLine(row)}\n${detailLine(row)}`);
      if (asked.json !== undefined) await writeAside(asked.json, `${JSON.stringify(rows, null, 1)}\n`);
    }
  }
  if (asked.json !== undefined) console.log(`\nrows: ${asked.json}`);
  return rows;
}

async function draw(figure: string, files: readonly string[], rows: readonly NeedleRow[]): Promise<void> {
  const earlier = await Promise.all(files.map(readRows));
  const pooled = poolRows([...earlier.flat(), ...rows]);
  if (files.length > 0) console.log(`\n${tableHead()}\n${pooled.map(tableLine).join("\n")}`);
  await saveFigure(needleFigure(pooled), figure, "Needles found in long contexts");
  console.log(`figure: ${figure}`);
}

if (import.meta.main) {
  Deno.exitCode = await runCommand({
    name: "needle",
    usage: USAGE,
    parse: parseNeedleArguments,
    argumentsError: NeedleArgumentsError,
    run: needle,
    stopped: () => "stopped",
  }, Deno.args);
}
