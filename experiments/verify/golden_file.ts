import { z } from "zod";
import { SafetensorsFile } from "../../lib/model/weights/safetensors.ts";

/** Steps of a golden, as its metadata tells them. */
export interface GoldenSteps {
  /** Least distance between the k-th score and the next different one, over all steps. */
  minScoreGap: number;
  /** The steps in order. */
  steps: readonly { start: number; length: number; mode: "full" | "window" | "select" }[];
}

const whole = z.number().int().min(0);
const schema = z.object({
  min_score_gap: z.number().nullable().optional(),
  steps: z.array(z.object({
    start: whole,
    length: whole.min(1),
    mode: z.enum(["full", "window", "select"]),
  })).min(1),
});

/** Opens a golden and reads what its metadata says. */
export async function openGolden(path: string): Promise<{ file: SafetensorsFile; knobs: unknown; about: GoldenSteps }> {
  const file = await SafetensorsFile.open(path);
  const knobs = metadata(file, "knobs");
  const parsed = schema.safeParse(metadata(file, "case"));
  if (!parsed.success) {
    const [{ path, message }, ...more] = parsed.error.issues;
    throw new RangeError(
      `metadata "case": ${path.join(".")}: ${message}${more.length ? ` (and ${more.length} more)` : ""}`,
    );
  }
  const { min_score_gap: gap, steps } = parsed.data;
  return { file, knobs, about: { minScoreGap: gap ?? Infinity, steps } };
}

function metadata(file: SafetensorsFile, name: string): unknown {
  const text = file.metadata[name];
  if (text === undefined) throw new RangeError(`the header's metadata has no "${name}"`);
  try {
    return JSON.parse(text);
  } catch {
    throw new RangeError(`the header's metadata "${name}" is not JSON`);
  }
}

/** Differing selections are excused below this distance of scores, in at most one step of a hundred. */
export const NEAR_TIE = 1e-5;

/** Whether so many excused steps are few enough. */
export function fewTies(ties: number, compared: number): boolean {
  return ties <= compared / 100;
}
