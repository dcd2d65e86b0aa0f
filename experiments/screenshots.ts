/**
 * `deno task screenshots`: every figure of the toolkit, drawn from real runs of the embedded model and from the demo's
 * records, light and dark, into results/screenshots, for a person to look at. With `--gallery` also README's pictures.
 */
import { parseArgs } from "node:util";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { writeAside } from "../lib/platform.ts";
import { type Figure, figureBytes, saveFigure } from "../lib/viz/mod.ts";
import { FigureBrowser } from "./figures/browser.ts";
import { attentionFigures } from "./screenshots/attention_figures.ts";
import { benchedFigures } from "./screenshots/benched.ts";
import { readContext } from "./screenshots/capture.ts";
import { comparedFigures } from "./screenshots/compared.ts";
import { needleFigures } from "./screenshots/needles.ts";
import { recordedFigures } from "./screenshots/recorded.ts";
import { selectionFigures } from "./screenshots/selection_figures.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";

const USAGE = `usage: deno task screenshots [--gallery] [--out FOLDER]

Draws every figure from real runs, light and dark, with Chromium (install it, or name it by the variable CHROMIUM).

  --gallery     also writes README's pictures into experiments/pictures
  --out FOLDER  where the screenshots go (default results/screenshots)
  --help        prints this`;

/** README's pictures: small, so that a page of them loads at once. */
const gallery = [
  "compare_grid",
  "compare_read",
  "accuracy",
  "selection_steps",
  "needle_recall",
  "shaded_selected",
  "needle_curve",
  "roofline",
];
const GALLERY_WIDTH = 820;
/** README's pictures that stand side by side. */
const pairs = ["needle_grid_full", "needle_grid_streaming", "needle_grid_reattention"];
const PAIR_WIDTH = 560;

async function allFigures(): Promise<Record<string, Figure>> {
  using device = await Device.open();
  using model = await loadModel("demo", { device });
  const run = await readContext(model);
  using _session = run.session;
  return {
    ...await recordedFigures(),
    ...await comparedFigures(),
    ...await needleFigures(),
    ...await benchedFigures(),
    ...await selectionFigures(model, run),
    ...await attentionFigures(model, run),
  };
}

async function main(args: readonly string[]): Promise<number> {
  const options = { gallery: { type: "boolean" }, out: { type: "string" }, help: { type: "boolean" } } as const;
  let values: { gallery?: boolean; out?: string; help?: boolean };
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    console.error(`screenshots: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  nameRuntimeFolder();
  const out = (values.out ?? "results/screenshots").replace(/\/+$/, "");
  await using browser = await FigureBrowser.open();
  for (const [name, figure] of Object.entries(await allFigures())) {
    for (const dark of [false, true]) {
      await writeAside(`${out}/${name}${dark ? "_dark" : ""}.png`, await browser.png(figure, { dark, scale: 1 }));
    }
    await saveFigure(figure, `${out}/${name}.json`);
    console.log(`${out}/${name}.png  ${(figureBytes(figure) / 1000).toFixed(0)} kB of figure`);
    if (!values.gallery || ![...gallery, ...pairs].includes(name)) continue;
    const width = pairs.includes(name) ? PAIR_WIDTH : GALLERY_WIDTH;
    await writeAside(`experiments/pictures/${name}.png`, await browser.png(figure, { width, scale: 1.25 }));
  }
  browser.complaints.forEach((complaint) => console.error(`screenshots: the page complained: ${complaint}`));
  return browser.complaints.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
