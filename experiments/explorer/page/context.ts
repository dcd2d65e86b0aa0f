import { askNeedle } from "../../../lib/evaluation/needle/question.ts";
import { makeContext, questionRoom } from "../../../lib/evaluation/needle/context.ts";
import { novelsFor, Prose, type TextTokenizer } from "../../../lib/evaluation/needle/prose.ts";
import { Random } from "../../../lib/evaluation/random.ts";
import type { TokenRange } from "../../../lib/viz/token_range.ts";
import { expectedAnswer, hideOwn } from "../../demo/own_text.ts";
import { type ExplorerCase, NEEDLES } from "./explorer_case.ts";

/** A context to read and what is asked about it. */
export interface ExplorerContext {
  /** Its tokens. */
  readonly tokens: readonly number[];
  /** What the model continues. */
  readonly prompt: string;
  /** What a right answer is or holds; empty where that is not known. */
  readonly expected: string;
  /** The value in it, which the answer's telling token begins. */
  readonly value: string;
  /** The needle asked for, where it was hidden here. */
  readonly needle?: TokenRange;
}

/**
 * Makes the context of a case.
 *
 * @param ownText one's own text, for cases that read it; what is longer than the case's length is left out
 * @throws {Error} where the case asks for a text, a sentence or a question that is missing.
 */
export async function contextOf(
  tokenizer: TextTokenizer,
  asked: ExplorerCase,
  ownText: string,
): Promise<ExplorerContext> {
  const { length, sentence, question } = asked;
  const prose = asked.text === "own" ? ownProse(tokenizer, ownText) : await novelsFor(tokenizer);
  if (asked.needle === "hidden") return await hiddenContext(tokenizer, asked, prose);
  if (!hasWord(question)) throw new Error("question: write what is asked, such as What is the secret code of Zena?");
  const prompt = ` Question: ${question.trim()} Answer:`;
  if (asked.needle === "there") {
    const opening = tokenizer.encode("");
    const count = Math.min(length - questionRoom - opening.length, prose.tokens.length);
    const value = asked.answer.trim();
    return { tokens: [...opening, ...prose.tokens.slice(0, count)], prompt, expected: value, value };
  }
  if (!hasWord(sentence)) {
    throw new Error("sentence: write what is hidden, such as The secret code of Zena is 482 913.");
  }
  const value = asked.answer.trim() || expectedAnswer(sentence, question);
  const hidden = tokenizer.encode(` ${sentence.trim()}`, { addSpecialTokens: false }).length;
  const count = length - questionRoom - hidden - tokenizer.encode("").length;
  if (count < 1) throw new Error(`sentence: it has ${hidden} tokens, too many for a context of ${length}`);
  const { tokens, needle } = hideOwn(tokenizer, prose, sentence, count);
  return { tokens, prompt, expected: value, value, needle };
}

async function hiddenContext(
  tokenizer: TextTokenizer,
  { length, seed, ask }: ExplorerCase,
  prose: Prose,
): Promise<ExplorerContext> {
  const random = new Random(seed);
  const { tokens, needles } = await makeContext({ tokenizer, length, needles: NEEDLES, prose, random });
  const { tokenIndex: start, tokenCount, ...needle } = needles[ask];
  const { prompt, answer } = askNeedle(needle, { opening: false });
  return { tokens, prompt, expected: answer, value: needle.value, needle: { start, end: start + tokenCount } };
}

function ownProse(tokenizer: TextTokenizer, text: string): Prose {
  if (!hasWord(text)) {
    throw new Error("your text: paste or drop a text with words in it first; a link does not hold it");
  }
  return new Prose(tokenizer, text);
}

function hasWord(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
