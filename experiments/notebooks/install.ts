/** Where Jupyter came from: Python's packages with JupyterLab, or Debian's with Notebook. */
export type JupyterSource = "pip" | "debian";

/** A Python that has Jupyter. */
export interface InstalledJupyter {
  /** The program. */
  readonly python: string;
  /** Where its packages came from. */
  readonly source: JupyterSource;
}

const REQUIREMENTS = new URL("./requirements.txt", import.meta.url);
const DEBIAN_PACKAGES = ["python3-nbclient", "python3-nbconvert", "python3-jupyter-client", "jupyter-notebook"];
const DEBIAN_PYTHON = "/usr/bin/python3";
/** apt-get waits for another one that holds its lock. */
const APT = ["apt-get", "-o", "DPkg::Lock::Timeout=120"];

/** What has to be importable: what executes, and what shows. */
const NEEDED: Record<JupyterSource, string> = {
  pip: "import nbclient, nbformat, jupyterlab",
  debian: "import nbclient, nbformat, notebook",
};

/**
 * Finds Jupyter, or installs it: with pip into a virtual environment in `home`; where that can't be, Debian's packages,
 * as root.
 *
 * @throws {Error} where neither can be had, saying how to install it.
 */
export async function installedJupyter(home: string, say: (line: string) => void): Promise<InstalledJupyter> {
  const own = `${home}/venv/${Deno.build.os === "windows" ? "Scripts/python.exe" : "bin/python"}`;
  const has = async (python: string, source: JupyterSource) => (await run([python, "-c", NEEDED[source]])).success;
  if (await has(own, "pip")) return { python: own, source: "pip" };
  say(`installing Jupyter with pip into ${home}/venv`);
  const pip = await installWithPip(home, own);
  if (pip.success && await has(own, "pip")) return { python: own, source: "pip" };
  if (await has(DEBIAN_PYTHON, "debian")) return { python: DEBIAN_PYTHON, source: "debian" };
  if (Deno.build.os === "linux" && Deno.uid() === 0 && (await run(["apt-get", "--version"])).success) {
    say("pip has no Jupyter here: installing Debian's packages");
    const apt = await installWithApt();
    if (apt.success && await has(DEBIAN_PYTHON, "debian")) return { python: DEBIAN_PYTHON, source: "debian" };
    throw new Error(`no Jupyter: pip said\n${pip.output}\nand apt-get said\n${apt.output}`);
  }
  throw new Error(
    `no Jupyter: pip said\n${pip.output}\nInstall Python 3.10 or newer with venv and pip, or on Debian and Ubuntu:\n` +
      `  sudo apt-get install ${DEBIAN_PACKAGES.join(" ")}`,
  );
}

async function installWithPip(home: string, own: string): Promise<Ended> {
  const base = Deno.build.os === "windows" ? "python" : "python3";
  const made = await run([base, "-m", "venv", "--clear", `${home}/venv`]);
  if (!made.success) return made;
  const file = decodeURIComponent(REQUIREMENTS.pathname);
  // One try and a short wait: a machine that reaches no index should come to Debian's packages soon.
  const install = [own, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "15", "-r", file];
  const mirrors = await ownIndexes(own);
  if (mirrors.length > 0) {
    // An index that the machine's settings add may be the only one that answers.
    const [first, ...more] = mirrors;
    const only = await run([
      ...install,
      "--index-url",
      first,
      ...more.flatMap((index) => ["--extra-index-url", index]),
    ]);
    if (only.success) return only;
  }
  return await run(install);
}

/** The indexes that pip's settings add to the usual one. */
async function ownIndexes(python: string): Promise<string[]> {
  const named = Deno.env.get("PIP_EXTRA_INDEX_URL");
  const lines = named ?? (await run([python, "-m", "pip", "config", "get", "global.extra-index-url"])).stdout;
  return lines.split(/\s+/).filter((word) => /^[a-z]+:\/\//.test(word));
}

async function installWithApt(): Promise<Ended> {
  const updated = await run([...APT, "update"]);
  return updated.success
    ? await run([...APT, "install", "-y", "--no-install-recommends", ...DEBIAN_PACKAGES])
    : updated;
}

interface Ended {
  readonly success: boolean;
  /** What it wrote to its standard output. */
  readonly stdout: string;
  /** All it wrote. */
  readonly output: string;
}

/** Runs a program to its end; a program that isn't there has failed. */
async function run([program, ...args]: readonly string[]): Promise<Ended> {
  try {
    const env = { DEBIAN_FRONTEND: "noninteractive", PIP_DISABLE_PIP_VERSION_CHECK: "1" };
    const ended = await new Deno.Command(program, { args, env, stdin: "null" }).output();
    const [stdout, stderr] = [ended.stdout, ended.stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
    return { success: ended.success, stdout, output: [stdout, stderr].filter(Boolean).join("\n") };
  } catch (error) {
    return { success: false, stdout: "", output: `cannot run ${program}: ${(error as Error).message}` };
  }
}
