import { parseArgs } from "node:util";
import { z } from "zod";
import {
  type Knobs,
  type MethodName,
  methodNames,
  paperKnobs,
  type StorageType,
  type ValuesPlace,
  valuesPlaces,
} from "../../lib/attention/mod.ts";

/** What the command was asked for. */
export interface NeedleArguments {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  /** A model's folder or URL; "demo" is the embedded one. */
  readonly model: string;
  /** Lengths in tokens, in the order given. */
  readonly lengths: readonly number[];
  /** Methods, each at every length. */
  readonly methods: readonly MethodName[];
  /** Questions about each haystack. */
  readonly questions: number;
  /** Haystacks of each row. */
  readonly haystacks: number;
  /** No haystack of a row is begun after so many seconds. */
  readonly seconds: number;
  /** What differs from the model's preset. */
  readonly knobs: Partial<Knobs>;
  /** What differs from that while the haystack is read; undefined: what the method reads with. */
  readonly reading?: Partial<Knobs>;
  /** Storage of keys and values. */
  readonly storage: StorageType;
  /** Where values lie; undefined: on the GPU, or where those of a restored session lay. */
  readonly valuesOn?: ValuesPlace;
  /** Seed of the haystacks. */
  readonly seed: number;
  /** Where the rows go as JSON; undefined: nowhere. */
  readonly json?: string;
  /** Where the session that read the haystack goes; undefined: nowhere. */
  readonly save?: string;
  /** A file of such a session, taken instead of reading. */
  readonly restore?: string;
  /** Where the curve of exact match against length goes; undefined: nowhere. */
  readonly figure?: string;
  /** Files of rows that the curve holds too. */
  readonly draw: readonly string[];
}

/** Arguments that can't be: the message says which and what would be right. */
export class NeedleArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "NeedleArgumentsError";
}

const LEAST_LENGTH = 256;
const MOST_LENGTH = 2 ** 25;

/** What the command takes. */
export const USAGE: string = `usage: deno task needle --length 1M [options]
       deno task needle --draw FILE,... --figure FILE

Hides needles all over one long context, reads it once and asks for each of them from a fork of the cache.

  --length N,N,...    tokens of context, question and answer: ${LEAST_LENGTH} to 32M; 64K is 65,536, 1M 1,048,576
  --method NAME,...   ${methodNames.join(", ")}
                      (default reattention-window: reads with leading tokens and window, selects from the question on)
  --questions N       questions about each haystack, each about a needle of its own where they fit (default 40)
  --haystacks N       haystacks of each row (default 1)
  --seconds N         begins no further haystack of a row after so long; the row says how many were read
  --set NAME=VALUE    a knob, such as k=8 (may be given several times)
  --read NAME=VALUE   a knob while the haystack is read, where it differs from --set's (may be given several times)
  --storage NAME      f32, f16 or int8: type of keys and values in the cache (default f32)
  --values-on PLACE   gpu (default), host or file: values in the machine's memory or in a file, as f32; --restore takes them as the
                      file has them, to where --save had them or where this says
  --model FOLDER      another model than the embedded one (a folder or URL with config.json)
  --seed N            seed of the haystacks (default 1)
  --json FILE         also writes the rows as JSON, each as soon as it is there
  --figure FILE       draws exact match against length, as a page (.html) or as plotly's JSON (.json)
  --draw FILE,...     rows of earlier runs (--json) for the same figure; without --length nothing else is done
  --save FILE         writes the session that has read the haystack, for --restore (one length, method and haystack)
  --restore FILE      takes that instead of reading; length, method, seed, storage and knobs of reading must be the same
  --help              prints this`;

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20 };

const tokens = z.string().transform((text, context) => {
  const [, digits, unit] = /^(\d+)([KM]?)$/i.exec(text.replaceAll("_", "")) ?? [];
  const number = digits ? Number(digits) * UNITS[unit.toUpperCase()] : NaN;
  if (number >= LEAST_LENGTH && number <= MOST_LENGTH) return number;
  const message = `--length "${text}" must be a whole number from ${LEAST_LENGTH} to 32M, such as 65536, 64K or 1M`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});
const whole = (name: string, least: number, most: number) =>
  z.string().transform((text, context) => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN;
    if (number >= least && number <= most) return number;
    context.addIssue({ code: "custom", message: `${name} "${text}" must be a whole number from ${least} to ${most}` });
    return z.NEVER;
  });
const path = (name: string) => z.string().min(1, `${name} must name a file or folder, not be empty`);

const schema = z.object({
  help: z.boolean().default(false),
  model: path("--model").default("demo"),
  length: z.array(tokens).default([]),
  method: z.array(z.enum(methodNames as [MethodName, ...MethodName[]], {
    error: ({ input }) => `--method "${input}" is none; the methods are ${methodNames.join(", ")}`,
  })).default(["reattention-window"]),
  questions: whole("--questions", 1, 100).default(40),
  haystacks: whole("--haystacks", 1, 1000).default(1),
  seconds: whole("--seconds", 1, 10 ** 6).default(Infinity),
  set: z.array(z.string()).default([]).transform(assignments("--set")),
  read: z.array(z.string()).optional().transform((list, context) => list && assignments("--read")(list, context)),
  storage: z.enum(["f32", "f16", "int8"], {
    error: ({ input }) => `--storage "${input}" is none; there are f32, f16 and int8`,
  }).default("f32"),
  "values-on": z.enum(valuesPlaces, {
    error: ({ input }) => `--values-on "${input}" must be ${valuesPlaces.join(", ")}`,
  }).optional(),
  seed: whole("--seed", 0, 2 ** 32 - 1).default(1),
  json: path("--json").optional(),
  save: path("--save").optional(),
  restore: path("--restore").optional(),
  figure: path("--figure").regex(/\.(html|json)$/i, "--figure must end in .html or .json").optional(),
  draw: z.array(path("--draw")).default([]),
}).superRefine(({ save, restore, length, method, haystacks, figure, draw }, context) => {
  if (length.length === 0 && draw.length === 0) {
    context.addIssue({ code: "custom", message: "name lengths with --length, such as --length 64K or --length 1M" });
  }
  if (draw.length > 0 && figure === undefined) {
    context.addIssue({ code: "custom", message: "--draw needs --figure FILE, where the curve goes" });
  }
  if (save === undefined && restore === undefined) return;
  const option = save === undefined ? "--restore" : "--save";
  const message = save !== undefined && restore !== undefined
    ? "--save and --restore exclude each other"
    : length.length * method.length * haystacks > 1
    ? `${option} takes one length, one method and one haystack`
    : undefined;
  if (message) context.addIssue({ code: "custom", message });
});

/** Takes NAME=VALUE apart; what a value may be is the knobs' own check. */
function assignments(option: string) {
  return (list: readonly string[], context: z.RefinementCtx): Partial<Knobs> => {
    const entries = list.map((text) => text.split(/=(.*)/s).slice(0, 2));
    const wrong = entries.find(([name, value]) => !Object.hasOwn(paperKnobs, name) || value === undefined);
    if (wrong) {
      const known = Object.keys(paperKnobs).join(", ");
      context.addIssue({
        code: "custom",
        message: `${option} "${wrong.join("=")}" must be NAME=VALUE; the knobs are ${known}`,
      });
      return z.NEVER;
    }
    return Object.fromEntries(entries.map(([name, value]) => [name, valueOf(value)])) as Partial<Knobs>;
  };
}

function valueOf(text: string): boolean | number | string {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

/**
 * Reads the command's arguments.
 *
 * @throws {NeedleArgumentsError} saying what is wrong.
 */
export function parseNeedleArguments(args: readonly string[]): NeedleArguments {
  const values = split(args);
  const listed = (list: string[] | undefined) => list?.flatMap((value) => value.split(",")).map((part) => part.trim());
  const length = values.help ? [`${LEAST_LENGTH}`] : listed(values.length);
  const lists = { length, method: listed(values.method), draw: listed(values.draw) };
  const parsed = schema.safeParse({ ...values, ...lists });
  if (!parsed.success) throw new NeedleArgumentsError(parsed.error.issues.map(({ message }) => message).join("\n"));
  const { length: lengths, method, set: knobs, read: reading, "values-on": valuesOn, ...rest } = parsed.data;
  const asked = { ...rest, lengths, methods: [...new Set(method)], knobs };
  return { ...asked, ...(reading && { reading }), ...(valuesOn && { valuesOn }) };
}

function split(args: readonly string[]) {
  const text = { type: "string" } as const;
  const list = { type: "string", multiple: true } as const;
  const options = {
    help: { type: "boolean" },
    model: text,
    length: list,
    method: list,
    questions: text,
    haystacks: text,
    seconds: text,
    set: list,
    read: list,
    storage: text,
    "values-on": text,
    seed: text,
    json: text,
    save: text,
    restore: text,
    figure: text,
    draw: list,
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new NeedleArgumentsError((error as Error).message);
  }
}
