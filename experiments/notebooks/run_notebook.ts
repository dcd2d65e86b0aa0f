import type { Jupyter } from "./jupyter.ts";
import { type Notebook, readNotebook } from "./notebook_file.ts";
import { type OutputFault, outputFaults } from "./outputs.ts";

/** A notebook was seen to lose outputs now and then: a run with a missing one is made again, up to three times. */
const MOST_RUNS = 3;

/** How a notebook's runs went. */
export interface NotebookRun {
  /** The notebook with the outputs of the last run. */
  readonly notebook: Notebook;
  /** What is wrong with them; empty where all is well. */
  readonly faults: readonly OutputFault[];
  /** How many runs there were; more than one where an output was missing. */
  readonly runs: number;
  /** What was missing in the runs before the last. */
  readonly missed: readonly OutputFault[];
  /** Seconds of the last run's cells together. */
  readonly seconds: number;
  /** Seconds of its slowest cell. */
  readonly slowest: { readonly cell: number; readonly seconds: number };
}

/** What one run needs. */
export interface RunOptions {
  /** Jupyter, ready to run. */
  readonly jupyter: Jupyter;
  /** The notebook. */
  readonly source: string;
  /** Where the executed one is written. */
  readonly target: string;
  /** The most seconds that one cell may take. */
  readonly cellSeconds: number;
  /** Whether each cell runs twice. */
  readonly twice: boolean;
}

/** Executes a notebook, again where an output is missing. */
export async function runNotebook(options: RunOptions): Promise<NotebookRun> {
  const missed: OutputFault[] = [];
  for (let runs = 1;; runs++) {
    const { times, failure } = await execute(options);
    const notebook = await readNotebook(options.target);
    const faults = outputFaults(notebook);
    const late = times.filter((time) => time.late > 0).map(({ cell, late }): OutputFault => {
      return { kind: "missing", text: `cell ${cell}: ${late} outputs sent after its end` };
    });
    const missing = [...faults.filter(({ kind }) => kind === "missing"), ...late];
    const others = faults.filter(({ kind }) => kind !== "missing");
    if (failure && others.length === 0) others.push({ kind: "error", text: failure });
    // After an error the later cells did not run: their figures are not missing, they were never made.
    const final = failure ? others : [...others, ...missing];
    if (others.length > 0 || missing.length === 0 || runs === MOST_RUNS) {
      const seconds = times.reduce((sum, time) => sum + time.seconds, 0);
      const slowest = times.reduce((most, time) => time.seconds > most.seconds ? time : most, { cell: 0, seconds: 0 });
      return { notebook, faults: final, runs, missed, seconds, slowest };
    }
    missed.push(...missing);
  }
}

interface CellTime {
  /** Number among all cells, from 1. */
  readonly cell: number;
  readonly seconds: number;
  /** Outputs that the kernel sent after the cell's end, and that are lost. */
  readonly late: number;
}

const SCRIPT = decodeURIComponent(new URL("./execute.py", import.meta.url).pathname);

async function execute(
  { jupyter: { python, env }, source, target, cellSeconds, twice }: RunOptions,
): Promise<{ times: CellTime[]; failure?: string }> {
  const args = [SCRIPT, source, target, String(cellSeconds), ...(twice ? ["twice"] : [])];
  const command = new Deno.Command(python, { args, env: { ...env }, stdin: "null" });
  const { success, stdout, stderr } = await command.output();
  const [told, said] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
  const times = told.split("\n").filter((line) => line.startsWith("{")).map((line) => {
    const { cell, seconds, late } = JSON.parse(line) as CellTime;
    return { cell: cell + 1, seconds, late };
  });
  return success ? { times } : { times, failure: said || "Jupyter ended without a word" };
}
