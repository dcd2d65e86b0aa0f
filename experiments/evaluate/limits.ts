import { longBenchLimits, type Release } from "../../lib/evaluation/mod.ts";
import type { EvaluateArguments } from "./arguments.ts";
import { shortName } from "./run.ts";

/** Most tokens of a prompt where nothing is said: for models of 32k, of 16k, and of 128k, by the benchmarks' own rules. */
const DEFAULTS = {
  "longbench": 31500,
  "longbench-e": 31500,
  "leval": 16 * 1000 - 512,
  "infinitebench": 127500,
} as const;

/** Most tokens of a prompt. */
export async function mostTokens(asked: EvaluateArguments, release: Release | undefined): Promise<number> {
  if (asked.maxLength !== undefined) return asked.maxLength;
  const { benchmark } = asked;
  if (!(benchmark in DEFAULTS)) return Infinity;
  const known = release && benchmark.startsWith("longbench") ? await longBenchLimits(release) : {};
  return known[shortName(asked.model)] ?? DEFAULTS[benchmark as keyof typeof DEFAULTS];
}
