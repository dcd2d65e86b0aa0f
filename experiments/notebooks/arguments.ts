import { parseArgs } from "node:util";
import { z } from "zod";

/** What the command was asked for. */
export interface NotebooksArguments {
  /** Prints the usage and nothing else. */
  help: boolean;
  /** Puts the outputs of this run into the notebooks. */
  write: boolean;
  /** Runs each cell twice. */
  twice: boolean;
  /** Only notebooks whose file names have this in them. */
  only?: string;
  /** The most seconds that one cell may take. */
  cellSeconds: number;
}

/** What the command takes. */
export const USAGE = `usage: deno task notebooks [--write | --twice] [--only TEXT] [--cell-seconds N]

Executes the notebooks from top to bottom with Jupyter and Deno's kernel. Both are set up in results/jupyter, and nothing
else of this user's Jupyter is touched. Ends with 1 where a cell fails, or where a figure is missing in three runs. What
was executed lies in results/notebooks.

  --write           puts the outputs of this run into notebooks/
  --twice           runs each cell twice, to show that a cell run again leaves nothing behind
  --only TEXT       only notebooks whose file names have TEXT in them
  --cell-seconds N  the most seconds that one cell may take (default 120)
  --help            prints this`;

const schema = z.object({
  help: z.boolean().default(false),
  write: z.boolean().default(false),
  twice: z.boolean().default(false),
  only: z.string().min(1, "--only must name a part of a file name, not be empty").optional(),
  "cell-seconds": z.string().default("120").refine((text) => /^[1-9]\d{0,5}$/.test(text), {
    error: ({ input }) => `--cell-seconds "${input}" must be a whole number of at least 1`,
  }).transform(Number),
});

/**
 * Reads the command's arguments.
 *
 * @throws {TypeError} saying what is wrong.
 */
export function parseNotebooksArguments(args: readonly string[]): NotebooksArguments {
  const options = {
    help: { type: "boolean" },
    write: { type: "boolean" },
    twice: { type: "boolean" },
    only: { type: "string" },
    "cell-seconds": { type: "string" },
  } as const;
  const parsed = schema.safeParse(parseArgs({ args: [...args], options, allowPositionals: false }).values);
  if (!parsed.success) throw new TypeError(parsed.error.issues.map(({ message }) => message).join("\n"));
  if (parsed.data.write && parsed.data.twice) {
    throw new TypeError("--write takes outputs of cells run once: leave --twice out");
  }
  const { "cell-seconds": cellSeconds, ...rest } = parsed.data;
  return { ...rest, cellSeconds };
}
