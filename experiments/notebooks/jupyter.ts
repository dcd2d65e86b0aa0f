import { installedJupyter, type JupyterSource } from "./install.ts";

/** Jupyter with Deno's kernel, ready to run. */
export interface Jupyter {
  /** The Python that has it. */
  readonly python: string;
  /** Environment of every program of it: its settings, kernels and running servers stay in a folder of its own. */
  readonly env: Readonly<Record<string, string>>;
  /** Where it came from. */
  readonly source: JupyterSource;
}

const HOME = "results/jupyter";

/**
 * Sets up Jupyter and Deno's kernel in results/jupyter, where they aren't yet. Nothing else of the user's Jupyter is read
 * or changed.
 *
 * @param say takes lines that tell what is being installed
 * @throws {Error} where Jupyter can't be had, saying how to install it.
 */
export async function prepareJupyter(say: (line: string) => void): Promise<Jupyter> {
  const home = `${Deno.cwd()}/${HOME}`;
  await Deno.mkdir(home, { recursive: true });
  const { python, source } = await installedJupyter(home, say);
  await writeKernel(`${home}/data/kernels/deno`);
  const env = {
    JUPYTER_DATA_DIR: `${home}/data`,
    JUPYTER_CONFIG_DIR: `${home}/config`,
    JUPYTER_RUNTIME_DIR: `${home}/runtime`,
    JUPYTERLAB_SETTINGS_DIR: `${home}/lab/settings`,
    JUPYTERLAB_WORKSPACES_DIR: `${home}/lab/workspaces`,
    IPYTHONDIR: `${home}/ipython`,
  };
  return { python, source, env };
}

/** The kernel's description, as `deno jupyter --install` writes it, which knows no other folder than the user's own. */
async function writeKernel(folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const kernel = {
    argv: [Deno.execPath(), "jupyter", "--kernel", "--conn", "{connection_file}"],
    display_name: "Deno",
    language: "typescript",
    // Graphics drivers want a folder named there, the kernel wants no look for a newer Deno.
    env: { XDG_RUNTIME_DIR: Deno.env.get("XDG_RUNTIME_DIR") ?? Deno.cwd(), DENO_NO_UPDATE_CHECK: "1" },
  };
  await Deno.writeTextFile(`${folder}/kernel.json`, `${JSON.stringify(kernel, null, 2)}\n`);
}
