/** Colours from few votes to the most, light to dark (ColorBrewer's OrRd), at shares from 0 to 1. */
export const voteScale: readonly (readonly [number, string])[] = [
  [0, "#fdd49e"],
  [0.35, "#fc8d59"],
  [0.7, "#d7301f"],
  [1, "#7f0000"],
];

const channel = (color: string, index: number) => parseInt(color.slice(1 + 2 * index, 3 + 2 * index), 16);

/** The scale's colour at a share from 0 to 1, between its colours in equal parts. */
export function voteColor(share: number): string {
  const at = Math.min(1, Math.max(0, share));
  const above = Math.max(1, voteScale.findIndex(([place]) => place >= at));
  const [from, low] = voteScale[above - 1];
  const [to, high] = voteScale[above];
  const part = (at - from) / (to - from);
  const mixed = [0, 1, 2].map((index) => {
    const value = Math.round(channel(low, index) + part * (channel(high, index) - channel(low, index)));
    return value.toString(16).padStart(2, "0");
  });
  return `#${mixed.join("")}`;
}
