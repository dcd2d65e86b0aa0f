import { checkWritable } from "../../lib/platform.ts";
import { nameRuntimeFolder } from "../setup/runtime_folder.ts";
import { errorText } from "./error_text.ts";

/** What every command may be asked. */
export interface AskedOfCommand {
  /** Prints the usage, and nothing else. */
  readonly help: boolean;
  /** Where results go; it must be possible to write there. */
  readonly json?: string;
}

/** A command of the terminal that Ctrl-C simply ends. */
export interface PlainCommand<Asked extends AskedOfCommand> {
  /** Its name, before each message. */
  readonly name: string;
  /** What it takes. */
  readonly usage: string;
  /** Reads its arguments. */
  readonly parse: (args: readonly string[]) => Asked;
  /** The class of error by which `parse` says what is wrong. */
  readonly argumentsError: new (message: string) => Error;
  /** Does it; the exit code, 0 where there is none. */
  readonly run: (asked: Asked) => Promise<number | void>;
}

/**
 * Runs a command to its exit code: 2 with the usage for wrong arguments, 1 with the message for an error.
 *
 * @throws an error of `parse` that is no {@linkcode PlainCommand.argumentsError}.
 */
export async function runToEnd<Asked extends AskedOfCommand>(
  { name, usage, parse, argumentsError, run }: PlainCommand<Asked>,
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
  try {
    if (asked.json !== undefined) await checkWritable(asked.json);
    return await run(asked) ?? 0;
  } catch (error) {
    console.error(`${name}: ${errorText(error)}`);
    return 1;
  }
}
