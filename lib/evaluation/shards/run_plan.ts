import * as z from "../../zod.ts";
import { parsePlanFile } from "./plan_file.ts";
import { parseSweepSpec, specFields, type SweepSpec } from "../sweep/spec.ts";

/** Version of run folders that this toolkit writes and reads. */
export const RUN_VERSION = 1;

/** What a run is: written once, before anything runs, and never changed. */
export interface RunPlan {
  /** Version of the folder's layout. */
  readonly version: typeof RUN_VERSION;
  /** Tells the run from all others: eight hexadecimal digits. */
  readonly id: string;
  /** The run's name. */
  readonly name: string;
  /** When it was planned, ISO 8601. */
  readonly createdAt: string;
  /** Version of the toolkit that planned it. */
  readonly toolkit: string;
  /** How many trials there are. */
  readonly trials: number;
  /** How many tasks they were dealt to, numbered from 0. */
  readonly tasks: number;
  /** The folder that relative paths, such as the model's, are read from. */
  readonly cwd: string;
  /** The sweep's SQLite file, which results are collected into. */
  readonly out: string;
  /** Who runs the tasks: "local" or "slurm". */
  readonly executor: string;
  /** What that one was told. */
  readonly options: Readonly<Record<string, unknown>>;
  /** A folder of each machine where readings are kept for its processes; undefined: none are. */
  readonly readings?: string;
  /** The sweep. */
  readonly spec: SweepSpec;
}

const planSchema = z.strictObject({
  version: z.literal(RUN_VERSION, `must be ${RUN_VERSION}, the version of run folders that this toolkit knows`),
  id: z.string().check(z.regex(/^[0-9a-f]{8}$/)),
  name: z.string().check(z.minLength(1)),
  createdAt: z.string(),
  toolkit: z.string(),
  trials: z.int().check(z.minimum(1)),
  tasks: z.int().check(z.minimum(1)),
  cwd: z.string().check(z.minLength(1)),
  out: z.string().check(z.minLength(1)),
  executor: z.string().check(z.minLength(1)),
  options: z.record(z.string(), z.unknown()),
  readings: z.optional(z.string().check(z.minLength(1))),
  spec: z.unknown(),
});

/** A plan as it is written. */
export function planJson(plan: RunPlan): string {
  return `${JSON.stringify({ ...plan, spec: specFields(plan.spec) }, null, 2)}\n`;
}

/**
 * Checks a plan read from a file.
 *
 * @param path named in errors
 * @throws {RangeError} naming each field that is wrong.
 */
export function parsePlan(text: string, path: string): RunPlan {
  const plan = parsePlanFile(text, path, planSchema);
  return { ...plan, spec: parseSweepSpec(plan.spec) };
}
