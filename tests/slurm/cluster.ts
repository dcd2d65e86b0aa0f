/**
 * A Slurm cluster on this machine: the real daemons of Debian's slurm-wlm and munge, with several nodes that are one process
 * each (`slurmd -N`), all files in a temporary folder and on ports that were free.
 */

import { until } from "../experiments/ablate/command.ts";

/** Programs of the packages slurm-wlm and munge. */
const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol"];
const FOLDERS = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];

/** The programs that are missing here. */
export function missingPrograms(): string[] {
  return PROGRAMS.filter((program) => pathOf(program) === undefined);
}

function pathOf(program: string): string | undefined {
  return FOLDERS.map((folder) => `${folder}/${program}`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const ports = listeners.map(({ addr }) => (addr as Deno.NetAddr).port);
  for (const listener of listeners) listener.close();
  return ports;
}

/** What `slurm.conf` says. Seconds are as few as Slurm takes: a node that is gone is to be missed soon. */
function configOf(folder: string, nodes: readonly string[]): string {
  const [controller, ...ports] = freePorts(nodes.length + 1);
  const host = Deno.hostname();
  const user = Deno.uid() === 0 ? "root" : Deno.env.get("USER");
  return [
    "ClusterName=simulated",
    `SlurmctldHost=${host}(127.0.0.1)`,
    `SlurmctldPort=${controller}`,
    `SlurmUser=${user}`,
    `SlurmdUser=${user}`,
    "AuthType=auth/munge",
    `AuthInfo=socket=${folder}/munge.socket,cred_expire=10`,
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool.%n`,
    `SlurmdPidFile=${folder}/%n.pid`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmctldLogFile=${folder}/slurmctld.log`,
    `SlurmdLogFile=${folder}/%n.log`,
    "ProctrackType=proctrack/linuxproc",
    "TaskPlugin=task/none",
    "JobAcctGatherType=jobacct_gather/none",
    "MpiDefault=none",
    "SelectType=select/cons_tres",
    // The least loaded node first: tasks spread over all nodes.
    "SelectTypeParameters=CR_CPU,CR_LLN",
    "ReturnToService=2",
    "SlurmdTimeout=6",
    "KillWait=5",
    "SchedulerParameters=batch_sched_delay=0,sched_min_interval=200000",
    ...nodes.map((node, index) =>
      `NodeName=${node} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[index]} CPUs=2`
    ),
    // What "urgent" needs is taken from "main": tasks there get SIGTERM, KillWait to end in, and go back into the queue.
    "PreemptType=preempt/partition_prio",
    "PreemptMode=REQUEUE",
    "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1",
    "PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF",
    "",
  ].join("\n");
}

/** The cluster, while it runs. */
export class SimulatedCluster implements AsyncDisposable {
  /** What commands need to find it. */
  readonly env: Record<string, string>;
  readonly #folder: string;
  readonly #daemons = new Map<string, Deno.ChildProcess>();

  private constructor(folder: string) {
    this.#folder = folder;
    this.env = { SLURM_CONF: `${folder}/slurm.conf` };
  }

  /** Starts it, and waits until all nodes are there. */
  static async start(nodes: readonly string[]): Promise<SimulatedCluster> {
    const folder = await Deno.makeTempDir({ prefix: "slurm-" });
    // Munge wants its socket where everybody may look.
    await Deno.chmod(folder, 0o755);
    await Deno.mkdir(`${folder}/state`);
    const cluster = new SimulatedCluster(folder);
    try {
      await Deno.writeFile(`${folder}/munge.key`, crypto.getRandomValues(new Uint8Array(128)), { mode: 0o600 });
      await Deno.writeTextFile(`${folder}/slurm.conf`, configOf(folder, nodes));
      const at = (name: string) => `${folder}/${name}`;
      cluster.#launch("munged", "munged", [
        ...["--foreground", `--key-file=${at("munge.key")}`, `--socket=${at("munge.socket")}`],
        ...[`--pid-file=${at("munged.pid")}`, `--log-file=${at("munged.log")}`, `--seed-file=${at("munged.seed")}`],
      ]);
      await until("munge's socket", () => Deno.stat(at("munge.socket")).then(() => true, () => false));
      cluster.#launch("slurmctld", "slurmctld", ["-D"]);
      for (const node of nodes) cluster.#launch(node, "slurmd", ["-D", "-N", node]);
      await until("all nodes", async () => {
        const { stdout } = await cluster.#run("sinfo", ["--noheader", "--format=%T %D"]);
        return new TextDecoder().decode(stdout).trim() === `idle ${nodes.length}`;
      });
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A node's death: its daemon and all that ran on it, from one moment to the next. */
  async killNode(node: string): Promise<void> {
    const daemon = this.#daemons.get(node)!;
    this.#daemons.delete(node);
    const own = this.#pids(`SIMULATED_NODE=${node}`, `SLURMD_NODENAME=${node}`);
    // What watches over a job writes its title where its environment was: it is told by being the job's parent.
    const pids = new Set([daemon.pid, ...own, ...own.map(parentOf).filter((pid) => pid > 1 && pid !== Deno.pid)]);
    // All at once: none may live to tell the controller of another's end.
    for (const signal of ["SIGSTOP", "SIGKILL"] as const) for (const pid of pids) kill(pid, signal);
    await daemon.status;
  }

  /** Takes a whole node for a job of a partition that goes first: what runs there is preempted. */
  async preempt(node: string): Promise<void> {
    const { code, stderr } = await this.#run("sbatch", [
      ...[
        "--partition=urgent",
        `--nodelist=${node}`,
        "--cpus-per-task=2",
        "--output=/dev/null",
        "--chdir=/",
        "--wrap=true",
      ],
    ]);
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  }

  /** The worker of a task of a job, once it runs. */
  worker(job: string, task: number): number | undefined {
    return this.#pids(`SLURM_ARRAY_JOB_ID=${job}`)
      .find((pid) => environmentOf(pid).includes(`SLURM_ARRAY_TASK_ID=${task}`));
  }

  /** The node that a process runs on. */
  nodeOf(pid: number): string {
    return environmentOf(pid).find((line) => line.startsWith("SLURMD_NODENAME="))!.split("=")[1];
  }

  /** Stops all of it and removes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    const daemons = [...this.#daemons.values()].reverse();
    for (const daemon of daemons) kill(daemon.pid, "SIGTERM");
    const timer = setTimeout(() => daemons.forEach(({ pid }) => kill(pid, "SIGKILL")), 5000);
    for (const daemon of daemons) await daemon.status;
    clearTimeout(timer);
    for (const pid of this.#pids()) kill(pid, "SIGKILL");
    await Deno.remove(this.#folder, { recursive: true });
  }

  #launch(name: string, program: string, args: readonly string[]): void {
    const env = { ...this.env, SIMULATED_NODE: name };
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    this.#daemons.set(name, new Deno.Command(pathOf(program)!, { args: [...args], env, ...quiet }).spawn());
  }

  #run(program: string, args: readonly string[]): Promise<Deno.CommandOutput> {
    return new Deno.Command(program, { args: [...args], env: this.env, stdin: "null" }).output();
  }

  /** Processes that this cluster started, which its file's name in their environment tells, and one of the lines if given. */
  #pids(...lines: readonly string[]): number[] {
    return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
      if (!(pid > 0) || pid === Deno.pid) return false;
      const environment = environmentOf(pid);
      return environment.includes(`SLURM_CONF=${this.env.SLURM_CONF}`) &&
        (lines.length === 0 || lines.some((line) => environment.includes(line)));
    });
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
  } catch {
    return 0;
  }
}

function environmentOf(pid: number): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0");
  } catch {
    return [];
  }
}

function kill(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended.
  }
}
