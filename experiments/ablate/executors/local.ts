import type { RunFolder } from "../../../lib/evaluation/mod.ts";
import { isRunning, type ProcessName, readText, removeFile, thisProcess, writeAside } from "../../../lib/platform.ts";
import type { Executor, LiveTask, StartOptions } from "../../executors/executor.ts";
import { chooseCard, likeCards } from "../../executors/like_cards.ts";
import { WorkerProcess, type WorkerWord } from "./worker_process.ts";

/** How often a task may be begun again without one more trial ending. */
const TRIES = 3;

/** Tasks as processes of this machine, handed out by this process while it lives. */
export class LocalExecutor implements Executor {
  readonly #workers: number;
  readonly #said: (word: WorkerWord) => void;

  /** With so many processes; `said` hears of what ends. */
  constructor(workers: number, said: (word: WorkerWord) => void = () => {}) {
    this.#workers = workers;
    this.#said = said;
  }

  /** There is always a machine. */
  async check(): Promise<void> {}

  /** Runs tasks to their end. A worker that is killed is replaced, and its task's missing trials run again. */
  async start(run: RunFolder, tasks: readonly number[], options: StartOptions): Promise<boolean> {
    const name = `${run.path}/local.${crypto.randomUUID().slice(0, 8)}.json`;
    await writeAside(name, JSON.stringify(thisProcess()));
    try {
      await this.#hand(run, tasks, options);
    } finally {
      await removeFile(name);
    }
    options.signal.throwIfAborted();
    return true;
  }

  /** While a process hands tasks out, all that are not through are its. */
  async live(run: RunFolder): Promise<ReadonlyMap<number, LiveTask>> {
    const [holder] = await holders(run);
    if (!holder) return new Map();
    const { host, pid } = holder.process;
    const words = `process ${pid} on ${host} runs it (if it doesn't, remove ${holder.file})`;
    return new Map(run.tasks.map((task) => [task, { running: true, words }]));
  }

  /** Asks the process that hands tasks out to stop. */
  async cancel(run: RunFolder): Promise<string> {
    const all = await holders(run);
    if (all.length === 0) return "no process runs it";
    const here = Deno.hostname();
    for (const { process } of all) {
      if (process.host !== here) {
        throw new Error(`it is run by process ${process.pid} on ${process.host}: cancel it there`);
      }
      Deno.kill(process.pid, "SIGTERM");
    }
    return `asked process ${all.map(({ process }) => process.pid).join(" and ")} to stop; trials in hand are dropped`;
  }

  async #hand(run: RunFolder, tasks: readonly number[], { retryFailed, log, signal }: StartOptions): Promise<void> {
    const waiting = [...tasks];
    const ended = new Map<number, number>();
    const tries = new Map<number, number>();
    const failures: string[] = [];
    const cards = likeCards();
    const serve = async (seat: number) => {
      const env = cards.length > 0 ? chooseCard(cards[seat % cards.length]) : {};
      while (waiting.length > 0 && !signal.aborted && failures.length === 0) {
        let last: number | undefined;
        const worker = new WorkerProcess(run.path, { cwd: run.plan.cwd, env, retryFailed });
        const stop = () => void worker.stop();
        signal.addEventListener("abort", stop);
        const { task, killed, error } = await worker.run(
          () => last = failures.length > 0 ? undefined : waiting.shift(),
          (word) => {
            if ("trial" in word) ended.set(last!, (ended.get(last!) ?? 0) + 1);
            this.#said(word);
          },
        );
        signal.removeEventListener("abort", stop);
        if (task === undefined || signal.aborted) continue;
        if (!killed) {
          failures.push(error || "a worker ended without a word");
          continue;
        }
        const before = tries.get(task) ?? 0;
        const count = ended.get(task) ? 1 : before + 1;
        ended.delete(task);
        tries.set(task, count);
        if (count < TRIES) {
          log(`worker ${worker.pid} was killed; what task ${task} lacks runs again`);
          waiting.unshift(task);
        } else log(`task ${task}: ${TRIES} workers in a row were killed at the same trial; it is left out`);
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#workers, tasks.length) }, (_, seat) => serve(seat)));
    if (failures.length > 0) throw new Error(failures[0].replace(/^ablate: /, ""));
  }
}

/** Processes that say that they hand this run's tasks out, and have not ended as far as can be told from here. */
async function holders(run: RunFolder): Promise<{ file: string; process: ProcessName }[]> {
  const inside = await Array.fromAsync(Deno.readDir(run.path));
  const names = inside.map(({ name }) => name).filter((name) => /^local\.[0-9a-f]{8}\.json$/.test(name));
  const all = await Promise.all(names.map(async (name) => {
    const file = `${run.path}/${name}`;
    return { file, process: JSON.parse(await readText(file)) as ProcessName };
  }));
  return all.filter(({ process }) => isRunning(process) !== false);
}
