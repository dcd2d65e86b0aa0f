import { writeAside } from "../../platform.ts";
import type { Figure } from "../figure.ts";
import { readPlotlySource } from "./plotly_source.ts";
import { renderReport } from "./report.ts";

/**
 * Writes a figure: as a page of its own that opens without network, plotly.js inside (.html), or as plotly's JSON (.json),
 * which `deno task figure` turns into SVG, PDF and PNG.
 *
 * @param figure what to draw
 * @param path the file to write; it is written aside and renamed, and its folder is made where there is none
 * @param title heading of the page. Default: none
 * @throws {RangeError} for a path that ends otherwise.
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
  const ending = /\.[^./\\]*$/.exec(path)?.[0].toLowerCase();
  if (ending === ".json") {
    const { data, layout } = figure;
    return await writeAside(path, `${JSON.stringify({ data, layout })}\n`);
  }
  if (ending !== ".html") {
    const other = "save it as .json, then deno task figure makes .svg, .pdf and .png of it";
    throw new RangeError(`saveFigure: ${path} must end in .html or .json; ${other}`);
  }
  const plotlySource = await readPlotlySource();
  const sections = [{ heading: "", text: "", figure }];
  await writeAside(path, renderReport({ title, introduction: "", sections, plotlySource }));
}
