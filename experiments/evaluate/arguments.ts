import { parseArgs } from "node:util";
import { z } from "zod";
import { EvaluateArgumentsError } from "./arguments_error.ts";
import { type Spread, spreadOf, spreadOptions, type SpreadValues, withoutSpread } from "./spread/choice.ts";
import { type Knobs, type MethodName, methodNames, paperKnobs } from "../../lib/attention/mod.ts";

/** What can be evaluated. */
const benchmarkNames = [
  "longbench",
  "longbench-e",
  "leval",
  "infinitebench",
  "ruler",
  "niah",
  "retrieval",
  "perplexity",
] as const;

/** One of them. */
export type BenchmarkName = typeof benchmarkNames[number];

/** What the command was asked for. */
export interface EvaluateArguments {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  readonly benchmark: BenchmarkName;
  /** The embedded model, a folder, a URL or a name on the hub. */
  readonly model: string;
  /** Revision of a model on the hub. */
  readonly revision?: string;
  readonly methods: readonly MethodName[];
  /** What differs from the model's preset, for all methods. */
  readonly knobs: Partial<Knobs>;
  readonly weights: "f32" | "f16";
  /** Folders of a release, the first that has a file wins; "hub" stands for the benchmark's data set there. */
  readonly data: readonly string[];
  readonly tasks?: readonly string[];
  /** Questions of each task. */
  readonly limit?: number;
  /** Lengths of generated questions, or of perplexity's text. */
  readonly lengths?: readonly number[];
  /** Questions of each generated task and length; contexts of each cell of a grid. */
  readonly samples?: number;
  readonly depths?: readonly number[];
  readonly together: boolean;
  /** Needles of a cell, asked for at once. */
  readonly several?: number;
  readonly protocol: "gkamradt" | "needlebench";
  readonly reserve?: number;
  readonly seed: number;
  /** Most tokens of a prompt. */
  readonly maxLength?: number;
  /** Most tokens of an answer, for all tasks. */
  readonly maxNew?: number;
  readonly rules: "official" | "opencompass";
  readonly templateSet?: string;
  readonly prompts?: "official" | "plain";
  readonly chat: boolean;
  readonly haystack?: readonly string[];
  readonly needles?: string;
  readonly language?: string;
  readonly squad?: string;
  readonly hotpot?: string;
  /** Tokens of a perplexity bin. */
  readonly bin?: number;
  /** Scored rows of each bin that causal selection reads one by one; undefined: all of them. */
  readonly rows?: number;
  readonly compare?: string;
  /** Asks questions again that failed in an earlier run. */
  readonly retryFailed: boolean;
  readonly out: string;
  /** Who answers, where it is not this process. */
  readonly spread?: Spread;
  /** The arguments without those that say who answers. */
  readonly args: readonly string[];
}

export { EvaluateArgumentsError };

/** What the command takes. */
export const USAGE: string = `usage: deno task evaluate --benchmark NAME [options]

Puts a benchmark's questions to a model by several attention methods. Each answer is written to the disk in the layout that
the benchmark's own scripts read, before the next question is asked; a run that was stopped goes on where it was.

       deno task evaluate status|cancel|resume|collect FOLDER
Of an evaluation that a cluster answers (--executor slurm): how far it is, its end, what is missing, and its answers.

  --benchmark NAME    longbench, longbench-e, leval, infinitebench (questions of the official release, see --data),
                      ruler, niah (needle grid), retrieval (InfiniteBench's pass key, number and key-value tasks),
                      perplexity (questions and texts made here, at any length)
  --model NAME        demo, a folder, or organization/name on the hub (default demo); --revision NAME
  --methods NAME,...  ${methodNames.join(", ")}
                      (default full,streaming,reattention)
  --knobs NAME=V,...  what differs from the model's preset, such as k=8,window=2048,chunkSize=512
  --weights f32|f16   type of the matrices on the GPU (default f32)
  --tasks NAME,...    only these tasks (default: all)
  --limit N           only the first N questions of each task
  --max-length N      most tokens of a prompt (default: LongBench 31500, or what config/model2maxlen.json says of the model;
                      L-Eval 15488; InfiniteBench 127500)
  --max-new N         most tokens of an answer (default: the benchmark's)
  --out FOLDER        where answers and tables go (default results/evaluate/NAME); several processes may share one
  --retry-failed      asks questions again that could not be answered in an earlier run
  --executor local:4  processes of this machine answer; --executor slurm: a job array, with --parts N (default 32),
                      --at-once N, --partition, --gres, --time, --account, and --sbatch OPTION for others of sbatch's
  --compare FILE      puts published scores beside ours: JSON with "source" and "rows" of "name" and "scores" by task

  releases
  --data DIR,...      folders of the release: data and, where they lie apart, the repository with prompts and lengths; hub
                      for the data set on the hub (default data/NAME)
  --rules NAME        official, or opencompass, as the ReAttention paper's numbers were made: with its prompts, lengths and
                      patterns for letters where --data has its repository (default official)
  --prompts plain     L-Eval without the release's scripts: prompts of this toolkit, not comparable with published scores
  --template-set NAME InfiniteBench's templates in src/prompt.py (default yarn_mistral)
  --no-chat           no chat template, also where the benchmark asks for it

  made here
  --lengths N,...     tokens of prompt and answer (default ruler 4096; niah 512 to 8192; retrieval 4096; perplexity: the text)
  --samples N         questions of each task and length (default 10), for niah contexts of each cell (default 1)
  --seed N            (default 1)
  --haystack FILE,... text to hide in, in any language, or to score (UTF-8; default: novels that the toolkit carries)
  --depths N,...      niah: where needles go in percent, or a number of even steps with one N above 1 (default 11)
  --together          niah: the needles of all depths in one context, read once and asked one by one
  --several N         niah: N needles in each context, from the depth evenly to the end, all asked for at once
  --protocol NAME     niah: gkamradt (behind a sentence) or needlebench (anywhere, on a line) (default gkamradt)
  --reserve N         niah: tokens kept for question and answer (default 64 with our needles, else 200)
  --needles FILE      niah: needles.jsonl in NeedleBench's layout; --language NAME takes rows of one language
  --squad, --hotpot FILE   ruler: your files for qa_1 and qa_2
  --bin N             perplexity: tokens of a bin (default 1024)
  --rows N            perplexity: scored tokens of each bin for methods that select, one step each (default 256; 0: all)
  --help              prints this`;

const whole = (name: string, least: number, most = 2 ** 32 - 1) =>
  z.string().transform((text, context) => {
    const number = /^\d+$/.test(text.replaceAll("_", "")) ? Number(text.replaceAll("_", "")) : NaN;
    if (number >= least && number <= most) return number;
    context.addIssue({ code: "custom", message: `${name} "${text}" must be a whole number from ${least} to ${most}` });
    return z.NEVER;
  });
const named = (name: string) => z.string().min(1, `${name} must not be empty`);
const parts = (text: string | undefined) => text?.split(",").map((part) => part.trim()).filter((part) => part !== "");
const listOf = (name: string) =>
  named(name).transform((text, context) => {
    const list = parts(text)!;
    if (list.length > 0) return list;
    context.addIssue({ code: "custom", message: `${name} must list at least one` });
    return z.NEVER;
  });

const schema = z.object({
  help: z.boolean().default(false),
  benchmark: z.enum(benchmarkNames, {
    error: ({ input }) =>
      input === undefined
        ? `name one with --benchmark: ${benchmarkNames.join(", ")}`
        : `--benchmark "${input}" is none; there are ${benchmarkNames.join(", ")}`,
  }),
  model: named("--model").default("demo"),
  revision: named("--revision").optional(),
  methods: listOf("--methods").default(["full", "streaming", "reattention"]).pipe(
    z.array(z.enum(methodNames as [MethodName, ...MethodName[]], {
      error: ({ input }) => `--methods "${input}" is none; the methods are ${methodNames.join(", ")}`,
    })),
  ),
  knobs: z.string().default("").transform(parseKnobs),
  weights: z.enum(["f32", "f16"], "--weights must be f32 or f16").default("f32"),
  data: listOf("--data").optional(),
  tasks: listOf("--tasks").optional(),
  limit: whole("--limit", 1).optional(),
  lengths: listOf("--lengths").pipe(z.array(whole("--lengths", 64, 2 ** 24))).optional(),
  samples: whole("--samples", 1).optional(),
  depths: listOf("--depths").pipe(z.array(z.string())).transform(parseDepths).optional(),
  together: z.boolean().default(false),
  several: whole("--several", 1, 100).optional(),
  protocol: z.enum(["gkamradt", "needlebench"], "--protocol must be gkamradt or needlebench").default("gkamradt"),
  reserve: whole("--reserve", 1).optional(),
  seed: whole("--seed", 0).default(1),
  "max-length": whole("--max-length", 16).optional(),
  "max-new": whole("--max-new", 1).optional(),
  rules: z.enum(["official", "opencompass"], "--rules must be official or opencompass").default("official"),
  "template-set": named("--template-set").optional(),
  prompts: z.enum(["official", "plain"], "--prompts must be official or plain").optional(),
  "no-chat": z.boolean().default(false),
  haystack: listOf("--haystack").optional(),
  needles: named("--needles").optional(),
  language: named("--language").optional(),
  squad: named("--squad").optional(),
  hotpot: named("--hotpot").optional(),
  bin: whole("--bin", 1).optional(),
  rows: whole("--rows", 0).optional(),
  compare: named("--compare").optional(),
  "retry-failed": z.boolean().default(false),
  out: named("--out").optional(),
});

function parseKnobs(text: string, context: z.RefinementCtx): Partial<Knobs> {
  const entries = parts(text)!.map((part) => part.split(/=(.*)/s).slice(0, 2));
  const wrong = entries.find(([name, value]) => !Object.hasOwn(paperKnobs, name) || value === undefined);
  if (wrong) {
    const known = Object.keys(paperKnobs).join(", ");
    context.addIssue({
      code: "custom",
      message: `--knobs "${wrong.join("=")}" must be NAME=VALUE; the knobs are ${known}`,
    });
    return z.NEVER;
  }
  return Object.fromEntries(entries.map(([name, value]) => {
    return [name, value === "true" ? true : value === "false" ? false : /^-?\d+$/.test(value) ? Number(value) : value];
  })) as Partial<Knobs>;
}

/** A number of even steps, or percents. */
function parseDepths(list: readonly string[], context: z.RefinementCtx): number[] {
  const numbers = list.map(Number);
  if (numbers.length === 1 && Number.isInteger(numbers[0]) && numbers[0] > 1) {
    return Array.from({ length: numbers[0] }, (_, index) => index / (numbers[0] - 1));
  }
  if (numbers.every((number) => number >= 0 && number <= 100)) return numbers.map((number) => number / 100);
  context.addIssue({
    code: "custom",
    message: `--depths "${list.join(",")}" must be percents from 0 to 100, or one number of steps`,
  });
  return z.NEVER;
}

/**
 * Reads the command's arguments.
 *
 * @throws {EvaluateArgumentsError} saying what is wrong.
 */
export function parseEvaluateArguments(args: readonly string[]): EvaluateArguments {
  const values = split(args);
  if (values.help) return { ...parsed({ benchmark: "niah" }), help: true, args };
  const spread = spreadOf(values as SpreadValues);
  if (spread && values.benchmark === "perplexity") {
    throw new EvaluateArgumentsError("--executor doesn't go with perplexity: there are no questions to share out");
  }
  const own = Object.entries(values).filter(([name]) => !Object.hasOwn(spreadOptions, name));
  return { ...parsed(Object.fromEntries(own)), ...(spread && { spread }), args: withoutSpread(args) };
}

function parsed(values: Record<string, unknown>): Omit<EvaluateArguments, "args"> {
  const result = schema.safeParse(values);
  if (!result.success) throw new EvaluateArgumentsError(result.error.issues.map(({ message }) => message).join("\n"));
  const {
    "max-length": maxLength,
    "max-new": maxNew,
    "template-set": templateSet,
    "no-chat": noChat,
    "retry-failed": retryFailed,
    ...rest
  } = result.data;
  const { data = [`data/${rest.benchmark}`], out = `results/evaluate/${rest.benchmark}` } = rest;
  return { ...rest, retryFailed, maxLength, maxNew, templateSet, chat: !noChat, data, out: out.replace(/\/+$/, "") };
}

const FLAGS = ["help", "together", "no-chat", "retry-failed"];

function split(args: readonly string[]): Record<string, unknown> {
  const own = Object.fromEntries(
    Object.keys(schema.shape).map((name) => {
      return [name, { type: FLAGS.includes(name) ? "boolean" : "string" } as const];
    }),
  );
  try {
    return parseArgs({ args: [...args], options: { ...own, ...spreadOptions }, allowPositionals: false }).values;
  } catch (error) {
    throw new EvaluateArgumentsError((error as Error).message);
  }
}
