import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Browser, chromium, type Page } from "playwright-core";
import { curveFigure, displayBundle, readPlotlySource, renderReport, selectionStepsFigure } from "../../lib/viz/mod.ts";
import { plotlyHtml } from "../../lib/viz/notebook/notebook_html.ts";
import { chromiumPath } from "../chromium.ts";

const hostile = `</script><script>window.broken = true</script>"'\`<img src=x onerror="window.broken=true">`;
const steps = [0, 1, 2].map((step) => ({
  step,
  length: 1000 + step,
  label: hostile,
  layers: [{
    layer: 0,
    groups: [{
      indices: [0, 100 * step + 50, 999],
      centers: [100 * step + 50],
      votes: [step + 1],
      globalCount: 1,
      windowStart: 999,
    }],
  }],
}));
const text = () => hostile + "x".repeat(1_000_000);
const figures = {
  map: selectionStepsFigure({ steps, text, title: hostile }),
  curve: curveFigure({
    title: "Curve",
    xTitle: "length (tokens)",
    yTitle: "exact match (share)",
    series: [{ name: hostile, points: [{ x: 1, y: 0, text: hostile }, { x: 2, y: 1 }] }, {
      name: "b",
      points: [{ x: 1, y: 1 }],
    }],
  }),
};

/** Waits until an expression is true; the page's own policy allows no waiting inside of it. */
async function until(page: Page, expression: string): Promise<void> {
  for (let tries = 0; !await page.evaluate(expression); tries++) {
    if (tries > 200) throw new Error(`never came true: ${expression}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Opens a page of its own in headless Chromium; nothing may be fetched, and nothing may complain. */
function inBrowser(name: string, html: () => Promise<string>, act: (page: Page) => Promise<void>): void {
  Deno.test({
    name,
    ignore: chromiumPath === undefined,
    fn: async () => {
      const file = await Deno.makeTempFile({ suffix: ".html" });
      let browser: Browser | undefined;
      try {
        await Deno.writeTextFile(file, await html());
        browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
        const page = await browser.newPage();
        const complaints: string[] = [];
        page.on("pageerror", (error) => complaints.push(error.message));
        page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
        page.on("request", (request) => /^https?:/.test(request.url()) && complaints.push(`fetched ${request.url()}`));
        await page.goto(`file://${file}`);
        await act(page);
        assertEquals(complaints, []);
        assertEquals(await page.evaluate("window.broken"), undefined);
      } finally {
        await browser?.close();
        await Deno.remove(file);
      }
    },
  });
}

const report = async () =>
  renderReport({
    title: hostile,
    introduction: hostile,
    sections: Object.values(figures).map((figure) => ({ heading: hostile, text: "", figure })),
    plotlySource: await readPlotlySource(),
  });

inBrowser("a report draws its figures with titles on the axes, hover text and no error", report, async (page) => {
  await page.waitForSelector("#figure-1 .scatterlayer .point");
  assertEquals(await page.locator("#figure-1 .scatterlayer .trace").count(), 2);
  assertEquals(await page.locator("#figure-1 .xtitle").textContent(), "length (tokens)");
  assertEquals(await page.locator("#figure-1 .ytitle").textContent(), "exact match (share)");
  await page.locator("#figure-1 .scatterlayer .point").first().scrollIntoViewIfNeeded();
  const box = await page.locator("#figure-1 .scatterlayer .point").first().boundingBox();
  await page.mouse.move(box!.x + box!.width / 2, box!.y + box!.height / 2);
  const hover = await page.locator("#figure-1 .hovertext").textContent();
  assertStringIncludes(hover ?? "", "</script>");
});

inBrowser("the slider brings another step's spans", report, async (page) => {
  await page.waitForSelector("#figure-0 .slider-container");
  const span = () => page.evaluate(`document.getElementById("figure-0").data[2].base[0]`);
  assertEquals(await span(), 250);
  await page.locator("#figure-0 .slider-rail-touch-rect").click({ position: { x: 4, y: 4 }, force: true });
  await until(page, `document.getElementById("figure-0").data[2].base[0] === 50`);
  assertEquals(await page.evaluate(`document.getElementById("figure-0").data[2].marker.cmax`), 1);
  assertEquals(await page.locator("#figure-0 .colorbar").count(), 1);
});

inBrowser("a report follows the browser to dark and back, and prints light", report, async (page) => {
  await page.waitForSelector("#figure-1 .scatterlayer .point");
  const ground = () => page.evaluate(`getComputedStyle(document.querySelector("#figure-1 .main-svg")).backgroundColor`);
  const body = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
  assertEquals([await ground(), await body()], ["rgb(255, 255, 255)", "rgb(255, 255, 255)"]);
  await page.emulateMedia({ colorScheme: "dark" });
  await until(page, `document.getElementById("figure-1").layout.paper_bgcolor === "#0d1117"`);
  assertEquals(await body(), "rgb(13, 17, 23)");
  await page.evaluate(`dispatchEvent(new Event("beforeprint"))`);
  assertEquals(await page.evaluate(`document.getElementById("figure-1").layout.paper_bgcolor`), "#ffffff");
});

/** A notebook's page: two figures' outputs, plotly in an output that comes after them, a module loader in the way. */
const notebook = async () => {
  const output = (html: unknown) => `<div class="output">${html}</div>`;
  const outputs = [displayBundle(figures.map)["text/html"], displayBundle(figures.curve)["text/html"]];
  const given = await plotlyHtml(await readPlotlySource());
  return `<!DOCTYPE html><meta charset="utf-8"><body data-jp-theme-light="false">
<script>window.define = Object.assign(() => { throw new Error("caught by the module loader"); }, { amd: {} });</script>
${[...outputs, given, given].map(output).join("\n")}</body>`;
};

inBrowser(
  "a notebook's outputs are drawn by plotly that one of them carries, in the notebook's own theme",
  notebook,
  async (page) => {
    await until(page, `document.querySelectorAll(".main-svg").length >= 4`);
    const grounds = await page.evaluate(
      `[...document.querySelectorAll(".js-plotly-plot")].map((plot) => plot.layout.paper_bgcolor)`,
    );
    assertEquals(grounds, ["#0d1117", "#0d1117"]);
    await page.evaluate(`document.body.dataset.jpThemeLight = "true"`);
    await until(page, `document.querySelector(".js-plotly-plot").layout.paper_bgcolor === "#ffffff"`);
    assert(await page.locator(".js-plotly-plot").first().getAttribute("aria-label") !== null);
  },
);
