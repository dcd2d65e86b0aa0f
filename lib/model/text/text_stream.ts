/** What a stream needs of a tokenizer. */
export interface TokenDecoder {
  /** The text of tokens in order. */
  decode(ids: readonly number[]): string;
}

/** What decoders put where bytes are no UTF-8, such as a character whose last bytes have not come yet. */
const REPLACEMENT = "\uFFFD";

/** Tokens after which an unfinished character is given up as broken; a whole one takes four bytes at most. */
const MOST_HELD_TOKENS = 32;

/**
 * Turns tokens that come one by one into pieces of text. The pieces joined are the text of all tokens decoded at once:
 * blanks between words are kept, and a character that spans tokens comes out whole.
 *
 * @example
 * ```ts
 * import { TextStream } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const words = ["long", "context"];
 * const stream = new TextStream({ decode: (ids) => ids.map((id) => words[id]).join(" ") });
 * assertEquals([stream.push(0), stream.push(1), stream.end()], ["long", " context", ""]);
 * ```
 */
export class TextStream {
  readonly #decoder: TokenDecoder;
  /** Tokens already out that the next ones are decoded behind (they decide about blanks), then those held back. */
  #window: number[] = [];
  /** How many of the window are out. */
  #out = 0;
  /** Text of the window that is out. */
  #emitted = "";

  /** A stream that decodes by `decoder`, a tokenizer as a rule. */
  constructor(decoder: TokenDecoder) {
    this.#decoder = decoder;
  }

  /** Takes the next token; returns the text that it completes, which may be empty. */
  push(id: number): string {
    this.#window.push(id);
    const text = this.#decoder.decode(this.#window);
    const held = this.#window.length - this.#out;
    const unfinished = text.endsWith(REPLACEMENT) && held < MOST_HELD_TOKENS;
    const sure = unfinished ? text.slice(0, -REPLACEMENT.length) : text;
    const piece = sure.slice(this.#emitted.length);
    this.#emitted = sure;
    if (unfinished || piece === "") return piece;
    this.#window = this.#window.slice(this.#out);
    this.#out = this.#window.length;
    this.#emitted = this.#decoder.decode(this.#window);
    return piece;
  }

  /** Ends the text; returns what was held back. The stream can then start anew. */
  end(): string {
    const text = this.#window.length ? this.#decoder.decode(this.#window) : "";
    const piece = text.slice(this.#emitted.length);
    this.#window = [];
    this.#out = 0;
    this.#emitted = "";
    return piece;
  }
}
