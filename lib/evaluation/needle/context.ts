import type { Random } from "../random.ts";
import { type Haystack, makeHaystack } from "./haystack.ts";
import type { NeedleVariant } from "./facts.ts";
import type { Prose, TextTokenizer } from "./prose.ts";

/** Tokens kept for a question and its answer: a context of `length - questionRoom` fits `length` with both. */
export const questionRoom = 64;

/** Tokens at either end that hold no needle, where contexts are longer than any window of the demo's knobs. */
const CLEAR = 512;

/** What a needle task's context is made of. */
export interface ContextOptions {
  /** Whose tokens are counted. */
  readonly tokenizer: TextTokenizer;
  /** Tokens of the context together with one question and its answer. */
  readonly length: number;
  /** Needles to ask for. */
  readonly needles?: number;
  /** What is hidden. */
  readonly variant?: NeedleVariant;
  /** Where in the text to start; see `makeHaystack`. */
  readonly start?: number;
  /** The text. Default: the novels that the toolkit carries. */
  readonly prose?: Prose;
  /** Where names, numbers and places come from. */
  readonly random: Random;
}

/** A haystack that leaves room for a question, and holds no needle where leading tokens or a window would see it. */
export async function makeContext({ length, ...options }: ContextOptions): Promise<Haystack> {
  const clear = length > 2 * CLEAR ? Math.min(CLEAR, Math.floor(length / 4)) : 0;
  return await makeHaystack({ ...options, tokens: length - questionRoom, clear });
}
