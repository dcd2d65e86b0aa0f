/** Values in equal stretches of neighbours. */
export interface Bins {
  /** Values in each stretch but the last, which may be shorter. */
  readonly width: number;
  /** Least value of each stretch. */
  readonly low: Float64Array;
  /** Greatest value of each stretch. */
  readonly high: Float64Array;
  /** Mean of each stretch. */
  readonly mean: Float64Array;
}

/**
 * Puts values into at most `most` stretches of equal width: a million positions become as many columns as a screen has. One
 * value a stretch where there are no more values than that. Values that are no number are left out of their stretch.
 */
export function binned(values: ArrayLike<number>, most: number): Bins {
  const width = Math.max(1, Math.ceil(values.length / most));
  const count = Math.ceil(values.length / width);
  const low = new Float64Array(count).fill(NaN);
  const high = new Float64Array(count).fill(NaN);
  const mean = new Float64Array(count).fill(NaN);
  for (let bin = 0; bin < count; bin++) {
    let [least, greatest, sum, known] = [Infinity, -Infinity, 0, 0];
    const end = Math.min(values.length, (bin + 1) * width);
    for (let i = bin * width; i < end; i++) {
      const value = values[i];
      if (Number.isNaN(value)) continue;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
      sum += value;
      known++;
    }
    if (known === 0) continue;
    low[bin] = least;
    high[bin] = greatest;
    mean[bin] = sum / known;
  }
  return { width, low, high, mean };
}

/** Numbers as a figure holds them: few digits, null for what is no number. */
export function shortNumbers(values: ArrayLike<number>, digits = 3): (number | null)[] {
  return Array.from(values, (value) => Number.isFinite(value) ? Number(value.toPrecision(digits)) : null);
}
