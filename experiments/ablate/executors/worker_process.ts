import { TextLineStream } from "./text_lines.ts";
import { workCommand } from "../../executors/work_command.ts";

/** What a worker says, a line each: a trial that ended, or a task. */
export type WorkerWord =
  | { readonly trial: string; readonly status: "done" | "failed"; readonly line: string }
  | { readonly task: number };

/** How a worker ended. */
export interface WorkerEnd {
  /** The task that it had in hand. */
  readonly task: number | undefined;
  /** Whether it was killed, rather than ending by itself. */
  readonly killed: boolean;
  /** Its last words. */
  readonly error: string;
}

/** Characters that are kept of what a worker says on standard error. */
const KEPT = 4000;
/** Milliseconds between asking a worker to end and ending it. */
const GRACE = 10_000;

/** A process that is handed tasks one after another. When its maker dies, its input ends, and it stops. */
export class WorkerProcess {
  /** Its number among the processes of the machine. */
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  #task: number | undefined;
  #errors = "";

  /** Starts it. */
  constructor(
    run: string,
    { cwd, env, retryFailed }: { cwd: string; env: Record<string, string>; retryFailed: boolean },
  ) {
    const [command, ...args] = workCommand(run);
    const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    const flags = ["--from-stdin", ...(retryFailed ? ["--retry-failed"] : [])];
    this.#child = new Deno.Command(command, { args: [...args, ...flags], cwd, env, ...pipes }).spawn();
    this.pid = this.#child.pid;
    this.#input = this.#child.stdin.getWriter();
  }

  /** Hands tasks out until `next` gives none, and tells what the worker says. Resolves once the process has ended. */
  async run(next: () => number | undefined, said: (word: WorkerWord) => void): Promise<WorkerEnd> {
    const errors = this.#keepErrors();
    await this.#hand(next());
    for await (const line of this.#child.stdout.pipeThrough(new TextLineStream())) {
      const word = JSON.parse(line) as WorkerWord;
      said(word);
      if ("task" in word) await this.#hand(next());
    }
    const { success, signal } = await this.#child.status;
    await errors;
    return { task: success ? undefined : this.#task, killed: signal !== null, error: this.#errors.trim() };
  }

  /** Asks it to end, and ends it where it doesn't. */
  async stop(): Promise<void> {
    const kill = (signal: Deno.Signal) => {
      try {
        this.#child.kill(signal);
      } catch {
        // It has ended.
      }
    };
    kill("SIGTERM");
    const timer = setTimeout(() => kill("SIGKILL"), GRACE);
    await this.#child.status;
    clearTimeout(timer);
  }

  async #hand(task: number | undefined): Promise<void> {
    this.#task = task;
    try {
      if (task === undefined) await this.#input.close();
      else await this.#input.write(new TextEncoder().encode(`${task}\n`));
    } catch {
      // It has ended: its status tells how.
    }
  }

  async #keepErrors(): Promise<void> {
    for await (const text of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      this.#errors = (this.#errors + text).slice(-KEPT);
    }
  }
}
