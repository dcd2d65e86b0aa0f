import { isTerminal } from "../../lib/platform.ts";
import { nameRuntimeFolder } from "../setup/runtime_folder.ts";
import { Progress } from "./progress.ts";

/** What shells give for a program ended by Ctrl-C. */
export const INTERRUPTED = 130;

/** What a command runs with. */
export interface CommandRun {
  /** Aborted by the first Ctrl-C; the second ends the program at once. */
  readonly signal: AbortSignal;
  /** A bar on the error stream. */
  readonly progress: Progress;
}

/** A command of the terminal. */
export interface Command<Asked extends { readonly help: boolean }> {
  /** Its name, before each message. */
  readonly name: string;
  /** What it takes. */
  readonly usage: string;
  /** Reads its arguments. */
  readonly parse: (args: readonly string[]) => Asked;
  /** The class of error by which `parse` says what is wrong. */
  readonly argumentsError: new (message: string) => Error;
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
export async function runCommand<Asked extends { readonly help: boolean }>(
  { name, usage, parse, argumentsError, run, stopped }: Command<Asked>,
  args: readonly string[],
): Promise<number> {
  let asked: Asked;
  try {
    asked = parse(args);
  } catch (error) {
    if (!(error instanceof argumentsError)) throw error;
    console.error(`${name}: ${error.message}\n\n${usage}`);
    return 2;
  }
  if (asked.help) {
    console.log(usage);
    return 0;
  }
  nameRuntimeFolder();
  const stop = new AbortController();
  const interrupt = () => stop.signal.aborted ? Deno.exit(INTERRUPTED) : stop.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  const progress = terminalProgress();
  try {
    return await run(asked, { signal: stop.signal, progress }) ?? 0;
  } catch (error) {
    progress.clear();
    const { aborted } = stop.signal;
    console.error(`${name}: ${aborted ? stopped(asked) : error instanceof Error ? error.message : error}`);
    return aborted ? INTERRUPTED : 1;
  } finally {
    Deno.removeSignalListener("SIGINT", interrupt);
  }
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
