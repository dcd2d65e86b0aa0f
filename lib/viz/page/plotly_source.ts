import { readText } from "../../platform.ts";

/**
 * The text of plotly.js with the kinds of figures drawn here, for pages that open without network.
 *
 * @example
 * ```ts
 * import { readPlotlySource } from "@reattention/toolkit/viz";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals((await readPlotlySource()).length > 1_000_000, true);
 * ```
 */
export async function readPlotlySource(): Promise<string> {
  return await readText(new URL(import.meta.resolve("plotly.js-cartesian-dist-min/plotly-cartesian.min.js")));
}

/** Never called: without an import of it, Deno does not fetch the package and has no file to give the address of. */
export const keepInGraph = (): Promise<unknown> => import("plotly.js-cartesian-dist-min");
