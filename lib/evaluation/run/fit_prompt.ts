import { keptRanges } from "../metrics/truncation.ts";
import type { Question } from "../question.ts";

/** What fitting a prompt needs of a tokenizer; those of `lib/model` have it. */
export interface PromptTokenizer {
  /** The tokens of a text; special tokens, such as one that begins a text, unless told otherwise. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /** The text of tokens. */
  decode(tokens: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  /** A conversation by the model's own template; throws a RangeError where it has none. */
  chatText(messages: readonly { role: string; content: string }[]): string;
}

/** How prompts are fitted. */
export interface FitOptions {
  /** Most tokens of a prompt. */
  readonly mostTokens: number;
  /** Whether chat templates are used where a benchmark asks for them and the model has one. Default true. */
  readonly chat?: boolean;
}

/** A prompt as a model reads it. */
export interface FittedPrompt {
  /** Its tokens. */
  readonly tokens: number[];
  /** Of them, those at the end that come after the document: the question itself. */
  readonly questionTokens: number;
  /** Whether anything was left out. */
  readonly shortened: boolean;
  /** Whether the model's chat template stands around it. */
  readonly chat: boolean;
}

/** Words that each further try of L-Eval's way leaves out. */
const WORDS_A_TRY = 250;

/**
 * Whether a model has a chat template of its own.
 *
 * @example
 * ```ts
 * import { ModelTokenizer } from "@reattention/toolkit/model";
 * import { hasChatTemplate } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const json = { model: { type: "WordLevel", vocab: { "?": 0 }, unk_token: "?" } };
 * const chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";
 * const tokenizers = [ModelTokenizer.fromJson(json, { chat_template }), ModelTokenizer.fromJson(json)];
 * assertEquals(tokenizers.map(hasChatTemplate), [true, false]);
 * ```
 */
export function hasChatTemplate(tokenizer: PromptTokenizer): boolean {
  try {
    tokenizer.chatText([{ role: "user", content: "?" }]);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** L-Eval's way: words are left out at one end of the document until it is short enough. */
function shortenDocument(
  document: string,
  side: "left" | "right",
  most: number,
  count: (text: string) => number,
): string {
  let text = document;
  for (let left = 0; count(text) > most && text !== ""; left += WORDS_A_TRY) {
    const words = text.split(" ");
    const keep = Math.max(0, most - left);
    text = (side === "right" ? words.slice(0, keep) : words.slice(Math.max(0, words.length - keep))).join(" ");
  }
  return text;
}

/**
 * A question's tokens: shortened by its benchmark's rule, inside the model's chat template where the benchmark asks for it.
 *
 * @throws {RangeError} where the vocabulary lacks a part of the text.
 *
 * @example
 * ```ts
 * import { ModelTokenizer } from "@reattention/toolkit/model";
 * import { fitPrompt, type Question } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const model = { type: "WordLevel", vocab: { a: 0, b: 1, c: 2, d: 3, "?": 4 }, unk_token: "?" };
 * const tokenizer = ModelTokenizer.fromJson({ model, pre_tokenizer: { type: "WhitespaceSplit" } });
 * const named = { benchmark: "infinitebench", task: "passkey", id: "1", references: ["a"], about: {} } as const;
 * const asked = { prompt: "a b c d ?", tail: " ?", chat: false, maxTokens: 6 };
 * const question: Question = { ...named, ...asked, shortening: { kind: "tokens", rule: "exact_middle" } };
 * // The middle is left out.
 * const fitted = { tokens: [0, 1, 3, 4], questionTokens: 1, shortened: true, chat: false };
 * assertEquals(fitPrompt(question, tokenizer, { mostTokens: 4 }), fitted);
 * ```
 */
export function fitPrompt(question: Question, tokenizer: PromptTokenizer, options: FitOptions): FittedPrompt {
  const { mostTokens } = options;
  const chat = question.chat && (options.chat ?? true) && hasChatTemplate(tokenizer);
  const { text, tokens, shortened } = shortenedPrompt(question, tokenizer, mostTokens, chat);
  const prefix = question.answerPrefix ?? "";
  const complete = tokens ?? tokenizer.encode(...withTemplate(text, prefix, tokenizer, chat));
  const tail = tokenizer.encode(question.tail + prefix, { addSpecialTokens: false }).length;
  return { tokens: complete, questionTokens: Math.min(complete.length, Math.max(1, tail)), shortened, chat };
}

type Encoding = [text: string, options: { addSpecialTokens: boolean }];

function withTemplate(text: string, prefix: string, tokenizer: PromptTokenizer, chat: boolean): Encoding {
  if (!chat) return [text + prefix, { addSpecialTokens: true }];
  return [tokenizer.chatText([{ role: "user", content: text }]) + prefix, { addSpecialTokens: false }];
}

function shortenedPrompt(
  { prompt, shortening, answerPrefix = "" }: Question,
  tokenizer: PromptTokenizer,
  most: number,
  chat: boolean,
): { text: string; tokens?: number[]; shortened: boolean } {
  if (shortening.kind === "words") {
    const { document, side } = shortening;
    const text = shortenDocument(document, side, most, (part) => tokenizer.encode(part).length);
    if (text === document) return { text: prompt, shortened: false };
    const place = prompt.indexOf(document);
    return { text: prompt.slice(0, place) + text + prompt.slice(place + document.length), shortened: true };
  }
  if (shortening.kind === "none") return { text: prompt, shortened: false };
  if (shortening.rule === "longbench_middle") {
    const ids = tokenizer.encode(prompt);
    if (ids.length <= most) return { text: prompt, shortened: false };
    const parts = keptRanges(shortening.rule, ids.length, most).map(([start, end]) => {
      return tokenizer.decode(ids.slice(start, end), { skipSpecialTokens: true });
    });
    return { text: parts.join(""), shortened: true };
  }
  const ids = tokenizer.encode(...withTemplate(prompt, answerPrefix, tokenizer, chat));
  if (ids.length <= most) return { text: prompt, tokens: ids, shortened: false };
  const kept = keptRanges(shortening.rule, ids.length, most).flatMap(([start, end]) => ids.slice(start, end));
  return { text: prompt, tokens: kept, shortened: true };
}
