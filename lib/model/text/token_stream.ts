import type { EncodeOptions } from "./tokenizer.ts";

/** What a stream of text needs of a tokenizer. */
export interface TokenEncoder {
  /** The tokens of a text. */
  encode(text: string, options?: EncodeOptions): readonly number[];
}

/** Characters that are turned into tokens at a time. */
const BLOCK = 16_384;
/** Characters on both sides of a cut that are looked at: longer than any token, and than what decides about one. */
const MARGIN = 256;
/** Characters without a place to cut at that are held before giving up. */
const MOST_HELD = 2 ** 22;
/** Places of one kind that are tried in a block. */
const MOST_TRIES = 16;

/** Kinds of places, the safest first: before a word, around a line's end, before a mark that ends a word. */
const PLACES: readonly RegExp[] = [
  /(?<=\p{L}) (?=\p{L})/gu,
  /(?<=\p{L})(?=\n)|(?<=\n)(?=\p{L})/gu,
  /(?<=\p{L})(?=[^\s\p{L}\p{N}\p{M}'’])/gu,
];

/**
 * Turns text that comes piece by piece into tokens: those that the whole text has, whatever the pieces. Text is cut only
 * where words end, and only where the tokens around the cut come out the same with it and without.
 *
 * @example
 * ```ts
 * import { TokenStream } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const letters = { encode: (text: string) => [...text].map((letter) => letter.codePointAt(0)!) };
 * const stream = new TokenStream(letters);
 * assertEquals([...stream.push("ab"), ...stream.push("c"), ...stream.end()], [97, 98, 99]);
 * ```
 */
export class TokenStream {
  readonly #tokenizer: TokenEncoder;
  /** Text that is not turned into tokens yet. */
  #held = "";
  /** The end of what was: the next tokens are made behind it, since what comes before decides about them. */
  #context = "";
  /** Characters of the held text that a cut is looked for in, once so many are there. */
  #enough = BLOCK + MARGIN;

  /** A stream of one text, without the tokens that the tokenizer puts around a text. */
  constructor(tokenizer: TokenEncoder) {
    this.#tokenizer = tokenizer;
  }

  /**
   * Takes the next piece.
   *
   * @returns the tokens that are certain now
   * @throws {RangeError} for a text of millions of characters without a place to cut at.
   */
  push(text: string): number[] {
    this.#held += text;
    const tokens: number[] = [];
    while (this.#held.length >= this.#enough) {
      const cut = this.#findCut();
      if (cut !== undefined) {
        for (const token of this.#take(cut)) tokens.push(token);
        this.#enough = BLOCK + MARGIN;
      } else if (this.#enough < MOST_HELD) {
        this.#enough *= 2;
      } else {
        throw new RangeError(
          `append: ${
            MOST_HELD.toLocaleString("en-US")
          } characters in which no word ends: text can't be cut there without ` +
            "changing its tokens; give tokens instead of text",
        );
      }
    }
    return tokens;
  }

  /** Ends the text: the tokens that are left. */
  end(): number[] {
    return this.#take(this.#held.length);
  }

  /** Characters of the held text before the last place to cut at; places that were looked at before are left out. */
  #findCut(): number | undefined {
    const first = this.#enough > BLOCK + MARGIN ? this.#enough / 2 - MARGIN : 1;
    const searched = this.#held.slice(first - 1, this.#enough - MARGIN);
    for (const place of PLACES) {
      const found = Array.from(searched.matchAll(place), ({ index }) => first - 1 + index).filter((at) => at >= first);
      const cut = found.slice(-MOST_TRIES).findLast((at) => this.#isSafe(at));
      if (cut !== undefined) return cut;
    }
  }

  /** Whether the tokens before a place are the same without what comes after it. */
  #isSafe(cut: number): boolean {
    const before = ending(this.#context + this.#held.slice(Math.max(0, cut - MARGIN), cut));
    return this.#behind(before, this.#held.slice(cut, cut + MARGIN)) !== undefined;
  }

  /** Tokens of the held text's beginning. */
  #take(cut: number): number[] {
    const text = this.#held.slice(0, cut);
    const tokens = this.#behind(this.#context, text);
    if (!tokens) {
      throw new RangeError("append: this tokenizer cuts words across their ends; give tokens instead of text");
    }
    this.#context = ending(this.#context + text);
    this.#held = this.#held.slice(cut);
    return tokens;
  }

  /** The tokens that a text adds to what stands before it; undefined where it changes that. */
  #behind(before: string, text: string): number[] | undefined {
    const encode = (text: string) => this.#tokenizer.encode(text, { addSpecialTokens: false });
    if (before === "") return [...encode(text)];
    const known = encode(before);
    const all = encode(before + text);
    return known.every((token, index) => token === all[index]) ? all.slice(known.length) : undefined;
  }
}

/** A text's last characters; not half of one. */
function ending(text: string): string {
  const end = text.slice(-MARGIN);
  return /^[\uDC00-\uDFFF]/.test(end) ? end.slice(1) : end;
}

/**
 * The tokens that a tokenizer puts before a text, such as one for its start.
 *
 * @example
 * ```ts
 * import { openingTokens } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const tokenizer = {
 *   encode: (text: string, { addSpecialTokens = true } = {}) => [...(addSpecialTokens ? [0] : []), text.length],
 * };
 * assertEquals(openingTokens(tokenizer), [0]);
 * ```
 */
export function openingTokens(tokenizer: TokenEncoder): readonly number[] {
  const plain = tokenizer.encode("a", { addSpecialTokens: false });
  const around = tokenizer.encode("a");
  const start = around.findIndex((_, at) => plain.every((token, index) => token === around[at + index]));
  return around.slice(0, Math.max(0, start));
}
