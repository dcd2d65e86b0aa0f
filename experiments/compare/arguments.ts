import { parseArgs } from "node:util";
import { z } from "zod";
import { type NeedleVariant, needleVariants } from "../../lib/evaluation/mod.ts";
import { type AskedPlan, labels } from "./plan.ts";

/** What the command was asked for. */
export interface CompareArguments extends AskedPlan {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  /** Seed of the contexts. */
  readonly seed: number;
  /** Where rows are kept as JSON, and taken up again; undefined: nowhere. */
  readonly json?: string;
  /** Leaves the time per token out. */
  readonly untimed: boolean;
  /** A file of rows to write as Markdown; nothing is measured. */
  readonly report?: string;
  /** Folder of report.html. */
  readonly out: string;
}

/** Arguments that can't be: the message says which and what would be right. */
export class ArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "ArgumentsError";
}

/** What the command takes. */
export const USAGE: string = `usage: deno task compare [options]

Sets attention methods side by side on the embedded model: exact match on needles hidden in prose, perplexity, tokens attended to,
bytes that stay and bytes that are read for a token. Inside the trained window at an eighth of it, and beyond it. Each method's
knobs are tried on contexts of their own first, as many settings for each. Prints a table and writes a page.

  --quick             three minutes: 512 and 1,024 tokens, plain needles, 4 questions a figure, usual knobs
  --length N,N,...    lengths in tokens (default 512, 2048, 8192, 32768, 65536; on a software adapter methods whose work
                      grows with the length stop at 4,096)
  --method NAME,...   only these; ${labels().join(", ")}
  --variant NAME,...  what is hidden: ${needleVariants.join(", ")} (default plain, chain)
  --haystacks N       contexts of a reported figure (default 13 to 3, fewer the longer they are, 50 questions and more)
  --untimed           leaves the time per token out, for runs that share the adapter with others; a later run
                      without it times the rows of --json that lack one
  --json FILE         keeps the rows; contexts that it has already are not read again
  --report FILE       writes the rows of such a file as Markdown beside it, and measures nothing
  --seed N            seed of the contexts (default 1)
  --out FOLDER        folder of report.html (default results/compare)
  --help              prints this`;

const whole = (name: string, least: number, most: number) =>
  z.string().transform((text, context) => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    context.addIssue({ code: "custom", message: `${name} "${text}" must be a whole number from ${least} to ${most}` });
    return z.NEVER;
  });
const one = (name: string, values: readonly string[]) =>
  z.string().refine((text) => values.includes(text), {
    error: ({ input }) => `${name} "${input}" is none; there are ${values.join(", ")}`,
  });
const path = (name: string) => z.string().min(1, `${name} must name a file or folder, not be empty`);

const schema = z.object({
  help: z.boolean().default(false),
  quick: z.boolean().default(false),
  untimed: z.boolean().default(false),
  length: z.array(whole("--length", 256, 2 ** 20)).optional(),
  method: z.array(one("--method", labels())).optional(),
  variant: z.array(one("--variant", needleVariants)).optional(),
  haystacks: whole("--haystacks", 1, 1000).optional(),
  seed: whole("--seed", 0, 2 ** 31).default(1),
  json: path("--json").optional(),
  report: path("--report").optional(),
  out: path("--out").default("results/compare"),
});

/**
 * Reads the command's arguments.
 *
 * @throws {ArgumentsError} saying what is wrong.
 */
export function parseCompareArguments(args: readonly string[]): CompareArguments {
  const values = split(args);
  const parts = (list: string[] | undefined) => list?.flatMap((text) => text.split(",")).map((part) => part.trim());
  const { length, method, variant } = values;
  const parsed = schema.safeParse({ ...values, length: parts(length), method: parts(method), variant: parts(variant) });
  if (!parsed.success) throw new ArgumentsError(parsed.error.issues.map(({ message }) => message).join("\n"));
  const { data } = parsed;
  return {
    help: data.help,
    quick: data.quick,
    untimed: data.untimed,
    seed: data.seed,
    out: data.out,
    ...(data.length && { lengths: [...new Set(data.length)] }),
    ...(data.method && { methods: data.method }),
    ...(data.variant && { variants: data.variant as NeedleVariant[] }),
    ...(data.haystacks !== undefined && { haystacks: data.haystacks }),
    ...(data.json !== undefined && { json: data.json }),
    ...(data.report !== undefined && { report: data.report }),
  };
}

function split(args: readonly string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    ...{ help: flag, quick: flag, untimed: flag, length: list, method: list, variant: list },
    ...{ haystacks: text, seed: text, json: text, report: text, out: text },
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new ArgumentsError(error instanceof Error ? error.message : String(error));
  }
}
