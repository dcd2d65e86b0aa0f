/**
 * Prints a line in a notebook's cell, whole and in its place. Deno's kernel evaluates cells in one thread and speaks to
 * Jupyter in another: it may say that a cell has ended while lines of `console.log` still wait to go out, and Jupyter drops
 * what comes after that. Waiting for one turn of the event loop lets them go first.
 *
 * @example
 * ```ts
 * import { print } from "@reattention/toolkit/viz";
 *
 * await print(`${2 + 2} tokens`);
 * ```
 */
export async function print(...values: unknown[]): Promise<void> {
  console.log(...values);
  await new Promise((resolve) => setTimeout(resolve, 0));
}
