import { parseArgs } from "node:util";
import { z } from "zod";
import { type EvaluateArguments, EvaluateArgumentsError, parseEvaluateArguments } from "../evaluate/arguments.ts";
import { tableNames } from "./settings.ts";
import type { TableName } from "./settings.ts";

/** What the command was asked for. */
export interface ReproduceArguments {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  readonly table: TableName;
  /** Prints the plan and nothing else. */
  readonly plan: boolean;
  /** Tokens that the estimate reads by each method; 0: no estimate. Undefined: what the settings need. */
  readonly probe?: number;
  /** Only columns of these methods. */
  readonly methods?: readonly string[];
  /** What the user said of an evaluation; `asked.methods` and `asked.knobs` come from the settings. */
  readonly asked: EvaluateArguments;
  /** Options of the evaluation that the user gave: they stand instead of the paper's. */
  readonly given: Partial<EvaluateArguments>;
}

/** What the command takes. */
export const USAGE: string = `usage: deno task reproduce --model NAME --table ${tableNames.join("|")} [options]

Runs the ReAttention paper's settings of a table for a model, as the scripts of its release have them: which methods, knobs,
tasks and cuts of prompts. Prints the plan with hours and memory first (--plan ends there); a run that was stopped goes on
where it was. Published scores stand beside, each with its source.

  --model NAME        organization/name on the hub, a folder, or demo; --revision NAME
  --table NAME        ${tableNames.join(", ")}
  --data DIR,...      folders with the release's data and templates; hub for the data set on the hub
                      (default: hub, and data/TABLE where it is there)
  --out FOLDER        (default results/reproduce/MODEL/TABLE)
  --plan              prints the plan and ends
  --probe N           tokens that the estimate reads by each method (default: until selection is at work, a minute at most;
                      0: no estimate)
  --methods NAME,...  only columns of these methods
  --compare FILE      published scores, as for evaluate: the paper's own tables are in no file of its release
  --weights f32|f16   type of the matrices on the GPU (default f32)
  --tasks, --limit, --lengths, --samples, --depths, --reserve, --max-new, --seed, --template-set, --prompts, --haystack, --needles, --language, --squad,
  --hotpot            as for evaluate, instead of the paper's
  --help              prints this`;

/** Options that are handed to evaluate as they are. */
const SHARED = [
  ...["model", "revision", "data", "out", "compare", "weights", "tasks", "limit", "lengths", "samples", "max-new"],
  ...["depths", "reserve", "seed", "template-set", "prompts", "haystack", "needles", "language", "squad", "hotpot"],
];
const INSTEAD = ["tasks", "lengths", "samples", "depths", "reserve", "maxNew"] as const;

const schema = z.object({
  help: z.boolean().default(false),
  plan: z.boolean().default(false),
  table: z.enum(tableNames, {
    error: ({ input }) =>
      input === undefined
        ? `name one with --table: ${tableNames.join(", ")}`
        : `--table "${input}" is none; there are ${tableNames.join(", ")}`,
  }),
  model: z.string({ error: "name the model with --model: organization/name on the hub, a folder, or demo" })
    .min(1, "--model must not be empty"),
  methods: z.string().min(1, "--methods must not be empty").optional(),
  probe: z.string().regex(/^\d{1,8}$/, { error: ({ input }) => `--probe "${input}" must be a whole number from 0` })
    .transform(Number).optional(),
});

/**
 * Reads the command's arguments.
 *
 * @throws {EvaluateArgumentsError} saying what is wrong.
 */
export function parseReproduceArguments(args: readonly string[]): ReproduceArguments {
  const values = split(args);
  if (values.help) {
    const asked = parseEvaluateArguments(["--benchmark", "niah"]);
    return { help: true, table: "niah", plan: true, asked, given: {} };
  }
  const parsed = schema.safeParse(values);
  if (!parsed.success) throw new EvaluateArgumentsError(parsed.error.issues.map(({ message }) => message).join("\n"));
  const { table, model, plan, probe, methods } = parsed.data;
  const shared = SHARED.flatMap((name) => values[name] === undefined ? [] : [`--${name}`, String(values[name])]);
  const data = table === "ruler" || table === "niah" ? `data/${table}` : `hub,data/${table}`;
  const asked = parseEvaluateArguments([
    ...["--benchmark", table],
    ...(values.data === undefined ? ["--data", data] : []),
    ...(values.out === undefined ? ["--out", `results/reproduce/${shortFolder(model)}/${table}`] : []),
    ...(methods === undefined ? [] : ["--methods", methods]),
    ...shared,
  ]);
  const given = Object.fromEntries(
    INSTEAD.filter((name) => asked[name] !== undefined).map((name) => [name, asked[name]]),
  );
  return { help: false, table, plan, probe, methods: methods === undefined ? undefined : asked.methods, asked, given };
}

/** "organization--name", or a folder's last part. */
function shortFolder(model: string): string {
  const parts = model.split(/[/\\]/).filter((part) => part !== "" && part !== "." && part !== "..");
  const kept = /^[\w.-]+\/[\w.-]+$/.test(model) ? parts : parts.slice(-1);
  return kept.join("--").replace(/[^\w.-]/g, "_") || "model";
}

function split(args: readonly string[]): Record<string, unknown> {
  const own = Object.keys(schema.shape);
  const options = Object.fromEntries([...new Set([...own, ...SHARED])].map((name) => {
    return [name, { type: name === "help" || name === "plan" ? "boolean" : "string" } as const];
  }));
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new EvaluateArgumentsError((error as Error).message);
  }
}
