import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { curveFigure, saveFigure } from "../../../lib/viz/mod.ts";

const figure = curveFigure({
  title: "",
  xTitle: "x",
  yTitle: "y",
  series: [{ name: "<a>", points: [{ x: 1, y: 2 }] }],
});

Deno.test("saveFigure writes JSON that is the figure, and a page that holds it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await saveFigure(figure, `${folder}/new/a.json`);
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/new/a.json`)), JSON.parse(JSON.stringify(figure)));
    await saveFigure(figure, `${folder}/a.HTML`, "A & B");
    assertStringIncludes(await Deno.readTextFile(`${folder}/a.HTML`), "<title>A &amp; B</title>");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("saveFigure refuses other endings and says how to get pictures", async () => {
  const error = await assertRejects(() => saveFigure(figure, "results/a.svg"), RangeError, "results/a.svg must end in");
  assertStringIncludes(error.message, "deno task figure");
  await assertRejects(() => saveFigure(figure, "results.html/a"), RangeError, "must end in");
});
