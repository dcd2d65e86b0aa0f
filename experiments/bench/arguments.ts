import { parseArgs } from "node:util";
import { z } from "zod";

/** What the benchmark was asked for. */
export interface BenchArguments {
  /** Prints the usage and nothing else. */
  help: boolean;
  /** Measures other libraries too, interleaved with ours. */
  peers: boolean;
  /** Runs only cases whose name ("group shape dtype") holds this text. */
  filter?: string;
  /** Where the rows go as JSON. Default: a file named by adapter and date. */
  json?: string;
  /** A file of rows to tell the targets of, instead of measuring. */
  targets?: string;
}

/** What the command takes. */
export const USAGE = `usage: deno task bench [--peers] [--filter TEXT] [--json FILE]
       deno task bench --targets FILE

Times the kernels and whole models on this adapter, as shares of what a tuned probe reaches on it in the same run. Every
result is compared with plain numbers before its time counts.

  --peers        other WebGPU libraries too, installed apart from this project at their first use
  --filter TEXT  only cases whose name holds TEXT, such as "matmul", "1024x1024x1024", "f16" or "model demo 16384"
  --json FILE    where the rows go (default results/bench/ADAPTER-DATE.json)
  --targets FILE measures nothing: prints which targets a file of rows meets, as a table in Markdown, and writes its roofline
                 figure to results/bench, for deno task figure
  --help         prints this`;

const schema = z.object({
  help: z.boolean().default(false),
  peers: z.boolean().default(false),
  filter: z.string().min(1, "--filter must be a text, not empty").optional(),
  json: z.string().min(1, "--json must name a file, not be empty").optional(),
  targets: z.string().min(1, "--targets must name a file of rows, not be empty").optional(),
});

/**
 * Reads the command's arguments.
 *
 * @throws {TypeError} saying what is wrong.
 */
export function parseBenchArguments(args: readonly string[]): BenchArguments {
  const [flag, text] = [{ type: "boolean" }, { type: "string" }] as const;
  const options = { help: flag, peers: flag, filter: text, json: text, targets: text };
  const parsed = schema.safeParse(parseArgs({ args: [...args], options, allowPositionals: false }).values);
  if (!parsed.success) throw new TypeError(parsed.error.issues.map(({ message }) => message).join("\n"));
  return parsed.data;
}
