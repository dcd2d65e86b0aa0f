import type { Random } from "../random.ts";

/** So many digits in a row, the first not 0. */
export function digits(random: Random, count: number): string {
  const rest = Array.from({ length: count - 1 }, () => random.below(10)).join("");
  return `${1 + random.below(9)}${rest}`;
}

/** A universally unique identifier of version 4, of the generator's bits. */
export function uuid(random: Random): string {
  const hex = Array.from({ length: 4 }, () => random.next().toString(16).padStart(8, "0")).join("");
  const variant = "89ab"[random.below(4)];
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, variant + hex.slice(17, 20), hex.slice(20)].join(
    "-",
  );
}

/** Distinct values, drawn until there are so many. */
export function distinctValues(count: number, draw: () => string, used: Set<string> = new Set()): string[] {
  const values: string[] = [];
  for (let tries = 0; values.length < count; tries++) {
    if (tries > 100 * count + 1000) throw new RangeError(`there are no ${count} distinct values to draw`);
    const value = draw();
    if (used.has(value)) continue;
    used.add(value);
    values.push(value);
  }
  return values;
}

/** The list in random order. */
export function shuffled<T>(list: readonly T[], random: Random): T[] {
  return random.distinct(list.length, list.length).map((index) => list[index]);
}
