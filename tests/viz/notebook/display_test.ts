import { assert, assertEquals, assertFalse, assertRejects, assertStringIncludes } from "@std/assert";
import { displaySymbol } from "../../../lib/notebook/mod.ts";
import { PlatformError } from "../../../lib/platform.ts";
import { curveFigure, darkFigure, displayBundle, type Figure, givePlotly, show } from "../../../lib/viz/mod.ts";
import { plotlyHtml } from "../../../lib/viz/notebook/notebook_html.ts";

const figure = { data: [{ name: "full" }, { name: "streaming" }, {}], layout: { height: 300 } };
const shown = async (value: unknown) =>
  await (value as Record<symbol, () => Promise<Record<string, unknown>>>)[displaySymbol]();

Deno.test("displayBundle gives plotly's type, HTML and words", () => {
  const bundle = displayBundle(figure);
  assertEquals(Object.keys(bundle), ["application/vnd.plotly.v1+json", "text/html", "text/plain"]);
  assertEquals(bundle["application/vnd.plotly.v1+json"], figure);
  assertEquals(bundle["text/plain"], "figure: full, streaming");
  assertEquals(displayBundle(figure, { alternative: "two lines" })["text/plain"], "two lines");
  const titled = { ...figure, layout: { title: { text: "k &lt; 8" } } };
  assertEquals(displayBundle(titled)["text/plain"], "figure: k < 8");
});

Deno.test("displayBundle's HTML can't be ended by a text in the figure", () => {
  const hostile = { data: [{ name: '</script><img src=x onerror="alert(1)">' }], layout: {} };
  const html = String(displayBundle(hostile, { alternative: '"><script>alert(2)</script>' })["text/html"]);
  assertEquals(html.match(/<script/g)?.length, 1);
  assertEquals(html.match(/<\/script/g)?.length, 1);
  assertFalse(html.includes("<img"));
});

Deno.test("plotlyHtml carries the source compressed, so that it comes out as it went in", async () => {
  const source = `var Plotly = "</script>ä";`.repeat(100);
  const html = await plotlyHtml(source);
  assertEquals(html.match(/<\/script>/g)?.length, 1);
  const packed = /atob\("([^"]+)"\)/.exec(html)![1];
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  assertEquals(await new Response(stream).text(), source);
});

Deno.test("a figure as the last value of a cell shows itself; only the first one carries plotly", async () => {
  const make = (): Figure => curveFigure({ title: "Curve", xTitle: "x", yTitle: "y", series: [] });
  const first = await shown(make());
  const second = await shown(darkFigure(make()));
  assertEquals(first["text/plain"], "figure: Curve");
  assertStringIncludes(String(first["text/html"]), "DecompressionStream");
  assertFalse(String(second["text/html"]).includes("DecompressionStream"));
  assert(String(first["text/html"]).length < 900_000, "plotly is compressed");
  assertFalse(/\b(src|href)=|@import/.test(String(second["text/html"])));
});

Deno.test("a figure's way to show itself is seen by neither loops nor JSON", () => {
  const made = curveFigure({ title: "", xTitle: "x", yTitle: "y", series: [] });
  assertEquals(Object.keys(made), ["data", "layout"]);
  assertFalse(displaySymbol in { ...made });
});

Deno.test("show and givePlotly say that they need a notebook", async () => {
  await assertRejects(() => show(figure), PlatformError, "needs a notebook");
  await assertRejects(() => givePlotly(), PlatformError, "needs a notebook");
});
