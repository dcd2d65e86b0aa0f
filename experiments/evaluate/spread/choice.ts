import { z } from "zod";
import { likeCards } from "../../executors/like_cards.ts";
import { parseSlurmOptions, type SlurmOptions } from "../../executors/slurm_options.ts";
import { EvaluateArgumentsError } from "../arguments_error.ts";

/** Who answers the questions of an evaluation, where it is not this process. */
export type Spread =
  | { readonly executor: "local"; readonly workers: number }
  | { readonly executor: "slurm"; readonly options: SlurmOptions; readonly parts: number };

/** Options of the command line that say so; parseArgs' own form. */
export const spreadOptions = {
  executor: { type: "string" },
  parts: { type: "string" },
  "at-once": { type: "string" },
  partition: { type: "string" },
  gres: { type: "string" },
  time: { type: "string" },
  account: { type: "string" },
  sbatch: { type: "string", multiple: true },
} as const;

/** What is typed for them. */
export type SpreadValues = { [Name in keyof typeof spreadOptions]?: Name extends "sbatch" ? string[] : string };

/** What of it goes with Slurm alone. */
const ONLY_SLURM = ["parts", "at-once", "partition", "gres", "time", "account", "sbatch"] as const;
/** Parts of an evaluation where nobody says how many. */
const PARTS = 32;

const count = z.string().regex(/^[1-9]\d{0,8}$/).transform(Number);

function countOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const read = count.safeParse(text);
  if (read.success) return read.data;
  throw new EvaluateArgumentsError(`${flag} ${JSON.stringify(text)} must be a whole number of at least 1`);
}

/**
 * Who is to answer; undefined where nobody was named.
 *
 * @throws {EvaluateArgumentsError} for names and options that can't be.
 */
export function spreadOf(values: SpreadValues): Spread | undefined {
  const { executor } = values;
  const foreign = ONLY_SLURM.find((name) => values[name] !== undefined);
  if (foreign && executor !== "slurm") throw new EvaluateArgumentsError(`--${foreign} goes with --executor slurm`);
  if (executor === undefined) return undefined;
  if (executor === "slurm") return slurmOf(values);
  const [, , workers] = /^local(:([1-9]\d{0,3}))?$/.exec(executor) ?? [];
  if (executor !== "local" && workers === undefined) {
    const right = "must be slurm, local or local:COUNT, such as local:4";
    throw new EvaluateArgumentsError(`--executor ${JSON.stringify(executor)} ${right}`);
  }
  return { executor: "local", workers: workers ? Number(workers) : Math.max(1, likeCards().length) };
}

function slurmOf(values: SpreadValues): Spread {
  const limit = countOf("--at-once", values["at-once"]);
  const named = (["partition", "gres", "time", "account"] as const).flatMap((name) =>
    values[name] === undefined ? [] : [`--${name}=${values[name]}`]
  );
  const parts = countOf("--parts", values.parts) ?? PARTS;
  try {
    const sbatch = [...named, ...values.sbatch ?? []];
    return { executor: "slurm", options: parseSlurmOptions({ ...(limit && { limit }), sbatch }), parts };
  } catch (error) {
    throw new EvaluateArgumentsError((error as Error).message);
  }
}

/** Arguments without those that say who answers: what each worker is given. */
export function withoutSpread(args: readonly string[]): string[] {
  const names = Object.keys(spreadOptions);
  const kept: string[] = [];
  for (let place = 0; place < args.length; place++) {
    const name = names.find((option) => args[place] === `--${option}` || args[place].startsWith(`--${option}=`));
    if (name === undefined) kept.push(args[place]);
    else if (args[place] === `--${name}`) place++;
  }
  return kept;
}
