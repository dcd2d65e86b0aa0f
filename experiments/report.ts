/** `deno task report`: one page of sweeps or of answers, and tables for other programs. `--help` tells the options. */

import { writeAside } from "../lib/platform.ts";
import { readPlotlySource } from "../lib/viz/mod.ts";
import { answersPage } from "./report/answers_page.ts";
import { ArgumentsError, parseReportArguments, type ReportArguments, USAGE } from "./report/arguments.ts";
import { flatTrial } from "./report/flat.ts";
import { latexTable } from "./report/latex.ts";
import { reported, sweepPage } from "./report/page.ts";
import { isRunFolder, readSource } from "./report/sources.ts";
import { summaryJson } from "./report/summary_file.ts";
import { toCsv, toJsonLines, toParquet } from "./report/tabular.ts";
import { errorText } from "./command/error_text.ts";

/**
 * Whether the results are folders of answers, rather than sweeps' files.
 *
 * @throws {ArgumentsError} where both are asked for at once, or tables that answers don't have.
 */
async function areAnswers({ results, ...asked }: ReportArguments): Promise<boolean> {
  const found = await Promise.all(results.map(async (path) => {
    const info = await Deno.stat(path).catch(() => undefined);
    return info?.isDirectory && !await isRunFolder(path);
  }));
  const folders = found.filter(Boolean).length;
  if (folders === 0) return false;
  if (folders < results.length) throw new ArgumentsError("give folders of answers, or sweeps' files, not both at once");
  const tables = ["jsonl", "csv", "parquet", "latex", "records", "summary"] as const;
  const wanted = tables.find((name) => asked[name] !== undefined);
  if (wanted) throw new ArgumentsError(`--${wanted} is for sweeps; the folder of answers holds its tables itself`);
  return true;
}

async function main(args: readonly string[]): Promise<number> {
  try {
    const asked = parseReportArguments(args);
    if (asked.help) {
      console.log(USAGE);
      return 0;
    }
    if (await areAnswers(asked)) {
      await writeAside(asked.out!, await answersPage(asked.results, await readPlotlySource()));
      console.log(`page: ${asked.out}`);
      return 0;
    }
    const sources = [];
    for (const path of asked.results) sources.push(await readSource(path));
    for (const fault of sources.flatMap(({ faults }) => faults)) console.error(`left out: ${fault}`);
    const sweeps = sources.map(reported);
    const flat = sources.flatMap(({ spec, records }) => records.map((record) => flatTrial(spec.name, record)));
    const write = async (what: string, path: string | undefined, make: () => string | Uint8Array | Promise<string>) => {
      if (path === undefined) return;
      await writeAside(path, await make());
      console.log(`${what}: ${path}`);
    };
    for (const { summary: { spec, uninformative } } of sweeps) {
      if (uninformative) console.log(`${spec.name}: uninformative: ${uninformative}`);
    }
    await write("trials", asked.jsonl, () => toJsonLines(flat));
    await write("table", asked.csv, () => toCsv(flat));
    await write("parquet", asked.parquet, () => toParquet(flat));
    await write("LaTeX", asked.latex, () => sweeps.map(({ summary }) => latexTable(summary)).join("\n"));
    const records = sources.flatMap(({ records }) => records);
    await write("records", asked.records, () => records.map((record) => `${JSON.stringify(record)}\n`).join(""));
    await write("summary", asked.summary, () => summaryJson(sweeps));
    await write("page", asked.out, async () => sweepPage(sweeps, await readPlotlySource()));
    return 0;
  } catch (error) {
    const usage = error instanceof ArgumentsError ? `\n\n${USAGE}` : "";
    console.error(`report: ${errorText(error)}${usage}`);
    return usage ? 2 : 1;
  }
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
