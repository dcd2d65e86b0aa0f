import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PlatformError } from "../../lib/platform.ts";
import { displayBundle, show } from "../../lib/viz/mod.ts";

const figure = { data: [{ name: "full" }, { name: "streaming" }, {}], layout: { height: 300 } };

Deno.test("displayBundle gives plotly's type and words", () => {
  assertEquals(displayBundle(figure), {
    "application/vnd.plotly.v1+json": figure,
    "text/plain": "figure: full, streaming",
  });
  assertEquals(displayBundle(figure, { alternative: "two lines" })["text/plain"], "two lines");
});

Deno.test("displayBundle puts a page into a frame where plotly is given", () => {
  const html = String(displayBundle(figure, { plotlySource: "var plotly;" })["text/html"]);
  assertStringIncludes(html, '<iframe srcdoc="&lt;!DOCTYPE html&gt;');
  assertStringIncludes(html, "var plotly;");
  assertStringIncludes(html, "height:340px");
});

Deno.test("show says that it needs a notebook", async () => {
  await assertRejects(() => show(figure), PlatformError, "needs a notebook");
});
