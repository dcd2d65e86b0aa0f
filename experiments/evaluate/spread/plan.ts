import { z } from "zod";
import { parsePlanFile } from "../../../lib/evaluation/mod.ts";
import { fileExists, readText, writeAside } from "../../../lib/platform.ts";
import { parseSlurmOptions, type SlurmOptions } from "../../executors/slurm_options.ts";
import { workFolder } from "./folders.ts";

const VERSION = 1;

/** An evaluation that a cluster answers: written once, before anything runs. */
export interface SpreadPlan {
  /** Version of the file. */
  readonly version: typeof VERSION;
  /** Tells it from all others: eight hexadecimal digits. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** When it was planned, ISO 8601. */
  readonly createdAt: string;
  /** The folder that relative paths are read from. */
  readonly cwd: string;
  /** How many parts the questions are in. */
  readonly parts: number;
  /** The ordinary command's arguments. */
  readonly args: readonly string[];
  /** What Slurm is told. */
  readonly options: SlurmOptions;
}

const schema = z.strictObject({
  version: z.literal(VERSION, `must be ${VERSION}, the version that this toolkit knows`),
  id: z.string().regex(/^[0-9a-f]{8}$/),
  name: z.string().min(1),
  createdAt: z.string(),
  cwd: z.string().min(1),
  parts: z.number().int().min(1),
  args: z.array(z.string()),
  options: z.unknown(),
});

/** Whether an evaluation's folder was spread over a cluster. */
export async function isPlanned(out: string): Promise<boolean> {
  return await fileExists(`${workFolder(out)}/plan.json`);
}

/** Writes the plan. */
export async function writePlan(out: string, plan: SpreadPlan): Promise<void> {
  await writeAside(`${workFolder(out)}/plan.json`, `${JSON.stringify(plan, null, 2)}\n`);
}

/**
 * Reads the plan of an evaluation's folder.
 *
 * @throws {RangeError} where there is none, naming the file; or naming each field that is wrong.
 */
export async function readPlan(out: string): Promise<SpreadPlan> {
  const path = `${workFolder(out)}/plan.json`;
  if (!await fileExists(path)) {
    throw new RangeError(`${out} was not spread over a cluster: there is no ${path}; begin with --executor slurm`);
  }
  const plan = parsePlanFile(await readText(path), path, schema);
  return { ...plan, options: parseSlurmOptions(plan.options) };
}
