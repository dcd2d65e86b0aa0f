import { KeyValueCache } from "../../attention/mod.ts";
import { checkTokens } from "../text/check_tokens.ts";
import { type AnswerStart, Decoding } from "../decoder/decoding.ts";
import type { SequenceReader } from "./sequence_reader.ts";
import { Session } from "./session.ts";
import { type AppendOptions, checkGeneration, type GenerateOptions, type Generation } from "./session_options.ts";
import { Stepper } from "../decoder/stepper.ts";

/**
 * Several contexts of any lengths whose answers are written side by side: prompts are read one after another, and each
 * decode step runs for all of them at once. Sequences don't see each other.
 *
 * @example Two questions of different lengths in one go
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadModel } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * using batch = model.createBatch(2, { method: "full" });
 * const facts = ["The secret code of Zena is 482 913.", "It rained. The secret code of Otto is 551 207. It snowed."];
 * await batch.append(facts.map((fact) => model.tokenizer.encode(fact)));
 * const answers = await batch.answer([
 *   " Question: What is the secret code of Zena? Answer: The secret code of Zena is",
 *   " Question: What is the secret code of Otto? Answer: The secret code of Otto is",
 * ], { maxTokens: 2 });
 * assertEquals(answers, [" 482 913", " 551 207"]);
 * ```
 */
export class SessionBatch {
  /** One session for each context; between the batch's own calls they can be used like any other. */
  readonly sessions: readonly Session[];
  readonly #readers: readonly SequenceReader[];
  #scope = 0;

  /** Takes over the readers, whose caches share their pages. Use `model.createBatch`. */
  constructor(readers: readonly SequenceReader[]) {
    this.#readers = readers;
    this.sessions = readers.map((reader) => new Session(reader));
  }

  /** Most tokens that any head attended to in any step so far, of any of the sessions. */
  get scope(): number {
    return Math.max(this.#scope, ...this.sessions.map(({ scope }) => scope));
  }

  /**
   * Reads tokens into each session's cache, one session after another.
   *
   * @param contexts one list of tokens for each session; an empty one reads nothing
   * @param options progress counts the tokens of all lists
   * @throws {RangeError} for another number of lists than sessions, or what `Session.append` refuses.
   */
  async append(contexts: readonly (readonly number[])[], options: AppendOptions = {}): Promise<void> {
    this.#checkCount("append", "lists of tokens", contexts);
    for (const tokens of contexts) checkTokens(tokens, this.sessions[0].model.config.vocabularySize);
    const total = contexts.reduce((sum, { length }) => sum + length, 0);
    let before = 0;
    for (const [index, tokens] of contexts.entries()) {
      if (tokens.length === 0) continue;
      const onProgress = options.onProgress && ((done: number) => options.onProgress?.(before + done, total));
      await this.sessions[index].append(tokens, { ...options, onProgress });
      before += tokens.length;
    }
  }

  /** Says that the questions start here; see `Session.markQuestion`. */
  markQuestion(): void {
    for (const session of this.sessions) session.markQuestion();
  }

  /**
   * Writes an answer to each prompt, all side by side. Each prompt's last token is its first decode step.
   *
   * @param prompts one for each session
   * @returns the answers' tokens, without stop tokens
   * @throws {RangeError} for another number of prompts than sessions, an empty prompt with nothing before it, or options that are wrong.
   */
  async generate(prompts: readonly (readonly number[])[], options: GenerateOptions): Promise<number[][]> {
    this.#checkCount("generate", "prompts", prompts);
    const { config } = this.sessions[0].model;
    const generation = checkGeneration(options, config);
    for (const [index, prompt] of prompts.entries()) {
      checkTokens(prompt, config.vocabularySize);
      if (prompt.length === 0 && this.#readers[index].pending.length === 0) {
        throw new RangeError(`generate: prompt ${index} is empty; give at least one token`);
      }
    }
    const run = this.#readers.reduceRight<() => Promise<number[][]>>(
      (inner, reader) => () => reader.exclusively(inner),
      () => this.#answer(prompts, generation),
    );
    return await run();
  }

  /** Writes an answer to each question as text. */
  async answer(questions: readonly string[], options: GenerateOptions): Promise<string[]> {
    const { tokenizer } = this.sessions[0].model;
    const prompts = questions.map((question) => tokenizer.encode(question, { addSpecialTokens: false }));
    return (await this.generate(prompts, options)).map((tokens) => tokenizer.decode(tokens));
  }

  /** Frees the sessions. */
  [Symbol.dispose](): void {
    for (const session of this.sessions) session[Symbol.dispose]();
  }

  async #answer(prompts: readonly (readonly number[])[], generation: Generation): Promise<number[][]> {
    const starts: AnswerStart[] = [];
    try {
      for (const [index, reader] of this.#readers.entries()) {
        starts.push(await reader.readPrompt(prompts[index], generation.signal));
      }
    } catch (error) {
      // Prompts that were read wait for their answers' first step.
      starts.forEach(({ lastToken }, index) => this.#readers[index].pending = [lastToken]);
      throw error;
    }
    const { model, method } = this.#readers[0].stepper;
    using cache = KeyValueCache.beside(this.#readers.map((reader) => reader.cache));
    using stepper = new Stepper(model, method, cache);
    const decoding = new Decoding(stepper, starts);
    const answers = this.#readers.map((): number[] => []);
    try {
      for await (const news of decoding.run(generation)) {
        news.forEach((tokens, index) => answers[index].push(...tokens));
      }
    } finally {
      this.#scope = Math.max(this.#scope, stepper.scope);
      const { pending } = decoding;
      this.#readers.forEach((reader, index) => {
        reader.tookIn(decoding.tokens[index]);
        reader.pending = pending[index];
        reader.stepper.inherit(stepper);
      });
    }
    return answers;
  }

  #checkCount(call: string, what: string, given: readonly unknown[]): void {
    const { length } = this.sessions;
    if (given.length !== length) {
      throw new RangeError(`${call}: ${given.length} ${what} for a batch of ${length} sessions; give one for each`);
    }
  }
}
