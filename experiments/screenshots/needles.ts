import type { Figure } from "../../lib/viz/mod.ts";
import { needleFigure, readRows } from "../needle/figure.ts";
import { poolRows } from "../needle/pool.ts";

/** Exact match against length, up to millions of tokens, from the records of `deno task needle` on a GPU. */
export async function needleFigures(): Promise<Record<string, Figure>> {
  const records = new URL("../records/needle/h100.json", import.meta.url);
  return { needle_curve: needleFigure(poolRows(await readRows(records))) };
}
