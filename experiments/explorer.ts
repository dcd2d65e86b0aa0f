/**
 * `deno task explorer`: writes a page on which the embedded model reads texts and answers questions in a browser.
 * `--help` tells the options.
 */

import { type CommandRun, runCommand } from "./command/run_command.ts";
import { ArgumentsError, type ExplorerArguments, parseExplorerArguments, USAGE } from "./explorer/arguments.ts";
import { buildExplorer } from "./explorer/build.ts";
import { servePage } from "./explorer/serve.ts";

async function explorer({ out, serve, port }: ExplorerArguments, { signal }: CommandRun): Promise<number> {
  const files = await buildExplorer(out);
  console.log(`explorer: ${out}/index.html and ${files.length - 1} files beside it, for any web server`);
  if (!serve) return 0;
  const server = servePage(out, files, port);
  console.log(`explorer: ${server.address} until Ctrl-C`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await server.close();
  return 0;
}

if (import.meta.main) {
  Deno.exitCode = await runCommand({
    name: "explorer",
    usage: USAGE,
    parse: parseExplorerArguments,
    argumentsError: ArgumentsError,
    run: explorer,
    stopped: () => "stopped",
  }, Deno.args);
}
