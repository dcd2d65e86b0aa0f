import type { Random } from "../random.ts";
import { books, readBook } from "./books.ts";

/** What a haystack needs of a tokenizer; those of `lib/model` have it. */
export interface TextTokenizer {
  /** The tokens of a text; special tokens, such as one that begins a text, unless told otherwise. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): readonly number[];
  /** The text of tokens. */
  decode(tokens: readonly number[]): string;
}

/**
 * A text as tokens, with the places where sentences end: what haystacks are cut from.
 *
 * @example
 * ```ts
 * import { Prose } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * // A tokenizer whose tokens are characters.
 * const encode = (text: string) => [...text].map((letter) => letter.codePointAt(0)!);
 * const decode = (tokens: readonly number[]) => String.fromCodePoint(...tokens);
 * const prose = new Prose({ encode, decode }, "Ann ran.Bob sat.");
 * // The first sentence that starts after the place, and on past the text's end.
 * assertEquals(decode(prose.stretch(3, 11)), "Bob sat.Ann");
 * ```
 */
export class Prose {
  /** Its tokens. */
  readonly tokens: readonly number[];
  readonly #ends: ReadonlySet<number>;

  /** Takes a text apart; its tokens come without special ones. */
  constructor(tokenizer: TextTokenizer, text: string) {
    this.tokens = tokenizer.encode(text, { addSpecialTokens: false });
    this.#ends = endingTokens(tokenizer, this.tokens);
  }

  /**
   * So many tokens in a row, from the first sentence that starts at or after a place. The text is a ring: after its end
   * comes its beginning.
   */
  stretch(start: number, count: number): number[] {
    const { length } = this.tokens;
    let first = start;
    while (first < start + length && !this.endsSentence(this.tokens[(first + length - 1) % length])) first++;
    if (first === start + length) first = start;
    return Array.from({ length: count }, (_, index) => this.tokens[(first + index) % length]);
  }

  /** Whether a token is a sentence's last. */
  endsSentence(token: number): boolean {
    return this.#ends.has(token);
  }

  /** A place of `hay` from `start` up to, not including, `end` that a sentence ends before; any place where there is none. */
  placeBetween(hay: readonly number[], start: number, end: number, random: Random): number {
    const places = [];
    for (let place = start; place < end; place++) if (this.endsSentence(hay[place - 1])) places.push(place);
    return places.length > 0 ? random.pick(places) : start + random.below(end - start);
  }
}

/** The tokens among those given that are a full stop, a question or an exclamation mark, with or without quotes. */
function endingTokens(tokenizer: TextTokenizer, tokens: readonly number[]): ReadonlySet<number> {
  return new Set([...new Set(tokens)].filter((token) => /^[.!?]["')]*$/.test(tokenizer.decode([token]))));
}

const novels = new WeakMap<TextTokenizer, Promise<Prose>>();

/** All the books one after another, in a tokenizer's tokens; made once a tokenizer. */
export function novelsFor(tokenizer: TextTokenizer): Promise<Prose> {
  const made = novels.get(tokenizer) ??
    Promise.all(books.map(readBook)).then((texts) => new Prose(tokenizer, texts.join(" ")));
  novels.set(tokenizer, made);
  made.catch(() => novels.delete(tokenizer));
  return made;
}
