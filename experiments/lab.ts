/**
 * `deno task lab`: starts JupyterLab on the notebooks, with Deno's kernel; Debian's Notebook where pip has no JupyterLab.
 * What stands behind the task's name goes to it as it is.
 */

import { prepareJupyter } from "./notebooks/jupyter.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";
import { errorText } from "./command/error_text.ts";

const USAGE = `usage: deno task lab [options of JupyterLab]

Starts JupyterLab on the notebooks, in results/jupyter, where it is set up with Deno's kernel. Without a browser on this
machine: deno task lab --no-browser --ip=127.0.0.1 --port=8888`;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  nameRuntimeFolder();
  const { python, env, source } = await prepareJupyter((line) => console.error(line));
  const program = source === "pip" ? "jupyterlab" : "notebook";
  if (source === "debian") console.error("pip has no JupyterLab here: starting Debian's Notebook");
  // The whole clone is the root: the notebooks import the toolkit from the folder above theirs.
  const place = source === "pip"
    ? ["--LabApp.default_url=/lab/tree/notebooks"]
    : ["--NotebookApp.default_url=/tree/notebooks"];
  const root = Deno.build.os !== "windows" && Deno.uid() === 0 ? ["--allow-root"] : [];
  const command = new Deno.Command(python, { args: ["-m", program, ...place, ...root, ...args], env: { ...env } });
  const child = command.spawn();
  // Jupyter itself asks whether it should stop.
  Deno.addSignalListener("SIGINT", () => {});
  return (await child.status).code;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    console.error(errorText(error));
    Deno.exitCode = 1;
  }
}
