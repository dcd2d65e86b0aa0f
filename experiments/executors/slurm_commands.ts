import { PlatformError, runCommand } from "../../lib/platform.ts";

/** A task of an array as squeue lists it. */
export interface QueuedTask {
  /** The array's job number. */
  readonly job: string;
  /** The task's number in it. */
  readonly task: number;
  /** Slurm's word: PENDING, RUNNING, COMPLETING and so on. */
  readonly state: string;
  /** Why it waits. */
  readonly reason: string;
  /** Where it runs. */
  readonly nodes: string;
}

const HOW_TO_GET =
  "--executor slurm needs Slurm's commands and a cluster that they reach: run this on the cluster's login " +
  "node, or install them (Debian and Ubuntu: apt-get install slurm-client) with the cluster's slurm.conf and munge key. " +
  "Without a cluster, --executor local:4 runs the same tasks by processes of this machine";

async function slurm(command: string, args: readonly string[]): Promise<string> {
  let result;
  try {
    result = await runCommand(command, args);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    throw new Error(`Slurm is not installed here: there is no ${command}. ${HOW_TO_GET}`, { cause: error });
  }
  const { code, stdout, stderr } = result;
  if (code === 0) return stdout;
  throw new Error(`${command} failed (code ${code}): ${stderr.trim() || stdout.trim() || "it said nothing"}`);
}

/** Most tasks that an array of this cluster can have. */
export async function mostArrayTasks(): Promise<number> {
  const config = await slurm("scontrol", ["show", "config"]);
  return Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(config)?.[1] ?? 1001);
}

/** Asks whether a job with these options would be taken. */
export async function trySubmit(args: readonly string[]): Promise<void> {
  await slurm("sbatch", ["--test-only", ...args, "--wrap=true"]);
}

/** Submits a script; the job's number. */
export async function submit(args: readonly string[]): Promise<string> {
  // "job" or "job;cluster"
  return (await slurm("sbatch", ["--parsable", ...args])).trim().split(";")[0];
}

/** Tasks of a name's jobs that have not ended. */
export async function queued(jobName: string): Promise<QueuedTask[]> {
  const text = await slurm("squeue", ["--noheader", "--array", `--name=${jobName}`, "--format=%F|%K|%T|%N|%r"]);
  return text.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [job, task, state, nodes, reason] = line.trim().split("|");
    return { job, task: Number(task), state, nodes, reason };
  });
}

/** Ends jobs: those that run get SIGTERM, and time to end by themselves. */
export async function cancelJobs(jobs: readonly string[]): Promise<void> {
  if (jobs.length > 0) await slurm("scancel", jobs);
}
