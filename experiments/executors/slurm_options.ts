import { z } from "zod";

/** What Slurm is told of a run's tasks. */
export interface SlurmOptions {
  /** Most tasks that run at once; undefined: as many as the cluster lets. */
  readonly limit?: number;
  /** Options of sbatch, as they are passed on: "--partition=gpu". */
  readonly sbatch: readonly string[];
}

/** Options that sbatch gets from us: others in their place would lose tasks, logs or results. */
const OURS = [
  "array",
  "job-name",
  "output",
  "error",
  "open-mode",
  "chdir",
  "wrap",
  "parsable",
  "requeue",
  "no-requeue",
];
const OURS_SHORT = "aJoeD";

const sbatchOption = z.string().superRefine((text, context) => {
  const refuse = (message: string) =>
    context.addIssue({ code: "custom", message: `${JSON.stringify(text)} ${message}` });
  const name = /^--([a-z][\w-]*)(=.*)?$/s.exec(text)?.[1];
  const short = /^-([A-Za-z])/.exec(text)?.[1];
  if (!name && !short) refuse("must be one option of sbatch with its value, such as --qos=high");
  else if (name ? OURS.includes(name) : OURS_SHORT.includes(short!)) refuse("is set by this command itself");
});

const schema = z.strictObject({
  limit: z.number().int("must be a whole number").min(1, "must be at least 1").optional(),
  sbatch: z.array(sbatchOption),
});

/**
 * Checks options, typed or from a run's plan.
 *
 * @throws {RangeError} naming each that is wrong.
 */
export function parseSlurmOptions(value: unknown): SlurmOptions {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RangeError(
    `Slurm's options: ${parsed.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`).join("; ")}`,
  );
}
