import { assert } from "@std/assert";
import { startScript } from "../run_script.ts";
import { SweepFile, taskFolder, type TrialRecord } from "../../../lib/evaluation/mod.ts";

export { ended } from "../run_script.ts";

/** Starts the command in a folder. */
export function start(cwd: string, args: readonly string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return startScript("ablate", args, { cwd, env });
}

/** Waits until something holds; fails with `what` after two and a half minutes. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 150_000;
  while (!await holds()) {
    assert(Date.now() < end, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Records of a run's task so far, as lines. */
export function recordLines(run: string, task: number): string[] {
  const folder = taskFolder(run, task);
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith("records."));
  return names.flatMap((name) => Deno.readTextFileSync(`${folder}/${name}`).split("\n").slice(0, -1));
}

/** What must be the same wherever and in whatever order trials run: all but time, memory and who shared a reading. */
export async function outcomes(path: string): Promise<unknown[]> {
  using file = await SweepFile.read(path);
  return file.records().map(({ trial, status, error, result }: TrialRecord) => {
    const { metric, score, questions, tokens, scope } = result ?? {} as Partial<NonNullable<TrialRecord["result"]>>;
    return { trial, status, error, metric, score, questions, tokens, scope };
  });
}

/** Processes that another one started. */
export function childrenOf(pid: number): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((id) => {
    try {
      return id > 0 &&
        Number(Deno.readTextFileSync(`/proc/${id}/stat`).replace(/^.*\)/s, "").trim().split(" ")[1]) === pid;
    } catch {
      return false;
    }
  });
}

/** Whether a process is there. */
export function lives(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** Runs `act` with a folder of its own. */
export async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
