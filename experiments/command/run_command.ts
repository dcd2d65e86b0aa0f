import { isTerminal } from "../../lib/platform.ts";
import { Progress } from "./progress.ts";
import { type AskedOfCommand, type PlainCommand, runToEnd } from "./run_to_end.ts";

/** What shells give for a program ended by Ctrl-C. */
export const INTERRUPTED = 130;

/** What a command runs with. */
export interface CommandRun {
  /** Aborted by the first Ctrl-C or request to end; the second ends the program at once. */
  readonly signal: AbortSignal;
  /** A bar on the error stream. */
  readonly progress: Progress;
}

/** A command of the terminal that Ctrl-C, or a system's request to end, asks to stop. */
export interface Command<Asked extends AskedOfCommand> extends Omit<PlainCommand<Asked>, "run"> {
  /** Does it; the exit code, 0 where there is none. */
  readonly run: (asked: Asked, run: CommandRun) => Promise<number | void>;
  /** What is said after Ctrl-C. */
  readonly stopped: (asked: Asked) => string;
}

/**
 * Runs a command to its exit code: 2 with the usage for wrong arguments, 1 with the message for an error, 130 after Ctrl-C.
 *
 * @throws an error of `parse` that is no {@linkcode Command.argumentsError}.
 */
export function runCommand<Asked extends AskedOfCommand>(
  { run, stopped, ...command }: Command<Asked>,
  args: readonly string[],
): Promise<number> {
  return runToEnd({
    ...command,
    run: async (asked) => {
      const stop = new AbortController();
      const interrupt = () => stop.signal.aborted ? Deno.exit(INTERRUPTED) : stop.abort();
      // The second is what Slurm sends a task that is preempted or past its time, and systems that shut down.
      for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, interrupt);
      const progress = terminalProgress();
      try {
        return await run(asked, { signal: stop.signal, progress });
      } catch (error) {
        progress.clear();
        if (!stop.signal.aborted) throw error;
        console.error(`${command.name}: ${stopped(asked)}`);
        return INTERRUPTED;
      } finally {
        for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, interrupt);
      }
    },
  }, args);
}

/** Progress on the error stream, as wide as the terminal. */
export function terminalProgress(): Progress {
  return new Progress({
    write: (text) => Deno.stderr.writeSync(new TextEncoder().encode(text)),
    terminal: isTerminal("stderr"),
    columns: terminalColumns(),
  });
}

function terminalColumns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80;
  }
}
