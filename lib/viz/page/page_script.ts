import { words } from "../dark_figure.ts";
import { darkColors } from "../theme.ts";

/** How plotly draws in pages and notebooks: as wide as the page, pictures saved as SVG. */
export const plotConfig = {
  responsive: true,
  displaylogo: false,
  toImageButtonOptions: { format: "svg", filename: "figure" },
} as const;

/**
 * The part of a page's script that draws: `reattentionDraw(element, figure)`. It follows the page from light to dark and back:
 * JupyterLab and Notebook 7 say which in an attribute of the body, VS Code in its class, all others in the browser's own
 * preference. Printed pages are light.
 */
export const DRAW_SCRIPT: string = `
globalThis.reattentionDraw ??= (() => {
const darkColors = ${JSON.stringify(darkColors)};
const words = new Set(${JSON.stringify([...words])});
const config = ${JSON.stringify(plotConfig)};
const darker = (value, key) => {
  if (words.has(key)) return value;
  if (typeof value === "string") return darkColors[value] ?? value;
  if (Array.isArray(value)) return value.map((item) => darker(item, key));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, darker(part, name)]));
};
const media = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => {
  const { jpThemeLight } = document.body.dataset;
  if (jpThemeLight !== undefined) return jpThemeLight === "false";
  const classes = document.body.classList;
  if (classes.contains("vscode-dark") || classes.contains("vscode-high-contrast")) return true;
  if (classes.contains("vscode-light")) return false;
  return media.matches;
};
return (element, figure) => {
  let drawn;
  const draw = (dark) => {
    if (dark === drawn) return;
    drawn = dark;
    // Plotly writes into what it is given: it gets a copy each time.
    const { data, layout } = dark ? darker(figure, "") : structuredClone(figure);
    return Plotly.newPlot(element, data, layout, config);
  };
  const follow = () => draw(isDark());
  media.addEventListener("change", follow);
  new MutationObserver(follow).observe(document.body, { attributes: true, attributeFilter: ["class", "data-jp-theme-light"] });
  addEventListener("beforeprint", () => draw(false));
  addEventListener("afterprint", follow);
  return follow();
};
})();
`;
