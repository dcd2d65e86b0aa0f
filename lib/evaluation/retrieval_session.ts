import { bm25Scores, wordsOf } from "./bm25.ts";
import type { NeedleSession } from "./needle/session.ts";

/** What reading by retrieval needs. */
export interface RetrievalSessionOptions<Session> {
  /** Starts an empty session that reads what was found; with full attention, so that nothing is selected twice. */
  createSession: () => Session;
  /** The model's tokenizer. */
  tokenizer: {
    encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
    decode(tokens: readonly number[]): string;
  };
  /** Tokens that are read for a question, question and answer not counted. */
  budget: number;
  /** Tokens of a span; spans overlap by half. Default 32. */
  spanSize?: number;
}

/**
 * A control that has no attention to speak of: the context's spans are ranked by BM25 against the question's text, and those
 * that fit a budget are read as plain text, in their order, before the question. Why not retrieval? This answers it.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { RetrievalSession } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const { tokenizer } = model;
 * const createSession = () => model.createSession({ method: "full" });
 * using session = new RetrievalSession({ createSession, tokenizer, budget: 256 });
 * const rain = "It rained all day, and nobody came. ".repeat(100);
 * await session.append(tokenizer.encode(`${rain}The secret code of Zena is 482 913. ${rain}`));
 * const question = " Question: What is the secret code of Zena? Answer: The secret code of Zena is";
 * const prompt = tokenizer.encode(question, { addSpecialTokens: false });
 * assertEquals(tokenizer.decode(await session.generate(prompt, { maxTokens: 2 })), " 482 913");
 * ```
 */
export class RetrievalSession<Session extends NeedleSession<Session>>
  implements NeedleSession<RetrievalSession<Session>> {
  readonly #options: RetrievalSessionOptions<Session>;
  #tokens: readonly number[] = [];
  #scope = 0;

  /** Nothing was read yet. */
  constructor(options: RetrievalSessionOptions<Session>) {
    this.#options = options;
  }

  /** Most tokens that any head attended to in any step so far. */
  get scope(): number {
    return this.#scope;
  }

  /** Takes tokens down; they are read when a question asks for them. */
  append(tokens: readonly number[]): Promise<void> {
    this.#tokens = [...this.#tokens, ...tokens];
    return Promise.resolve();
  }

  /** A session over the same context that goes its own way. */
  fork(): RetrievalSession<Session> {
    const fork = new RetrievalSession(this.#options);
    fork.#tokens = this.#tokens;
    return fork;
  }

  /** The question's text alone says what is looked for. */
  markQuestion(): void {}

  /** Finds spans for the prompt, reads them, and continues the prompt. */
  async generate(
    prompt: readonly number[],
    options: { maxTokens: number; signal?: AbortSignal },
  ): Promise<readonly number[]> {
    const { createSession, tokenizer } = this.#options;
    const opening = tokenizer.encode("");
    const found = this.#find(tokenizer.decode(prompt));
    using session = createSession();
    await session.append([...opening, ...found.map((token) => this.#tokens[token])], { signal: options.signal });
    session.markQuestion();
    const answer = await session.generate(prompt, options);
    this.#scope = Math.max(this.#scope, session.scope);
    return answer;
  }

  /** Holds nothing on the device. */
  [Symbol.dispose](): void {}

  /** Places of the tokens that are read for a question, rising. */
  #find(question: string): number[] {
    const { tokenizer, budget, spanSize = 32 } = this.#options;
    const stride = Math.max(1, Math.floor(spanSize / 2));
    const starts = Array.from({ length: Math.ceil(this.#tokens.length / stride) }, (_, span) => span * stride);
    const texts = starts.map((start) => wordsOf(tokenizer.decode(this.#tokens.slice(start, start + spanSize))));
    const scores = bm25Scores(wordsOf(question), texts);
    const best = [...starts.keys()].sort((a, b) => scores[b] - scores[a] || a - b);
    const places = new Set<number>();
    for (const span of best) {
      const end = Math.min(this.#tokens.length, starts[span] + spanSize);
      const own = Array.from({ length: end - starts[span] }, (_, token) => starts[span] + token);
      const more = own.filter((token) => !places.has(token));
      if (places.size + more.length > budget) break;
      for (const token of more) places.add(token);
    }
    return [...places].sort((a, b) => a - b);
  }
}
