import { parseArgs } from "node:util";
import { z } from "zod";
import {
  type Knobs,
  type MethodName,
  methodNames,
  type StorageType,
  storageTypes,
  type ValuesPlace,
  valuesPlaces,
} from "../../lib/attention/mod.ts";
import { shapeNames, type WeightType } from "../../lib/model/mod.ts";

/** What the command was asked for. */
export interface PlanArguments {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  /** "demo", a model's shape by name, a folder, or a repository of the hub. */
  readonly model: string;
  /** Tokens of the context. */
  readonly length: number;
  /** Tokens of the answer. */
  readonly answer: number;
  /** The method. */
  readonly method: MethodName;
  /** What differs from the preset. */
  readonly knobs: Partial<Knobs>;
  /** Type of the weights on the GPU. */
  readonly weights: WeightType;
  /** Storage of keys. */
  readonly keys: StorageType;
  /** Storage of values. */
  readonly values: StorageType;
  /** Where values lie. */
  readonly valuesOn: ValuesPlace;
  /** Where keys lie. */
  readonly keysOn: ValuesPlace;
  /** Whether selections are recorded. */
  readonly trace: boolean;
  /** Whether the time is estimated. */
  readonly time: boolean;
  /** Whether the run is then made, to see how far the plan is off. */
  readonly measure: boolean;
  /** Where the plan is written as JSON; undefined: nowhere. */
  readonly json?: string;
}

/** Arguments that can't be: the message says which and what would be right. */
export class ArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "ArgumentsError";
}

/** What the command takes. */
export const USAGE: string = `usage: deno task plan --length TOKENS [options]

Tells what a run takes before it: bytes for weights, keys, values and the rest, whether they fit this machine, what to change
where they don't, and the time. Nothing large is allocated for it.

  --model NAME        demo (default), a shape (${shapeNames.join(", ")}), a folder or
                      a repository of the hub
  --length N          tokens of the context; 128K, 1M and 4M are 2^17, 2^20 and 2^22
  --answer N          tokens of the answer (default 64)
  --method NAME       default reattention
  --knobs JSON        what differs from the usual knobs, such as '{"k":8,"recallEvery":16}'
  --weights TYPE      f32 (default) or f16
  --storage TYPE      of keys and values: ${storageTypes.join(", ")} (default f32); or both, as f32,f16
  --values-on PLACE   gpu (default), host: in the machine's memory, or file: on its disk, both as f32
  --keys-on PLACE     gpu (default), or where values then lie too; for methods that score by what they keep of keys (infllm)
  --trace             selections are recorded
  --no-time           leaves out the time, which is found by running a few steps
  --measure           then makes the run, with random weights and tokens, and prints what it took beside the plan
  --json FILE         writes the plan there
  --help              prints this

Exit code 0: it fits; 3: it does not.`;

const units: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20 };

const tokens = (name: string) =>
  z.string().transform((text, context) => {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)([KM]?)$/i.exec(text) ?? [];
    const number = Number(digits) * units[(unit ?? "").toUpperCase()];
    if (Number.isInteger(number) && number >= 1 && number <= 2 ** 31) return number;
    context.addIssue({
      code: "custom",
      message: `${name} "${text}" must be a number of tokens from 1 on, such as 131072 or 128K`,
    });
    return z.NEVER;
  });
const one = <const T extends readonly string[]>(name: string, values: T) =>
  z.string().refine((text): text is T[number] => values.includes(text), {
    error: ({ input }) => `${name} "${input}" is none; there are ${values.join(", ")}`,
  });
const knobs = z.string().transform((text, context): Partial<Knobs> => {
  try {
    const parsed = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) return parsed;
  } catch {
    // Told below.
  }
  context.addIssue({ code: "custom", message: `--knobs ${text} must be a JSON object, such as {"k":8}` });
  return z.NEVER;
});

const schema = z.object({
  help: z.boolean().default(false),
  model: z.string().min(1, "--model must name a model, not be empty").default("demo"),
  length: tokens("--length"),
  answer: tokens("--answer").default(64),
  method: one("--method", methodNames).default("reattention"),
  knobs: knobs.default({}),
  weights: one("--weights", ["f32", "f16"]).default("f32"),
  storage: z.string().default("f32"),
  "values-on": one("--values-on", valuesPlaces).optional(),
  "keys-on": one("--keys-on", valuesPlaces).default("gpu"),
  trace: z.boolean().default(false),
  "no-time": z.boolean().default(false),
  measure: z.boolean().default(false),
  json: z.string().min(1, "--json must name a file, not be empty").optional(),
});

/**
 * Reads the command's arguments.
 *
 * @throws {ArgumentsError} saying what is wrong.
 */
export function parsePlanArguments(args: readonly string[]): PlanArguments {
  const values = split(args);
  if (values.length === undefined && !values.help) {
    throw new ArgumentsError("--length is missing: say how many tokens, such as --length 1M");
  }
  const parsed = schema.safeParse({ ...values, length: values.length ?? "1" });
  if (!parsed.success) throw new ArgumentsError(parsed.error.issues.map(({ message }) => message).join("\n"));
  const { storage, "no-time": noTime, "keys-on": keysOn, "values-on": valuesOn = keysOn, ...data } = parsed.data;
  const [keys, stored = keys, ...more] = storage.split(",");
  for (const type of [keys, stored]) {
    if (!storageTypes.includes(type as StorageType) || more.length > 0) {
      throw new ArgumentsError(
        `--storage "${storage}" must be one of ${storageTypes.join(", ")}, or two with a comma between`,
      );
    }
  }
  return {
    ...data,
    weights: data.weights as WeightType,
    method: data.method as MethodName,
    keys: keysOn === "gpu" ? keys as StorageType : "f32",
    values: valuesOn === "gpu" ? stored as StorageType : "f32",
    valuesOn: valuesOn as ValuesPlace,
    keysOn: keysOn as ValuesPlace,
    time: !noTime,
  };
}

function split(args: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    ...{ help: flag, model: text, length: text, answer: text, method: text, knobs: text, weights: text },
    ...{ storage: text, "values-on": text, "keys-on": text, trace: flag, "no-time": flag, measure: flag, json: text },
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new ArgumentsError(error instanceof Error ? error.message : String(error));
  }
}
