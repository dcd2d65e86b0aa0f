import type { NeedleVariant } from "./facts.ts";
import type { Needle } from "./haystack.ts";
import { openingWords, questionSentence, type Wording } from "./wordings.ts";

/** How a needle is asked for. */
export interface AskOptions {
  /** What is hidden; chains are asked for differently. Default "plain". */
  variant?: NeedleVariant;
  /** How the question is worded. Default "plain". */
  wording?: Wording;
  /** Whether the prompt ends with the answer's opening words, so that only the value is missing. Default true. */
  opening?: boolean;
  /** Which of a wording's sentences is taken, in turn. Default 0. */
  turn?: number;
}

/** A question about a needle. */
export interface NeedleQuestion {
  /** What the model continues. It starts with a blank, since it follows on the context. */
  readonly prompt: string;
  /** What has to come next, up to the full stop. */
  readonly answer: string;
}

/**
 * The question about a needle.
 *
 * @example
 * ```ts
 * import { askNeedle } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const needle = { kind: "secret code", name: "Zena", value: "482 913" };
 * assertEquals(askNeedle(needle), {
 *   prompt: " Question: What is the secret code of Zena? Answer: The secret code of Zena is",
 *   answer: "482 913",
 * });
 * assertEquals(askNeedle(needle, { opening: false }), {
 *   prompt: " Question: What is the secret code of Zena? Answer:",
 *   answer: "The secret code of Zena is 482 913",
 * });
 * ```
 */
export function askNeedle(
  needle: Pick<Needle, "kind" | "name" | "value" | "holder">,
  { variant = "plain", wording = "plain", opening = true, turn = 0 }: AskOptions = {},
): NeedleQuestion {
  const { name, holder, value } = needle;
  if (variant.startsWith("chain-direct")) {
    return { prompt: ` Question: What number is ${name}? Answer:`, answer: value };
  }
  const [question, start, rest] = variant === "chain"
    ? [`What is ${name}?`, `${name} =`, `${holder} = ${value}`]
    : [questionSentence(needle, wording, turn), openingWords(needle), value];
  const asked = ` Question: ${question} Answer:`;
  return opening ? { prompt: `${asked} ${start}`, answer: rest } : { prompt: asked, answer: `${start} ${rest}` };
}
