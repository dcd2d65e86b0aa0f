import { type ColorScale, shareScale } from "./theme.ts";

const channel = (color: string, index: number) => parseInt(color.slice(1 + 2 * index, 3 + 2 * index), 16);

/** The scale's colour at a share from 0 to 1, between its stops in equal parts. */
function colorAt(scale: ColorScale, share: number): string {
  const at = Math.min(1, Math.max(0, share));
  const above = Math.max(1, scale.findIndex(([place]) => place >= at));
  const [from, low] = scale[above - 1];
  const [to, high] = scale[above];
  const part = (at - from) / (to - from);
  const mixed = [0, 1, 2].map((index) => {
    const value = Math.round(channel(low, index) + part * (channel(high, index) - channel(low, index)));
    return value.toString(16).padStart(2, "0");
  });
  return `#${mixed.join("")}`;
}

/**
 * Colours of attention weights: a step of colour is a step of the weight's square root. Most of a row's weight goes to a few
 * tokens; on an even scale all others would look alike.
 */
export const weightScale: ColorScale = Array.from({ length: 13 }, (_, i) => {
  const share = i / 12;
  return [share * share, colorAt(shareScale, share)] as const;
});

/** Shades behind text, from the page itself to a strong colour; even in the weight's square root too. */
export const shadeScale: ColorScale = [
  [0, "#ffffff"],
  [0.02, "#fdece1"],
  [0.1, "#fbc9a6"],
  [0.35, "#ee8a4a"],
  [1, "#b34000"],
];
