import type { NeedleSubject } from "../../lib/evaluation/mod.ts";

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

  generate(prompt: readonly number[], { maxTokens }: { maxTokens: number }): Promise<number[]> {
    this.scope = 450;
    const name = prompt.at(-1)!;
    if (!this.knows(this.vocabulary.word(name))) return Promise.resolve(prompt.slice(0, maxTokens));
    const of = prompt.at(-2)!;
    const at = this.tokens.findIndex((token, index) => token === name && this.tokens[index - 1] === of);
    return Promise.resolve(this.tokens.slice(at + 1, at + 1 + maxTokens));
  }

  [Symbol.dispose](): void {
    if (this.#disposed) throw new Error("disposed twice");
    this.#disposed = true;
    FakeSession.live--;
  }
}

/** Numbers words as they come. */
export class Vocabulary {
  readonly #words: string[] = [];
  readonly #numbers = new Map<string, number>();

  encode(text: string): number[] {
    return text.split(" ").map((word) => {
      if (!this.#numbers.has(word)) this.#numbers.set(word, this.#words.push(word) - 1);
      return this.#numbers.get(word)!;
    });
  }

  word(token: number): string {
    return this.#words[token];
  }

  decode(tokens: readonly number[]): string {
    return tokens.map((token) => this.word(token)).join(" ");
  }
}

/** A subject over fake sessions, and what it was asked to do. */
export function fakeSubject(knows: (name: string) => boolean): NeedleSubject<FakeSession> & { calls: Call[] } {
  const vocabulary = new Vocabulary();
  const calls: Call[] = [];
  return {
    calls,
    createSession: () => new FakeSession(vocabulary, calls, knows),
    encode: (text) => vocabulary.encode(text),
    decode: (tokens) => vocabulary.decode(tokens),
    memory: {
      peakBytes: 1000,
      resetPeak: () => {
        calls.push("reset peak");
      },
    },
  };
}
