import { parseArgs } from "node:util";

/** What the command was asked for. */
export interface ReportArguments {
  /** Prints the usage and nothing else. */
  help: boolean;
  /** Sweeps' files or folders of their runs, or folders of answers. */
  results: readonly string[];
  /** The page; undefined: beside the first file, unless only other outputs are wanted. */
  out?: string;
  /** One flat object a trial. */
  jsonl?: string;
  /** The same as a table. */
  csv?: string;
  /** The same as Parquet. */
  parquet?: string;
  /** Tables for papers. */
  latex?: string;
  /** Whole records, every answer in them: what this command reads too. */
  records?: string;
  /** Settings with intervals and comparisons, as JSON. */
  summary?: string;
}

/** Arguments that can't be: the message says which and what would be right. */
export class ArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "ArgumentsError";
}

/** What the command takes. */
export const USAGE = `usage: deno task report RESULTS... [options]

Makes one page of sweeps: tables, curves with intervals, comparisons, cost against quality. RESULTS are the .db files of
"deno task ablate", also of sweeps that still run, folders of its runs (results/runs/NAME) or .jsonl files of whole trial
records. Or they are folders of answers by "deno task evaluate", also of runs that go on: scores, averages, heatmaps.

  --out FILE.html      the page (default: beside the first of RESULTS, with its name)
  --jsonl FILE         also writes one flat object a trial, its knobs under "knobs"
  --csv FILE           the same as a table, a column a knob
  --parquet FILE       the same for pandas and DuckDB
  --latex FILE         tables for papers (booktabs), with intervals
  --records FILE.jsonl also writes whole records, every answer in them, which this command reads too
  --summary FILE.json  settings with intervals and comparisons
  --help               prints this`;

/**
 * Reads the command's arguments.
 *
 * @throws {ArgumentsError} saying what is wrong.
 */
export function parseReportArguments(args: readonly string[]): ReportArguments {
  const text = { type: "string" } as const;
  const options = {
    help: { type: "boolean" },
    out: text,
    jsonl: text,
    csv: text,
    parquet: text,
    latex: text,
    records: text,
    summary: text,
  };
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      options: options as typeof options & { help: { type: "boolean" } },
      allowPositionals: true,
    });
  } catch (error) {
    throw new ArgumentsError((error as Error).message);
  }
  const { values, positionals } = parsed;
  const help = values.help === true;
  if (!help && positionals.length === 0) throw new ArgumentsError("give a sweep's file, such as results/sweep.db");
  const { help: _, ...paths } = values;
  for (const [name, path] of Object.entries(paths)) {
    if (path === "") throw new ArgumentsError(`--${name} must name a file, not be empty`);
  }
  const out = paths.out ?? positionals[0]?.replace(/\/+$/, "").replace(/(\.\w+)?$/, ".html");
  return { ...paths, help, results: positionals, ...(out !== undefined && { out }) };
}
