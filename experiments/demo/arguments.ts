import { parseArgs } from "node:util";
import { z } from "zod";
import { type MethodName, methodNames } from "../../lib/attention/mod.ts";
import { plannedLengths } from "./plan.ts";

/** What the demo was asked for. */
export interface DemoArguments {
  /** Prints the usage and nothing else. */
  help: boolean;
  /** Makes the strict figures instead of the short table. */
  full: boolean;
  /** A model's folder or URL; "demo" is the embedded one. */
  model: string;
  /** A person's own text instead of the novels. */
  own?: { haystack: string; needle: string; question: string; answer?: string };
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

const LEAST_LENGTH = 256;
const MOST_LENGTH = 2 ** 24;

/** What the command takes. */
export const USAGE: string = `usage: deno task demo [options]
       deno task demo --haystack FILE --needle TEXT --question TEXT [options]

Hides needles in prose of ${plannedLengths.map(String).join(", ")} tokens, lets each attention method look for them,
prints a table and writes a page that opens without network. With --haystack: hides your sentence in your text.

  --length N,N,...    lengths in tokens, context with question and answer, ${LEAST_LENGTH} to ${MOST_LENGTH}
  --method NAME,...   ${methodNames.join(", ")}
                      (default: those that the plan has at each length)
  --full              the strict figures: 10 contexts and 50 questions or more each, whole answers, harder ones;
                      more than half an hour on two CPU cores
  --haystack FILE     a text file (UTF-8) to hide a sentence in, near its middle
  --needle TEXT       the sentence, such as "The secret code of Zena is 482 913."
  --question TEXT     the question, such as "What is the secret code of Zena?"
  --answer TEXT       what the answer must hold (default: the needle's words that the question lacks)
  --model FOLDER      another model than the embedded one (a folder or URL with config.json)
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

const sentence = (name: string) =>
  z.string().refine((text) => /[\p{L}\p{N}]/u.test(text), `${name} must be a text with a word in it`);

const schema = z.object({
  help: z.boolean().default(false),
  length: z.array(z.string().transform(wholeNumber("--length", LEAST_LENGTH, MOST_LENGTH))).optional(),
  method: z.array(z.enum(methodNames as [MethodName, ...MethodName[]], {
    error: ({ input }) => `--method "${input}" is none; the methods are ${methodNames.join(", ")}`,
  })).optional(),
  seed: z.string().default("1").transform(wholeNumber("--seed", 0, 2 ** 32 - 1)),
  full: z.boolean().default(false),
  model: path("--model").default("demo"),
  haystack: path("--haystack").optional(),
  needle: sentence("--needle").optional(),
  question: sentence("--question").optional(),
  answer: sentence("--answer").optional(),
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
  const { help, full, model, length, method, seed, json, out } = parsed.data;
  const own = ownText(parsed.data);
  if (own && (full || length)) {
    throw new ArgumentsError(`--haystack reads the whole file: leave out ${full ? "--full" : "--length"}`);
  }
  return {
    help,
    full,
    model,
    seed,
    out,
    ...(own && { own }),
    ...(length && { lengths: [...new Set(length)].sort((a, b) => a - b) }),
    ...(method && { methods: methodNames.filter((name) => method.includes(name)) }),
    ...(json !== undefined && { json }),
  };
}

function ownText({ haystack, needle, question, answer }: z.infer<typeof schema>): DemoArguments["own"] {
  const given = Object.entries({ haystack, needle, question }).filter(([, value]) => value !== undefined);
  if (given.length === 0 && answer === undefined) return undefined;
  if (haystack !== undefined && needle !== undefined && question !== undefined) {
    return { haystack, needle, question, ...(answer !== undefined && { answer }) };
  }
  const missing = ["haystack", "needle", "question"].filter((name) => !given.some(([known]) => known === name));
  throw new ArgumentsError(
    `--haystack, --needle and --question belong together: ${missing.map((name) => `--${name}`).join(" and ")} missing`,
  );
}

function splitArguments(args: readonly string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  const flag = { type: "boolean" } as const;
  const own = { haystack: text, needle: text, question: text, answer: text } as const;
  const options = {
    help: flag,
    full: flag,
    length: list,
    method: list,
    seed: text,
    json: text,
    out: text,
    model: text,
    ...own,
  };
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new ArgumentsError((error as Error).message);
  }
}
