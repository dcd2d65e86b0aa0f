/** A sample of some size, and the tokens that it takes. */
export interface Sized<Sample> {
  readonly sample: Sample;
  readonly tokens: number;
}

/**
 * The largest size, in steps, whose sample takes at most so many tokens: doubled until one is too long, then halved in.
 *
 * @param make the same sample for the same size
 * @param most tokens
 * @param step sizes are multiples of it, at least one
 * @param largest no size is tried above it. Default: there is no end
 * @throws {RangeError} where the smallest sample is too long already.
 */
export function fitSize<Sample>(
  make: (size: number) => Sized<Sample>,
  most: number,
  step: number,
  largest = Infinity,
): { size: number; sample: Sample } {
  const smallest = make(step);
  if (smallest.tokens > most) {
    throw new RangeError(`the smallest sample takes ${smallest.tokens} tokens, but ${most} are left for it`);
  }
  const end = Math.max(1, Math.floor(largest / step));
  let [good, bad, sample] = [1, Infinity, smallest.sample];
  while (good < end && bad - good > 1) {
    const next = bad === Infinity ? Math.min(2 * good, end) : Math.floor((good + bad) / 2);
    const made = make(next * step);
    if (made.tokens <= most) [good, sample] = [next, made.sample];
    else bad = next;
  }
  return { size: good * step, sample };
}
