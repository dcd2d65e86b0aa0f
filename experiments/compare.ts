/**
 * `deno task compare`: sets the attention methods side by side on the embedded model, prints a table and writes a page. `--help`
 * tells the options.
 */

import { runCommand } from "./command/run_command.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { fileExists, isTerminal, readText, writeAside } from "../lib/platform.ts";
import { readPlotlySource } from "../lib/viz/page/plotly_source.ts";
import { ArgumentsError, type CompareArguments, parseCompareArguments, USAGE } from "./compare/arguments.ts";
import { Bench } from "./compare/measure.ts";
import { comparePage } from "./compare/page.ts";
import { planJobs } from "./compare/plan.ts";
import { recordMarkdown, reportedRows } from "./compare/record.ts";
import { type CompareRow, isWhole, keyOf, parseRows } from "./compare/rows.ts";
import { runJobs } from "./compare/run.ts";
import { remarks, tableHead, tableLine } from "./compare/table.ts";
import { describeMachine, today } from "./demo/results.ts";

async function compare(asked: CompareArguments, signal: AbortSignal): Promise<void> {
  const { json, out, seed } = asked;
  const kept = json !== undefined && await fileExists(json) ? parseRows(json, await readText(json)) : [];
  using device = await Device.open();
  using model = await loadModel("demo", { device });
  const machine = describeMachine(device);
  const jobs = planJobs(asked, device.info.software);
  console.log(`${machine}; ${jobs.length} rows; seed ${seed}\n\n${tableHead()}`);
  const all = new Map(kept.map((row) => [keyOf(row), row]));
  const asks = (row: CompareRow) =>
    row.seed === seed &&
    jobs.some(({ contestant, length, variant, haystacks }) =>
      row.method === contestant.label && row.length === length && row.variant === variant && row.haystacks === haystacks
    );
  // What an earlier run measured of this one's rows stands in the table too.
  for (const row of reportedRows(kept).filter(asks)) console.log(tableLine(row));
  const rows = await runJobs(new Bench(model, device, { timed: !asked.untimed, signal }), jobs, {
    seed,
    machine,
    date: today(),
    known: kept,
    onStart: ({ contestant, length }, done, total) => {
      if (isTerminal("stderr")) console.error(`[${done + 1} of ${total}] ${contestant.label}, ${length} tokens`);
    },
    onRow: async (row: CompareRow) => {
      if (row.part === "reported" && isWhole(row)) console.log(tableLine(row));
      all.set(keyOf(row), row);
      if (json !== undefined) await writeAside(json, `${JSON.stringify([...all.values()], null, 1)}\n`);
    },
  });
  console.log(`\n${remarks.join("\n")}\n`);
  if (json !== undefined) console.log(`rows: ${json}`);
  // Rows may come in pieces: where they are kept, the page shows all of them.
  const shown = json === undefined ? rows : [...all.values()];
  const page = comparePage({ rows: shown, machine, date: today(), plotlySource: await readPlotlySource() });
  const report = `${out.replace(/\/+$/, "")}/report.html`;
  await writeAside(report, page);
  console.log(`page: ${report}`);
}

/** Writes what a file of rows holds beside it, as Markdown. */
async function report(json: string): Promise<void> {
  const file = `${json.replace(/\.json$/, "")}.md`;
  await writeAside(file, recordMarkdown(parseRows(json, await readText(json))));
  console.log(`table: ${file}`);
}

if (import.meta.main) {
  Deno.exitCode = await runCommand({
    name: "compare",
    usage: USAGE,
    parse: parseCompareArguments,
    argumentsError: ArgumentsError,
    run: (asked, { signal }) => asked.report !== undefined ? report(asked.report) : compare(asked, signal),
    stopped: ({ json }) => json ? `stopped; ${json} has what was measured` : "stopped",
  }, Deno.args);
}
