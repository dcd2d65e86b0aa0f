/** Colours of everything that is no data. Figures name these only, so that a page can turn them to its own theme. */
export const theme = {
  /** Text. */
  ink: "#1f2328",
  /** Text of less weight. */
  muted: "#57606a",
  /** Lines that mark something. */
  rule: "#6e7781",
  /** Borders of hover labels. */
  border: "#8c959f",
  /** Lines of the grid, and cells without a value. */
  grid: "#eaeef2",
  /** Behind everything. */
  paper: "#ffffff",
  /** Behind words that stand on lines. */
  veil: "rgba(255, 255, 255, 0.8)",
} as const;

/** Colours that stay apart for colour-blind eyes too (Okabe and Ito 2008, and grey), in the order they are given out. */
export const palette: readonly string[] = [
  "#d55e00",
  "#e69f00",
  "#0072b2",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#000000",
  "#8a8a8a",
];

/** A colour scale: shares from 0 to 1, and the colours there. */
export type ColorScale = readonly (readonly [number, string])[];

/**
 * From little to much, for shares and weights: cividis, which colour-blind eyes see as all others do
 * (Nuñez, Anderton and Renslow 2018). Its ends stand out on light and dark pages alike.
 */
export const shareScale: ColorScale = [
  [0, "#00224e"],
  [0.25, "#414d6b"],
  [0.5, "#7c7b78"],
  [0.75, "#bcaf6f"],
  [1, "#fee838"],
];

/** From few votes to the most (ColorBrewer's OrRd), which colour-blind eyes see from light to dark. */
export const voteScale: ColorScale = [[0, "#fdd49e"], [0.35, "#fc8d59"], [0.7, "#d7301f"], [1, "#7f0000"]];

/** What each colour becomes on a dark page. */
export const darkColors: Readonly<Record<string, string>> = {
  [theme.ink]: "#e6edf3",
  [theme.muted]: "#9198a1",
  [theme.rule]: "#8b949e",
  [theme.border]: "#6e7681",
  [theme.grid]: "#2b3138",
  [theme.paper]: "#0d1117",
  [theme.veil]: "rgba(13, 17, 23, 0.8)",
  // The palette's blue, green and black are too dark to be read there.
  "#0072b2": "#4ea3e0",
  "#009e73": "#2fbf95",
  "#000000": "#f0f6fc",
  // Votes: the most stand out from the ground, as on a light page.
  "#fdd49e": "#6b3410",
  "#fc8d59": "#b8501c",
  "#d7301f": "#f58a4b",
  "#7f0000": "#ffe3b8",
  // Shades behind text.
  "#fdece1": "#2a1a10",
  "#fbc9a6": "#57300f",
  "#ee8a4a": "#a8561a",
  "#b34000": "#ffb57d",
};
