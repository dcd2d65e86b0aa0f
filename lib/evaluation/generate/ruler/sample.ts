import type { TextTokenizer } from "../../needle/prose.ts";
import type { Random } from "../../random.ts";
import type { RulerWording } from "./wording.ts";

/** One question of RULER before it is a prompt. */
export interface RulerSample {
  /** The context. */
  readonly context: string;
  /** What the template's names stand for, besides the context. */
  readonly values: Readonly<Record<string, string>>;
  /** What is right. */
  readonly outputs: readonly string[];
  /** Pieces of the context that hold what is asked for. */
  readonly pieces: readonly string[];
  /** Whether the template turns singular. */
  readonly singular?: boolean;
}

/** What samples are made from. */
export interface SampleSource {
  /** Whose tokens are counted. */
  readonly tokenizer: TextTokenizer;
  /** Text for haystacks of essays, words single-spaced. */
  readonly essays: readonly string[];
  /** Distinct words. */
  readonly vocabulary: readonly string[];
  /** How it is worded. */
  readonly wording: RulerWording;
  /** Most tokens of a prompt with its answer. */
  readonly length: number;
}

/** A kind of question: makes a sample of a size; the same random state and size give the same. */
export interface SampleMaker {
  /** Sizes are multiples of it. */
  readonly step: number;
  /** Sizes above it change nothing: there are no more words or documents. Default: there is no end. */
  readonly largest?: number;
  /** Which wording it takes. */
  readonly kind: keyof RulerWording["templates"];
  /** Makes a sample. */
  readonly make: (size: number, random: Random) => RulerSample;
}

/**
 * A text of books as the words of essays.
 *
 * @example
 * ```ts
 * import { essayWords } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(essayWords(" It rained\nall  day. "), ["It", "rained", "all", "day."]);
 * ```
 */
export function essayWords(prose: string): string[] {
  return prose.split(/\s+/).filter((word) => word !== "");
}
