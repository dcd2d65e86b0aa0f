import { OracleSpans } from "../../lib/attention/mod.ts";
import type { NeedleSession } from "../../lib/evaluation/mod.ts";
import type { Session } from "../../lib/model/mod.ts";

/** Tokens before and after the answer's opening words that the oracle shows too: the needle's sentence fits. */
const BEFORE = 8;
const AFTER = 24;

/** A session of the method "oracle", which is told for each question where its needle stands: where the prompt's last words are. */
export class OracleSession implements NeedleSession<OracleSession> {
  readonly #session: Session;
  #tokens: readonly number[] = [];

  /** Takes the session over. */
  constructor(session: Session) {
    this.#session = session;
  }

  /** Most tokens that any head attended to in any step so far. */
  get scope(): number {
    return this.#session.scope;
  }

  /** Reads tokens into the cache. */
  async append(tokens: readonly number[], options?: { signal?: AbortSignal }): Promise<void> {
    this.#tokens = [...this.#tokens, ...tokens];
    await this.#session.append(tokens, options);
  }

  /** A session over the same context that goes its own way. */
  fork(): OracleSession {
    const fork = new OracleSession(this.#session.fork());
    fork.#tokens = this.#tokens;
    return fork;
  }

  /** Says that the question starts here. */
  markQuestion(): void {
    this.#session.markQuestion();
  }

  /** Shows the needle, and continues the prompt. */
  async generate(
    prompt: readonly number[],
    options: { maxTokens: number; signal?: AbortSignal },
  ): Promise<readonly number[]> {
    const { method } = this.#session;
    if (method instanceof OracleSpans) method.attendTo(this.#spans(prompt));
    return await this.#session.generate(prompt, options);
  }

  /** Gives its memory back. */
  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }

  /** Where the longest end of the prompt that the context holds stands in it, and where a chain goes on from there. */
  #spans(prompt: readonly number[]): [number, number][] {
    for (let count = Math.min(12, prompt.length); count > 1; count--) {
      const place = this.#find(prompt.slice(-count));
      if (place < 0) continue;
      // "Let B = A." is followed to "A =".
      const link = this.#find([this.#tokens[place + count], prompt[prompt.length - 1]]);
      return [place, ...(link >= 0 ? [link] : [])].sort((a, b) => a - b)
        .map((found) => [Math.max(0, found - BEFORE), found + count + AFTER]);
    }
    return [];
  }

  #find(words: readonly number[]): number {
    return this.#tokens.findIndex((_, token) => words.every((word, at) => this.#tokens[token + at] === word));
  }
}
