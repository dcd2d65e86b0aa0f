import { readText } from "../../lib/platform.ts";
import type { Figure } from "../../lib/viz/mod.ts";
import { recordRoofline } from "../bench/roofline.ts";
import { benchSchema } from "../bench/row.ts";

/** What bounds the kernels, by the bench's record of an H100. */
export async function benchedFigures(): Promise<Record<string, Figure>> {
  const file = new URL("../records/bench/h100.json", import.meta.url);
  return { roofline: recordRoofline(benchSchema.parse(JSON.parse(await readText(file)))) };
}
