import type { Browser, Page } from "playwright-core";
import { fileExists } from "../../lib/platform.ts";
import { darkFigure, type Figure, readPlotlySource } from "../../lib/viz/mod.ts";
import { playwrightChromium } from "./playwright.ts";
import { figureForPrint, figureInMillimetres, type PrintSize } from "./print_size.ts";

/** Where systems put Chromium, or a browser made of it. */
const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];

/** How a picture is made. */
export interface PictureOptions {
  /** Width in CSS pixels. Default: the figure's own, or 1000. */
  width?: number;
  /** Pixels of the picture for one of the page. Default 2. */
  scale?: number;
  /** In the colours of a dark page. Default false. */
  dark?: boolean;
}

/** A headless Chromium with plotly loaded: figures become pictures as readers see them. */
export class FigureBrowser {
  readonly #browser: Browser;
  readonly #page: Page;
  /** What the page complained of so far. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => message.type() === "error" && this.complaints.push(message.text()));
  }

  /**
   * Starts it.
   *
   * @param executable Chromium's path. Default: the variable CHROMIUM, or where systems put it
   * @throws {Error} where there is no Chromium, saying how to get one.
   */
  static async open(executable: string | undefined = Deno.env.get("CHROMIUM")): Promise<FigureBrowser> {
    const path = executable ?? await firstThatIsThere(places);
    if (!path) {
      throw new Error(
        "no Chromium found: install it (Debian: apt-get install chromium) or name it by the variable CHROMIUM",
      );
    }
    // Inside containers Chromium's own sandbox can't start; the page is ours and fetches nothing.
    const chromium = await playwrightChromium();
    const browser = await chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-gpu"] });
    const page = await browser.newPage();
    await page.setContent("<!DOCTYPE html><meta charset=utf-8><body style='margin:0'><div id=figure></div>");
    await page.addScriptTag({ content: await readPlotlySource() });
    return new FigureBrowser(browser, page);
  }

  /** The figure as a PNG. */
  async png(figure: Figure, options: PictureOptions = {}): Promise<Uint8Array> {
    return decoded(await this.#image(figure, "png", options));
  }

  /** The figure as SVG text of a printed size; text stays text. */
  async svg(figure: Figure, size: PrintSize): Promise<string> {
    const { drawn, pixels, points } = sized(figure, size);
    const address = await this.#image(drawn, "svg", { width: pixels.width });
    const text = decodeURIComponent(address.slice(address.indexOf(",") + 1));
    const view = `viewBox="0 0 ${pixels.width} ${pixels.height}"`;
    return text.replace(
      /^<svg([^>]*?) width="[^"]*" height="[^"]*"/,
      `<svg$1 width="${points.width}pt" height="${points.height}pt"`,
    )
      .replace(/viewBox="[^"]*"/, view);
  }

  /** The figure as a PDF of one page of a printed size. */
  async pdf(figure: Figure, size: PrintSize): Promise<Uint8Array> {
    const svg = await this.svg(figure, size);
    const { points } = sized(figure, size);
    const page = await this.#browser.newPage();
    try {
      const [width, height] = [points.width, points.height].map((value) => `${value / 72}in`);
      const style = `@page { size: ${width} ${height}; margin: 0 } html, body { margin: 0 } svg { display: block }`;
      await page.setContent(`<!DOCTYPE html><meta charset=utf-8><style>${style}</style>${svg}`);
      return new Uint8Array(await page.pdf({ width, height, printBackground: true, pageRanges: "1" }));
    } finally {
      await page.close();
    }
  }

  async #image(figure: Figure, format: "png" | "svg", { width, scale = 2, dark }: PictureOptions): Promise<string> {
    const shown = dark ? darkFigure(figure) : figure;
    const size = {
      format,
      // A figure of fixed width counts on it: text would not fit its cells in any other.
      width: shown.layout.autosize === false ? Number(shown.layout.width ?? 1000) : width ?? 1000,
      height: Number(shown.layout.height ?? 450),
      scale: format === "svg" ? 1 : scale,
    };
    const { data, layout } = shown;
    const input = { figure: { data, layout: { ...layout, width: size.width } }, size };
    return await this.#page.evaluate(async ({ figure, size }) => {
      // deno-lint-ignore no-explicit-any -- plotly is a global of the page
      const { Plotly } = globalThis as any;
      return await Plotly.toImage(figure, size);
    }, JSON.parse(JSON.stringify(input)) as { figure: Figure; size: typeof size });
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** The figure as it is drawn for paper, and its size. */
function sized(figure: Figure, size: PrintSize) {
  const drawn = figureForPrint(figure, figureInMillimetres(figure, size).pixels.width);
  return { drawn, ...figureInMillimetres(drawn, size) };
}

async function firstThatIsThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await fileExists(path)) return path;
  return undefined;
}

function decoded(address: string): Uint8Array {
  return Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (character) => character.charCodeAt(0));
}
