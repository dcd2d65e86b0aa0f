import { readBytes } from "../../platform.ts";

/** The novels of Jane Austen, in the public domain: haystacks that the embedded model's training never saw. */
export const books: readonly string[] = [
  "emma",
  "mansfield-park",
  "northanger-abbey",
  "persuasion",
  "pride-and-prejudice",
  "sense-and-sensibility",
];

const texts = new Map<string, Promise<string>>();

/**
 * The text of a book, one paragraph a line; read once and kept.
 *
 * @param name one of {@linkcode books}
 * @throws {RangeError} for a book that is not here.
 *
 * @example
 * ```ts
 * import { readBook } from "@reattention/toolkit/evaluation";
 * import { assertMatch } from "@std/assert";
 *
 * assertMatch(await readBook("emma"), /^Emma Woodhouse, handsome, clever, and rich/);
 * ```
 */
export function readBook(name: string): Promise<string> {
  if (!books.includes(name)) throw new RangeError(`readBook: "${name}" must be one of ${books.join(", ")}`);
  const text = texts.get(name) ?? unpack(new URL(`books/${name}.txt.gz`, import.meta.url));
  texts.set(name, text);
  // A failure is not kept: the next call tries again.
  text.catch(() => texts.delete(name));
  return text;
}

/**
 * All the books one after another.
 *
 * @example
 * ```ts
 * import { novelsText, readBook } from "@reattention/toolkit/evaluation";
 * import { assert } from "@std/assert";
 *
 * const text = await novelsText();
 * assert(text.startsWith(await readBook("emma")));
 * assert(text.endsWith(await readBook("sense-and-sensibility")));
 * ```
 */
export async function novelsText(): Promise<string> {
  return (await Promise.all(books.map(readBook))).join(" ");
}

async function unpack(source: URL): Promise<string> {
  const packed = new Blob([await readBytes(source)]).stream();
  return await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
}
