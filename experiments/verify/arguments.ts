import { z } from "zod";
import { FlagsError, readFlags } from "../command/flags.ts";

/** What the command was asked for. */
export interface VerifyArguments {
  /** Prints the usage and nothing else. */
  help: boolean;
  /** Folder of attention goldens. */
  attention?: string;
  /** Folder of model goldens. */
  models?: string;
  /** Storage of keys and values in attention goldens. */
  storage: "f32" | "f16";
}

/** What the command takes. */
export const USAGE = `usage: deno task verify [--attention DIR] [--models DIR] [--storage f32|f16]

Runs golden files of the reference against this toolkit on this adapter: every .safetensors of the attention folder, every
folder with a golden.safetensors of the models folder. Prints a table; ends with 1 where one fails or can't be read.

  --attention DIR  one layer each: inputs, selections, outputs step by step
  --models DIR     checkpoints with logits, greedy continuations and ReAttention's selections
  --storage TYPE   f32 (default; outputs within 1e-4) or f16 (within 5e-3) for the attention goldens' keys and values
  --help           prints this`;

const folder = (name: string) => z.string().min(1, `${name} must name a folder, not be empty`).optional();
const schema = z.object({
  help: z.boolean().default(false),
  attention: folder("--attention"),
  models: folder("--models"),
  storage: z.enum(["f32", "f16"], { error: ({ input }) => `--storage "${input}" must be f32 or f16` }).default("f32"),
});

/**
 * Reads the command's arguments.
 *
 * @throws {FlagsError} saying what is wrong.
 */
export function parseVerifyArguments(args: readonly string[]): VerifyArguments {
  const asked = readFlags(schema, args);
  if (!asked.help && asked.attention === undefined && asked.models === undefined) {
    throw new FlagsError("name a folder with --attention or --models");
  }
  return asked;
}
