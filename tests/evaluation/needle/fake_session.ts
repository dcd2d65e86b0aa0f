import type { NeedleSubject, TextTokenizer } from "../../../lib/evaluation/mod.ts";

/** What a fake was asked to do, in order. */
export type Call = string;

/** A session that reads words as tokens and finds the needle where `knows` lets it. */
export class FakeSession {
  static live = 0;
  scope = 0;
  #disposed = false;

  constructor(
    readonly vocabulary: Vocabulary,
    readonly calls: Call[],
    readonly knows: (name: string) => boolean,
    readonly tokens: number[] = [],
  ) {
    FakeSession.live++;
  }

  async append(
    tokens: readonly number[],
    options: { onProgress?: (done: number, total: number) => void; signal?: AbortSignal } = {},
  ): Promise<void> {
    this.calls.push(`append ${tokens.length}`);
    const half = tokens.length >> 1;
    options.onProgress?.(half, tokens.length);
    await Promise.resolve();
    options.signal?.throwIfAborted();
    this.tokens.push(...tokens);
    options.onProgress?.(tokens.length, tokens.length);
    this.scope = Math.min(300, this.tokens.length);
  }

  fork(): FakeSession {
    this.calls.push("fork");
    return new FakeSession(this.vocabulary, this.calls, this.knows, [...this.tokens]);
  }

  markQuestion(): void {
    this.calls.push(`question at ${this.tokens.length}`);
  }

  /** Looks for a sentence "... of NAME is VALUE ." whose name stands in the prompt, and continues the prompt with it. */
  generate(prompt: readonly number[], { maxTokens }: { maxTokens: number }): Promise<number[]> {
    this.scope = 450;
    const context = this.vocabulary.decode(this.tokens);
    const asked = this.vocabulary.decode(prompt);
    for (const [, opening, name, value] of context.matchAll(/( The [a-z ]+ of (\S+) is)( \d+ \d+)\./g)) {
      if (!asked.includes(` ${name}`) || !this.knows(name)) continue;
      const rest = asked.endsWith(opening) ? value : opening + value;
      return Promise.resolve(this.vocabulary.encode(rest, { addSpecialTokens: false }).slice(0, maxTokens));
    }
    return Promise.resolve(prompt.slice(0, maxTokens));
  }

  [Symbol.dispose](): void {
    if (this.#disposed) throw new Error("disposed twice");
    this.#disposed = true;
    FakeSession.live--;
  }
}

/** A tokenizer of words with the blanks before them; it numbers them as they come, and begins texts with token 0. */
export class Vocabulary implements TextTokenizer {
  readonly #words: string[] = ["<s>"];
  readonly #numbers = new Map<string, number>();

  encode(text: string, { addSpecialTokens = true } = {}): number[] {
    const words = text.match(/\s?[\p{L}\p{N}]+|\s?[^\s\p{L}\p{N}]|\s/gu) ?? [];
    const tokens = words.map((word) => {
      if (!this.#numbers.has(word)) this.#numbers.set(word, this.#words.push(word) - 1);
      return this.#numbers.get(word)!;
    });
    return addSpecialTokens ? [0, ...tokens] : tokens;
  }

  decode(tokens: readonly number[]): string {
    return tokens.map((token) => this.#words[token]).join("");
  }
}

/** One for all tests: the novels are taken apart once a tokenizer. */
export const vocabulary: Vocabulary = new Vocabulary();

/** A subject over fake sessions, and what it was asked to do. */
export function fakeSubject(knows: (name: string) => boolean): NeedleSubject<FakeSession> & { calls: Call[] } {
  const calls: Call[] = [];
  return {
    calls,
    createSession: () => new FakeSession(vocabulary, calls, knows),
    tokenizer: vocabulary,
    memory: {
      peakBytes: 1000,
      resetPeak: () => {
        calls.push("reset peak");
      },
    },
  };
}
