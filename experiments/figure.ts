/**
 * `deno task figure`: figures that `saveFigure` wrote as JSON, drawn as SVG, PDF or PNG for papers and slides.
 * `--help` tells the options.
 */
import { darkFigure } from "../lib/viz/mod.ts";
import { writeAside } from "../lib/platform.ts";
import { type FigureArguments, parseFigureArguments, USAGE } from "./figures/arguments.ts";
import { FigureBrowser } from "./figures/browser.ts";
import { figureForPrint, figureInMillimetres } from "./figures/print_size.ts";
import { readFigure } from "./figures/read_figure.ts";
import { errorText } from "./command/error_text.ts";

/** Pixels of a PNG for one of the drawing: 300 and more to the inch at the printed width. */
const SCALE = 4;

async function draw({ files, formats, width, dark, out }: FigureArguments): Promise<void> {
  // All are read first: a wrong file is told before Chromium starts.
  const figures = await Promise.all(files.map(readFigure));
  await using browser = await FigureBrowser.open();
  for (const [index, plain] of figures.entries()) {
    const figure = dark ? darkFigure(plain) : plain;
    const name = files[index].replace(/\.json$/i, "");
    const stem = out === undefined ? name : `${out.replace(/\/+$/, "")}/${name.replace(/^.*[/\\]/, "")}`;
    const { pixels } = figureInMillimetres(figure, width);
    for (const format of formats) {
      const picture = format === "svg"
        ? await browser.svg(figure, width)
        : format === "pdf"
        ? await browser.pdf(figure, width)
        : await browser.png(figureForPrint(figure, pixels.width), { width: pixels.width, scale: SCALE });
      await writeAside(`${stem}.${format}`, picture);
      console.log(`${stem}.${format}`);
    }
  }
}

async function main(args: readonly string[]): Promise<number> {
  let parsed: FigureArguments;
  try {
    parsed = parseFigureArguments(args);
  } catch (error) {
    console.error(`figure: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (parsed.help) {
    console.log(USAGE);
    return 0;
  }
  try {
    await draw(parsed);
    return 0;
  } catch (error) {
    console.error(`figure: ${errorText(error)}`);
    return 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
