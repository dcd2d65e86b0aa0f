import { parseArgs } from "node:util";

/** What the command was asked for. */
export interface ExplorerArguments {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  /** Folder of the page. */
  readonly out: string;
  /** Whether the page is served on this machine until Ctrl-C. */
  readonly serve: boolean;
  /** Port of the server; 0: any that is free. */
  readonly port: number;
}

/** Arguments that can't be: the message says which and what would be right. */
export class ArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "ArgumentsError";
}

/** What the command takes. */
export const USAGE: string = `usage: deno task explorer [options]

Writes a page on which the embedded model reads texts and answers questions in a browser with WebGPU: static files, to be
put on any web server by https, or looked at on this machine with --serve.

  --out FOLDER        folder of the page (default results/explorer)
  --serve             serves it on this machine until Ctrl-C
  --port N            port of the server (default 8000; 0: any that is free)
  --help              prints this`;

/**
 * Reads the command's arguments.
 *
 * @throws {ArgumentsError} saying what is wrong.
 */
export function parseExplorerArguments(args: readonly string[]): ExplorerArguments {
  const { help = false, serve = false, out = "results/explorer", port = "8000" } = split(args);
  if (out === "") throw new ArgumentsError("--out must name a folder, not be empty");
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65535) {
    throw new ArgumentsError(`--port "${port}" must be a whole number from 0 to 65535`);
  }
  return { help, serve, out, port: Number(port) };
}

function split(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({ args: [...args], options: { help: flag, serve: flag, out: text, port: text } }).values;
  } catch (error) {
    throw new ArgumentsError(error instanceof Error ? error.message : String(error));
  }
}
