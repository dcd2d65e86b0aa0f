import { parseArgs } from "node:util";
import { z } from "zod";
import { type MethodName, methodNames } from "../../lib/attention/mod.ts";
import { questionTokens, smallestHaystack } from "../../lib/evaluation/mod.ts";
import { NEEDLES, plannedLengths } from "./plan.ts";

/** What the demo was asked for. */
export interface DemoArguments {
  /** Prints the usage and nothing else. */
  help: boolean;
  /** Lengths in tokens, rising; undefined: the plan's. */
  lengths?: number[];
  /** Methods in the order of tables; undefined: the plan's for each length. */
  methods?: MethodName[];
  /** Seed of the haystacks. */
  seed: number;
  /** Where the rows go as JSON; undefined: nowhere. */
  json?: string;
  /** Folder of report.html. */
  out: string;
}

/** Arguments that can't be: the message says which and what would be right. */
export class ArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "ArgumentsError";
}

const LEAST_LENGTH = smallestHaystack(NEEDLES) + questionTokens;
const MOST_LENGTH = 2 ** 24;

/** What the command takes. */
export const USAGE: string = `usage: deno task demo [options]

Hides needles in haystacks of ${plannedLengths.map(String).join(", ")} tokens, lets each attention method look for them,
prints a table and writes a page that opens without network.

  --length N,N,...    lengths in tokens, context with question and answer, ${LEAST_LENGTH} to ${MOST_LENGTH}
  --method NAME,...   ${methodNames.join(", ")}
                      (default: those that the plan has at each length)
  --seed N            seed of the haystacks (default 1)
  --json FILE         also writes the rows as JSON
  --out FOLDER        folder of report.html (default results/demo)
  --help              prints this`;

const listed = (values: string[] | undefined) =>
  values?.flatMap((value) => value.split(",")).map((part) => part.trim());
const wholeNumber = (name: string, least: number, most: number) => (text: string, context: z.RefinementCtx) => {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  context.addIssue({ code: "custom", message: `${name} "${text}" must be a whole number from ${least} to ${most}` });
  return z.NEVER;
};
const path = (name: string) => z.string().min(1, `${name} must name a file or folder, not be empty`);

const schema = z.object({
  help: z.boolean().default(false),
  length: z.array(z.string().transform(wholeNumber("--length", LEAST_LENGTH, MOST_LENGTH))).optional(),
  method: z.array(z.enum(methodNames as [MethodName, ...MethodName[]], {
    error: ({ input }) => `--method "${input}" is none; the methods are ${methodNames.join(", ")}`,
  })).optional(),
  seed: z.string().default("1").transform(wholeNumber("--seed", 0, 2 ** 32 - 1)),
  json: path("--json").optional(),
  out: path("--out").default("results/demo"),
});

/**
 * Reads the command's arguments.
 *
 * @throws {ArgumentsError} saying what is wrong.
 */
export function parseDemoArguments(args: readonly string[]): DemoArguments {
  const values = splitArguments(args);
  const parsed = schema.safeParse({ ...values, length: listed(values.length), method: listed(values.method) });
  if (!parsed.success) throw new ArgumentsError(parsed.error.issues.map(({ message }) => message).join("\n"));
  const { help, length, method, seed, json, out } = parsed.data;
  return {
    help,
    seed,
    out,
    ...(length && { lengths: [...new Set(length)].sort((a, b) => a - b) }),
    ...(method && { methods: methodNames.filter((name) => method.includes(name)) }),
    ...(json !== undefined && { json }),
  };
}

function splitArguments(args: readonly string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  const options = { help: { type: "boolean" }, length: list, method: list, seed: text, json: text, out: text } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new ArgumentsError((error as Error).message);
  }
}
