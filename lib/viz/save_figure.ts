import { writeAside } from "../platform.ts";
import type { Figure } from "./figure.ts";
import { readPlotlySource } from "./plotly_source.ts";
import { renderReport } from "./report.ts";

/**
 * Writes a figure as a page of its own that opens without network, plotly.js inside.
 *
 * @param figure what to draw
 * @param path the file to write; it is written aside and renamed, and its folder is made where there is none
 * @param title heading of the page. Default: none
 * @throws {PlatformError} where the file can't be written, or in a browser.
 *
 * @example
 * ```ts
 * import { saveFigure } from "@reattention/toolkit/viz";
 * import { assertStringIncludes } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".html" });
 * await saveFigure({ data: [{ y: [1, 2, 3] }], layout: {} }, path, "Three points");
 * assertStringIncludes(await Deno.readTextFile(path), "<h1>Three points</h1>");
 * await Deno.remove(path);
 * ```
 */
export async function saveFigure(figure: Figure, path: string, title = ""): Promise<void> {
  const plotlySource = await readPlotlySource();
  const sections = [{ heading: "", text: "", figure }];
  await writeAside(path, renderReport({ title, introduction: "", sections, plotlySource }));
}
