/**
 * `deno task notebooks`: executes the notebooks with Jupyter and Deno's kernel, and fails where a cell fails or a figure is
 * missing. `--help` tells the options.
 */

import { parseNotebooksArguments, USAGE } from "./notebooks/arguments.ts";
import { prepareJupyter } from "./notebooks/jupyter.ts";
import { writeNotebook } from "./notebooks/notebook_file.ts";
import { storedNotebook } from "./notebooks/outputs.ts";
import { type NotebookRun, runNotebook } from "./notebooks/run_notebook.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";
import { errorText } from "./command/error_text.ts";

const SOURCE = "notebooks";
const TARGET = "results/notebooks";

async function notebookNames(only: string | undefined): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(SOURCE)) if (name.endsWith(".ipynb")) names.push(name);
  const chosen = names.sort().filter((name) => name.includes(only ?? ""));
  if (chosen.length > 0) return chosen;
  throw new TypeError(`--only "${only}" names none of the notebooks: ${names.join(", ")}`);
}

function summary({ runs, missed, seconds, slowest, notebook }: NotebookRun): string {
  const code = notebook.cells.filter(({ cell_type }) => cell_type === "code").length;
  const again = runs > 1 ? `; run ${runs} times, missing before: ${missed.map(({ text }) => text).join(", ")}` : "";
  return `${code} cells, ${seconds.toFixed(0)} s, slowest cell ${slowest.cell}: ${
    slowest.seconds.toFixed(1)
  } s${again}`;
}

async function main(args: readonly string[]): Promise<number> {
  let asked: ReturnType<typeof parseNotebooksArguments>;
  let names: string[];
  try {
    asked = parseNotebooksArguments(args);
    if (asked.help) {
      console.log(USAGE);
      return 0;
    }
    names = await notebookNames(asked.only);
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  nameRuntimeFolder();
  const jupyter = await prepareJupyter((line) => console.error(line));
  await Deno.mkdir(TARGET, { recursive: true });
  const { cellSeconds, twice } = asked;
  let failed = 0;
  let again = 0;
  for (const name of names) {
    const source = `${SOURCE}/${name}`;
    const run = await runNotebook({ jupyter, source, target: `${TARGET}/${name}`, cellSeconds, twice });
    again += run.runs - 1;
    if (run.faults.length > 0) failed++;
    console.log(`${run.faults.length > 0 ? "FAILED" : "ok"} ${name}: ${summary(run)}`);
    for (const { text } of run.faults) console.log(`  ${text}`);
    if (asked.write && run.faults.length === 0) await writeNotebook(source, storedNotebook(run.notebook));
  }
  console.log(
    `${names.length - failed} of ${names.length} notebooks executed; ${again} runs again for a missing output`,
  );
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    console.error(errorText(error));
    Deno.exitCode = 1;
  }
}
