import { likeCards } from "./like_cards.ts";
import { parseSlurmOptions, type SlurmOptions } from "./slurm_options.ts";

/** Options of the command line that name who works and what Slurm is told; parseArgs' own form. */
export const executorFlags = {
  executor: { type: "string" },
  partition: { type: "string" },
  gres: { type: "string" },
  time: { type: "string" },
  account: { type: "string" },
  sbatch: { type: "string", multiple: true },
} as const;

/** What is typed for such options. */
export type FlagValues<Flags> = {
  [Name in keyof Flags]?: Flags[Name] extends { readonly multiple: true } ? string[] : string;
};

/** Who was named. */
export type NamedExecutor =
  | { readonly executor: "local"; readonly workers: number }
  | { readonly executor: "slurm"; readonly options: SlurmOptions };

/** How a command asks for it. */
export interface ExecutorQuestion {
  /** Its option for how many tasks run at once: "limit". */
  readonly atOnce: string;
  /** Its other options that go with Slurm alone. */
  readonly onlySlurm?: readonly string[];
  /** Its error for arguments that can't be. */
  readonly wrong: new (message: string) => Error;
}

const NAMED = ["partition", "gres", "time", "account"] as const;

/** A number that counts something. */
export function countOf(flag: string, text: string | undefined, wrong: ExecutorQuestion["wrong"]): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new wrong(`${flag} ${JSON.stringify(text)} must be a whole number of at least 1`);
}

/**
 * Who is to work; undefined where nobody was named.
 *
 * @throws an error of the command's own class for names and options that can't be.
 */
export function namedExecutor(
  values: FlagValues<typeof executorFlags> & Readonly<Record<string, unknown>>,
  { atOnce, onlySlurm = [], wrong }: ExecutorQuestion,
): NamedExecutor | undefined {
  const kind = values.executor;
  const foreign = [...onlySlurm, atOnce, ...NAMED, "sbatch"].find((name) => values[name] !== undefined);
  if (foreign && kind !== "slurm") throw new wrong(`--${foreign} goes with --executor slurm`);
  if (kind === undefined) return undefined;
  if (kind === "slurm") {
    const limit = countOf(`--${atOnce}`, values[atOnce] as string | undefined, wrong);
    return { executor: "slurm", options: slurmOptions(values, limit, wrong) };
  }
  const [, , workers] = /^local(:([1-9]\d{0,3}))?$/.exec(kind) ?? [];
  if (kind !== "local" && workers === undefined) {
    throw new wrong(`--executor ${JSON.stringify(kind)} must be slurm, local or local:COUNT, such as local:4`);
  }
  return { executor: "local", workers: workers ? Number(workers) : Math.max(1, likeCards().length) };
}

function slurmOptions(
  values: FlagValues<typeof executorFlags>,
  limit: number | undefined,
  wrong: ExecutorQuestion["wrong"],
): SlurmOptions {
  const named = NAMED.flatMap((name) => values[name] === undefined ? [] : [`--${name}=${values[name]}`]);
  try {
    return parseSlurmOptions({ ...(limit && { limit }), sbatch: [...named, ...values.sbatch ?? []] });
  } catch (error) {
    throw new wrong((error as Error).message);
  }
}
