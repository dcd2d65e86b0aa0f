import { parseArgs } from "node:util";
import { z } from "zod";
import { type ShapeName, shapeNames } from "../../lib/model/mod.ts";
import { type ContestantName, contestantNames } from "./contestants.ts";

/** What of a model is timed. */
export type ModelPart = "layer" | "whole";

/** What the command was asked for. */
export interface ShapesArguments {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  /** Models by their shape; "tiny" is a small one to try the command with. */
  readonly models: readonly (ShapeName | "tiny")[];
  /** One layer, the whole model, or both. */
  readonly parts: readonly ModelPart[];
  /** Methods, by what tables call them. */
  readonly methods: readonly ContestantName[];
  /** Tokens cached before a step, rising. */
  readonly lengths: readonly number[];
  /** Those of the whole model, where they differ from one layer's. */
  readonly wholeLengths?: readonly number[];
  /** No further length is begun after so many seconds. */
  readonly seconds: number;
  /** Where the rows go as JSON; undefined: nowhere. */
  readonly json?: string;
}

/** Arguments that can't be: the message says which and what would be right. */
export class ShapesArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "ShapesArgumentsError";
}

/** What the command takes. */
export const USAGE: string = `usage: deno task shapes [options]

Times a prefill chunk and a decode step of real models' shapes at long contexts, with random weights in f16 made on the GPU and
caches filled with random keys, and derives from that the time to the first token and the tokens per second. Keys and values are kept
in f16 where they fit, else in int8; each row tells.

  --model NAME,...    ${shapeNames.join(", ")}, or tiny to try it out (default llama-3.1-8b)
  --layer, --whole    one layer (its times and memory), or all of them (default: both)
  --method NAME,...   ${contestantNames.join(", ")} (default: all)
  --lengths N,N,...   tokens cached before the step; 8K is 8,192, 1M 1,048,576 (default 8K,128K,1M,4M)
  --whole-lengths N,  the same for the whole model, where they differ
  --seconds N         begins nothing further after so long
  --json FILE         also writes the rows as JSON, each as soon as it is there; rows of this machine that FILE holds already stay,
                      but for steps that are measured anew
  --help              prints this`;

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20 };

const tokens = z.string().transform((text, context) => {
  const [, digits, unit] = /^(\d+)([KM]?)$/i.exec(text.trim().replaceAll("_", "")) ?? [];
  const number = digits ? Number(digits) * UNITS[unit.toUpperCase()] : NaN;
  if (number >= 1 && number <= 2 ** 25) return number;
  const message = `--lengths "${text}" must be a whole number from 1 to 32M, such as 65536, 64K or 1M`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});
const listed = (text: string | undefined) => text?.split(",").map((part) => part.trim());
const names: [ShapeName | "tiny", ...ShapeName[]] = ["tiny", ...shapeNames];

const schema = z.object({
  help: z.boolean().default(false),
  model: z.array(z.enum(names, { error: ({ input }) => `--model "${input}" is none; there are ${names.join(", ")}` }))
    .default(["llama-3.1-8b"]),
  method: z.array(
    z.enum(contestantNames, {
      error: ({ input }) => `--method "${input}" is none; there are ${contestantNames.join(", ")}`,
    }),
  ).default([...contestantNames]),
  layer: z.boolean().default(false),
  whole: z.boolean().default(false),
  lengths: z.array(tokens).default([2 ** 13, 2 ** 17, 2 ** 20, 2 ** 22]),
  "whole-lengths": z.array(tokens).optional(),
  seconds: z.string().regex(/^[1-9]\d{0,5}$/, "--seconds must be a whole number from 1 to 999999").transform(Number)
    .default(Infinity),
  json: z.string().min(1, "--json must name a file, not be empty").optional(),
});

/**
 * Reads the command's arguments.
 *
 * @throws {ShapesArgumentsError} saying what is wrong.
 */
export function parseShapesArguments(args: readonly string[]): ShapesArguments {
  const values = split(args);
  const lists = { model: listed(values.model), method: listed(values.method), lengths: listed(values.lengths) };
  const parsed = schema.safeParse({ ...values, ...lists, "whole-lengths": listed(values["whole-lengths"]) });
  if (!parsed.success) throw new ShapesArgumentsError(parsed.error.issues.map(({ message }) => message).join("\n"));
  const { help, model, method, layer, whole, lengths, "whole-lengths": wholeLengths, seconds, json } = parsed.data;
  const rising = (list: readonly number[]) => [...new Set(list)].sort((a, b) => a - b);
  return {
    help,
    models: [...new Set(model)],
    methods: contestantNames.filter((name) => method.includes(name)),
    parts: layer === whole ? ["layer", "whole"] : layer ? ["layer"] : ["whole"],
    lengths: rising(lengths),
    ...(wholeLengths && { wholeLengths: rising(wholeLengths) }),
    seconds,
    ...(json !== undefined && { json }),
  };
}

function split(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    ...{ help: flag, layer: flag, whole: flag },
    ...{ model: text, method: text, lengths: text, "whole-lengths": text, seconds: text, json: text },
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new ShapesArgumentsError((error as Error).message);
  }
}
