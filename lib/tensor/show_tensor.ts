import { type DisplayBundle, sparkline, sparklineSvg, valueBundle } from "../notebook/mod.ts";
import type { Device, PooledBuffer } from "../gpu/mod.ts";
import { type DType, elementBytes, type TensorData, viewAs } from "./dtype.ts";
import { halvesToFloats } from "./half.ts";

/** What is shown of a tensor. */
interface ShownTensor {
  readonly device: Device;
  readonly buffer: PooledBuffer;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly size: number;
  readonly bytes: number;
}

/** Elements that are read for the preview and the line of values. */
const READ = 65_536;
const ROWS = 6;
const COLUMNS = 8;
/** Points of the line in HTML, and in text. */
const POINTS = 80;
const LETTERS = 40;

/** A tensor as a notebook shows it: shape, type, bytes, its first rows and columns, and a line of its values. */
export async function showTensor(tensor: ShownTensor): Promise<DisplayBundle> {
  const { shape, dtype, bytes, size } = tensor;
  const title = `tensor [${shape.join(", ")}] ${dtype}, ${size} elements, ${bytes} bytes`;
  if (size === 0) return valueBundle({ title, rows: [] });
  const values = await firstElements(tensor);
  const columns = shape.at(-1) ?? 1;
  const rows = Math.min(ROWS, shape.at(-2) ?? 1, Math.ceil(values.length / columns));
  const cells = Array.from({ length: rows }, (_, row) => {
    const own = Array.from(values.slice(row * columns, row * columns + Math.min(COLUMNS, columns)), shortNumber);
    return columns > COLUMNS ? [...own, "…"] : own;
  });
  const part = values.length < size ? ` the first ${values.length} elements` : " all elements";
  const line = means(values, POINTS);
  const { "text/plain": text, "text/html": html } = valueBundle({
    title,
    rows: cells,
    picture: sparklineSvg(line),
    note: `${extent(values)}; line and range:${part}`,
  });
  return { "text/plain": `${text}\n${sparkline(means(values, LETTERS))}`, "text/html": html };
}

async function firstElements({ device, buffer, dtype, size }: ShownTensor): Promise<Exclude<TensorData, Uint16Array>> {
  const count = Math.min(size, READ);
  // Copies are of whole words; a buffer's end is padded to one.
  const bytes = Math.ceil(count * elementBytes(dtype) / 4) * 4;
  const [data] = await device.readBack.read([{ buffer, offset: 0, bytes }]);
  const values = viewAs(dtype, data).subarray(0, count);
  return values instanceof Uint16Array ? halvesToFloats(values) : values as Exclude<TensorData, Uint16Array>;
}

function shortNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

function extent(values: ArrayLike<number>): string {
  let [low, high, sum, odd] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (!Number.isFinite(value)) odd++;
    else {
      if (value < low) low = value;
      if (value > high) high = value;
      sum += value;
    }
  }
  const known = values.length - odd;
  const range = known > 0
    ? `from ${shortNumber(low)} to ${shortNumber(high)}, mean ${shortNumber(sum / known)}`
    : "no finite number";
  return odd > 0 ? `${range}, ${odd} not finite` : range;
}

/** Means of equal stretches, at most so many. */
function means(values: ArrayLike<number>, most: number): number[] {
  const count = Math.min(most, values.length);
  return Array.from({ length: count }, (_, i) => {
    const [start, end] = [Math.floor(i * values.length / count), Math.floor((i + 1) * values.length / count)];
    let sum = 0;
    for (let j = start; j < end; j++) sum += values[j];
    return sum / (end - start);
  });
}
