const blocks = "▁▂▃▄▅▆▇█";

/** So many values as a word, low to high; what is no number is a blank. */
export function sparkline(values: readonly number[]): string {
  const { low, high } = rangeOf(values);
  return values.map((value) => {
    if (!Number.isFinite(value)) return " ";
    return blocks[Math.round((high > low ? (value - low) / (high - low) : 0.5) * (blocks.length - 1))];
  }).join("");
}

const WIDTH = 160;
const HEIGHT = 24;

/** So many values as a small line in the text's own colour; it breaks where a value is no number. */
export function sparklineSvg(values: readonly number[]): string {
  const { low, high } = rangeOf(values);
  const x = (index: number) => 1 + index * (WIDTH - 2) / Math.max(1, values.length - 1);
  const y = (value: number) => 1 + (HEIGHT - 2) * (high > low ? (high - value) / (high - low) : 0.5);
  let path = "";
  let pen = "M";
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) pen = "M";
    else {
      path += `${pen}${x(index).toFixed(1)},${y(value).toFixed(1)}`;
      pen = "L";
    }
  });
  const box = `width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}"`;
  const line = `fill="none" stroke="currentColor" stroke-width="1.2"`;
  return `<svg ${box} role="img" aria-label="values" style="vertical-align:middle"><path d="${path}" ${line}/></svg>`;
}

function rangeOf(values: readonly number[]): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}
