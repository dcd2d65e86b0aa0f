import { countOf, executorFlags, type FlagValues, namedExecutor } from "../../executors/executor_flags.ts";
import type { SlurmOptions } from "../../executors/slurm_options.ts";
import { EvaluateArgumentsError } from "../arguments_error.ts";

/** Who answers the questions of an evaluation, where it is not this process. */
export type Spread =
  | { readonly executor: "local"; readonly workers: number }
  | { readonly executor: "slurm"; readonly options: SlurmOptions; readonly parts: number };

/** Options of the command line that say so; parseArgs' own form. */
export const spreadOptions = { ...executorFlags, parts: { type: "string" }, "at-once": { type: "string" } } as const;

/** What is typed for them. */
export type SpreadValues = FlagValues<typeof spreadOptions>;

/** Parts of an evaluation where nobody says how many. */
const PARTS = 32;

/**
 * Who is to answer; undefined where nobody was named.
 *
 * @throws {EvaluateArgumentsError} for names and options that can't be.
 */
export function spreadOf(values: SpreadValues): Spread | undefined {
  const wrong = EvaluateArgumentsError;
  const named = namedExecutor(values, { atOnce: "at-once", onlySlurm: ["parts"], wrong });
  return named?.executor === "slurm" ? { ...named, parts: countOf("--parts", values.parts, wrong) ?? PARTS } : named;
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
