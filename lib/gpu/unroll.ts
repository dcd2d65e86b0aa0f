/** A loop that a kernel wants written out: counted from 0 to a number or a constant, its line marked so. */
const MARKED = /for \(var (\w+) = 0u; \1 < (\w+); \1\+\+\) \{ \/\/ unrolled\n/;

/**
 * Writes out a kernel's loops that are marked `// unrolled`, once for each value of their counter, loops in loops too.
 * Compilers don't do it, since WebGPU puts a guard into every loop; and some drivers end a thread's loops after 65,535
 * turns in all (llvmpipe), so that turns of an inner loop are better not counted. Lines keep their numbers.
 *
 * @param text the kernel
 * @param constants bounds of the loops
 */
export function unrollLoops(text: string, constants: Readonly<Record<string, number>>): string {
  const known = { ...ownConstants(text), ...constants };
  let unrolled = "";
  let rest = text;
  for (let marked = MARKED.exec(rest); marked; marked = MARKED.exec(rest)) {
    const { 0: head, 1: counter, 2: bound, index } = marked;
    const count = /^\d+u$/.test(bound) ? parseInt(bound) : known[bound];
    if (count === undefined) throw new RangeError(`unrolled loop: ${bound} must be one of the kernel's constants`);
    const start = index + head.length;
    const end = closingBrace(rest, start);
    const body = rest.slice(start, end);
    const line = unrollLoops(body, known).replace(/\/\/[^\n]*/g, "").replace(/\s+/g, " ");
    const named = new RegExp(`\\b${counter}\\b`, "g");
    const copies = Array.from({ length: count }, (_, value) => `{${line.replace(named, `${value}u`)}}`).join(" ");
    unrolled += rest.slice(0, index) + copies + "\n".repeat(body.split("\n").length);
    rest = rest.slice(end + 1);
  }
  return unrolled + rest;
}

/** Whole numbers that the kernel itself names. */
function ownConstants(text: string): Record<string, number> {
  return Object.fromEntries(
    [...text.matchAll(/^const (\w+) = (\d+)u;$/gm)].map(([, name, value]) => [name, Number(value)]),
  );
}

/** Place of the brace that closes the block whose inside starts at `start`. */
function closingBrace(text: string, start: number): number {
  let depth = 1;
  for (let place = start; place < text.length; place++) {
    if (text[place] === "{") depth++;
    else if (text[place] === "}" && --depth === 0) return place;
  }
  throw new RangeError("unrolled loop: its block never ends");
}
