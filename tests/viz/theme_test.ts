import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { curveFigure, darkFigure, gridFigure, palette } from "../../lib/viz/mod.ts";
import { darkColors, theme } from "../../lib/viz/theme.ts";
import { plain } from "./plain.ts";

/** Contrast of two colours as the web's accessibility guidelines (WCAG 2) count it. */
function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

Deno.test("darkFigure changes colours and leaves values and words as they are", () => {
  const series = [{ name: "#ffffff", points: [{ x: 1, y: 2, text: "#1f2328" }] }];
  const figure = curveFigure({ title: "", xTitle: "x", yTitle: "y", series });
  const dark = plain(darkFigure(figure));
  assertEquals([dark.data[0].x, dark.data[0].name, dark.data[0].text], [[1], "#ffffff", figure.data[0].text]);
  assertNotEquals(dark.layout.paper_bgcolor, figure.layout.paper_bgcolor);
  assertNotEquals(dark.layout.font.color, plain(figure.layout).font.color);
});

Deno.test("darkFigure leaves no light background in a figure", () => {
  const labels = { xLabels: ["1"], yLabels: ["1"], values: [[0]] };
  const dark = JSON.stringify(darkFigure(gridFigure({ title: "t", xTitle: "x", yTitle: "y", ...labels })));
  for (const light of [theme.paper, theme.grid, theme.veil]) assertEquals(dark.includes(light), false, light);
});

Deno.test("text can be read and lines told from the ground, light and dark", () => {
  for (const dark of [false, true]) {
    const shown = (color: string) => dark ? darkColors[color] ?? color : color;
    for (const text of [theme.ink, theme.muted]) {
      assert(contrast(shown(text), shown(theme.paper)) >= 4.5, `${text} on ${dark ? "dark" : "light"}`);
    }
    for (const line of palette) {
      // The palette's orange is the faintest on white: 2.2 to 1, and marks of its own beside the colour.
      assert(contrast(shown(line), shown(theme.paper)) >= 2.2, `${line} on ${dark ? "dark" : "light"}`);
    }
  }
});
