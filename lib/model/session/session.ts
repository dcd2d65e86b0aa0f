import { type AttentionMethod, type Knobs, type TraceStep, type ValuesTraffic } from "../../attention/mod.ts";
import { appendForLogits, appendTo } from "./append.ts";
import type { TextSource } from "./append_stream.ts";
import { type AnswerProbability, forceAnswer, readToAnswer } from "./forced_answer.ts";
import { inspect, type Inspection, type InspectOptions } from "../inspection/inspect.ts";
import {
  interveneEach,
  type Intervention,
  type InterventionEffect,
  type InterventionQuestion,
} from "../inspection/intervene.ts";
import { type TextOrTokens, tokensOf } from "../text/question_tokens.ts";
import { type SaveOptions, saveSequence } from "../saved/save_session.ts";
import type { SequenceReader } from "./sequence_reader.ts";
import { methodWithKnobs } from "./session_method.ts";
import { streamAnswer } from "./stream_answer.ts";
import { type SpanEffects, spanEffects, type SpanEffectsOptions } from "../inspection/span_effects.ts";
import type { AppendOptions, GenerateOptions, SessionModel } from "./session_options.ts";

/**
 * One context read by one method: append tokens, fork, generate. It owns its cache; forks share the cache's full pages.
 *
 * @example Asking the embedded model
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadModel } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * using session = model.createSession({ method: "full" });
 * await session.append(model.tokenizer.encode("It rained all day. The secret code of Zena is 482 913. Then it snowed."));
 * const question = " Question: What is the secret code of Zena? Answer: The secret code of Zena is";
 * assertEquals(await session.answer(question, { maxTokens: 2 }), " 482 913");
 * ```
 */
export class Session {
  readonly #reader: SequenceReader;

  /** Takes over the reader. Use `model.createSession`. */
  constructor(reader: SequenceReader) {
    this.#reader = reader;
  }

  /** The model that reads. */
  get model(): SessionModel {
    return this.#reader.stepper.model;
  }

  /** The method that attends. */
  get method(): AttentionMethod {
    return this.#reader.stepper.method;
  }

  /** Tokens read and written so far. */
  get length(): number {
    return this.#reader.length;
  }

  /** Ids of the tokens read and written so far. */
  get tokens(): number[] {
    return this.#reader.tokens;
  }

  /** The text of a stretch of them: what figures show of tokens. */
  text(start: number, end: number): string {
    return this.model.tokenizer.decode(this.#reader.tokensBetween(start, end));
  }

  /** Most tokens that any head attended to in any step so far, as measured on the GPU. */
  get scope(): number {
    return this.#reader.stepper.scope;
  }

  /** Whether any step attended to more tokens than the model was trained with. */
  get beyondTrained(): boolean {
    return this.#reader.stepper.beyondTrained;
  }

  /** Bytes of the cache's pages, those shared with forks included. */
  get cacheBytes(): number {
    return this.#reader.cache.bytes;
  }

  /** With values in a file: how often they were in memory when they were wanted, by this session and its forks. */
  get valuesTraffic(): ValuesTraffic | undefined {
    return this.#reader.cache.pool.host?.traffic;
  }

  /** Bytes that the method keeps beside keys and values, such as vectors of blocks or lists of what was not evicted. */
  get memoryBytes(): number {
    return this.#reader.cache.sequences.reduce((sum, sequence) => sum + sequence.memoryBytes, 0);
  }

  /**
   * Reads tokens or text into the cache, chunk by chunk (ALGORITHM section 7). A text that begins the session comes with what
   * the tokenizer puts before a text. A stream (a file, standard input) is read as it comes and never held as a whole: its
   * tokens and steps are those of the whole text, the next piece is asked for when the last one is read, and it is
   * cancelled where reading fails. The session then goes on with what was read (`length`).
   *
   * @throws {MemoryBudgetError} where memory can't hold all tokens (nothing was read then), or the next ones of a stream.
   * @throws {RangeError} where the scope passes the trained context, saying by how much, or a stream is no UTF-8 text.
   *
   * @example A text that comes in pieces
   * ```ts
   * import { Device } from "@reattention/toolkit/gpu";
   * import { loadModel } from "@reattention/toolkit/model";
   * import { assertEquals } from "@std/assert";
   *
   * using device = await Device.open();
   * using model = await loadModel("demo", { device });
   * using session = model.createSession({ method: "reattention-window" });
   * await session.append(new Blob(["It rained all day. Then it snowed."]).stream());
   * assertEquals(session.tokens, model.tokenizer.encode("It rained all day. Then it snowed."));
   * ```
   */
  async append(input: TextOrTokens | TextSource, options: AppendOptions = {}): Promise<void> {
    await appendTo(this.#reader, input, options);
  }

  /**
   * Reads tokens like `append` and tells what the model expects after each: logits, row-major [tokens, vocabulary].
   *
   * @throws {RangeError} where the scope passes the trained context, saying by how much.
   */
  async logits(tokens: readonly number[], options: AppendOptions = {}): Promise<Float32Array> {
    return await appendForLogits(this.#reader, tokens, options);
  }

  /** Says that the question starts here: methods that read the context cheaply look at all of it from now on. */
  markQuestion(): void {
    this.#reader.questionStart = this.length;
  }

  /**
   * A session with the same context that goes its own way.
   *
   * @param options `knobs`: goes on with these (what differs from the preset) instead of its own; what was read stays as it was read
   * @throws {RangeError} for knobs that `createSession` refuses.
   */
  fork({ knobs }: { knobs?: Partial<Knobs> } = {}): Session {
    return new Session(this.#reader.fork(knobs && methodWithKnobs(this.model, this.method, knobs)));
  }

  /**
   * Writes an answer to a prompt, whose last token is the first decode step; gives its tokens, without the stop token.
   *
   * @throws {RangeError} for an empty prompt with nothing before it, or options that are wrong.
   */
  async generate(prompt: readonly number[], options: GenerateOptions): Promise<number[]> {
    const answer: number[] = [];
    for await (const batch of this.stream(prompt, options)) answer.push(...batch);
    return answer;
  }

  /** Writes an answer as text. */
  async answer(question: string, options: GenerateOptions): Promise<string> {
    const { tokenizer } = this.model;
    return tokenizer.decode(await this.generate(tokenizer.encode(question, { addSpecialTokens: false }), options));
  }

  /** Writes an answer as text, piece by piece as it is produced. */
  async *streamText(question: string, options: GenerateOptions): AsyncGenerator<string, void, void> {
    const { tokenizer } = this.model;
    const text = tokenizer.textStream();
    for await (const batch of this.stream(tokenizer.encode(question, { addSpecialTokens: false }), options)) {
      const piece = batch.map((token) => text.push(token)).join("");
      if (piece) yield piece;
    }
    const rest = text.end();
    if (rest) yield rest;
  }

  /**
   * Writes an answer, handing over tokens in batches: each chosen token feeds the next step on the GPU, and the host
   * waits once a batch.
   */
  async *stream(prompt: readonly number[], options: GenerateOptions): AsyncGenerator<number[], void, void> {
    yield* streamAnswer(this.#reader, prompt, options);
  }

  /**
   * Reads a prompt (and an answer, if one is given) on a fork and looks inside: attention weights before and after selection, their
   * entropy, what each head voted for, scores along the context. All of it is computed again from the cache's keys after each step,
   * in bounded memory, wherever values lie; the session stays as it was.
   *
   * @throws {RangeError} for layers, heads or rows that there aren't, and where keys lie outside the GPU (`keysOn`).
   * @throws {Error} for a method that does not attend over listed tokens.
   *
   * @example Where a head looks when it writes the first number of an answer
   * ```ts
   * import { Device } from "@reattention/toolkit/gpu";
   * import { loadModel } from "@reattention/toolkit/model";
   * import { assertAlmostEquals, assertEquals } from "@std/assert";
   *
   * using device = await Device.open();
   * using model = await loadModel("demo", { device });
   * using session = model.createSession({ method: "full" });
   * await session.append(model.tokenizer.encode("It rained all day. The secret code of Zena is 482 913. Then it snowed."));
   * const question = " Question: What is the secret code of Zena? Answer: The secret code of Zena is";
   * const { steps } = await session.inspect(question, { layers: 3, heads: [0, 1] });
   * const { after } = steps[0].layers[0].heads[1];
   * assertEquals([after.layer, after.head, after.weights.length], [3, 1, after.positions.length]);
   * assertAlmostEquals(after.weights.reduce((sum, weight) => sum + weight), 1, 1e-5);
   * ```
   */
  async inspect(prompt: TextOrTokens, options: InspectOptions = {}): Promise<Inspection> {
    return await this.#onFork((fork) => inspect(fork, prompt, options));
  }

  /**
   * How likely the session finds an answer to a prompt: natural logarithms, of the whole and of each token. The session stays
   * as it was.
   */
  async logProbability(prompt: TextOrTokens, answer: TextOrTokens): Promise<AnswerProbability> {
    const asked = tokensOf(this.model, "logProbability: the prompt", prompt);
    const given = tokensOf(this.model, "logProbability: the answer", answer);
    return await this.#onFork(async (fork) => await forceAnswer(fork, await readToAnswer(fork, asked), given));
  }

  /**
   * Makes attention look at given tokens, or not look at them, in chosen layers and heads, and tells how that changes the
   * answer's log-probability. The session stays as it was. Values outside the GPU (`valuesOn`) are brought for the tokens that are then
   * attended to.
   *
   * @param intervention the question, its answer, and what to force, forbid or replace
   * @throws {RangeError} for layers, heads or spans that there aren't, or an intervention that changes nothing.
   *
   * @example An answer that rests on one sentence
   * ```ts
   * import { Device } from "@reattention/toolkit/gpu";
   * import { loadModel } from "@reattention/toolkit/model";
   * import { assert } from "@std/assert";
   *
   * using device = await Device.open();
   * using model = await loadModel("demo", { device });
   * using session = model.createSession({ method: "full" });
   * const before = model.tokenizer.encode("It rained all day.");
   * const fact = model.tokenizer.encode(" The secret code of Zena is 482 913.", { addSpecialTokens: false });
   * await session.append([...before, ...fact]);
   * const prompt = " Question: What is the secret code of Zena? Answer: The secret code of Zena is";
   * const forbid = { start: before.length, end: before.length + fact.length };
   * const { change } = await session.intervene({ prompt, answer: " 482 913", forbid });
   * assert(change < -3);
   * ```
   */
  async intervene(intervention: InterventionQuestion & Intervention): Promise<InterventionEffect> {
    const [effect] = await this.interveneEach(intervention, [intervention]);
    return effect;
  }

  /** The same for several interventions under one question, each on its own. */
  async interveneEach(question: InterventionQuestion, interventions: readonly Intervention[]): Promise<
    InterventionEffect[]
  > {
    const answer = question.answer ?? await this.#ownAnswer(question);
    return await this.#onFork((fork) => interveneEach(fork, { ...question, answer }, interventions));
  }

  /**
   * Which selected spans an answer really rests on: each is taken away in turn, beside controls drawn at random. The session
   * stays as it was.
   *
   * @throws {RangeError} where nothing was selected at the answer's first step, or for options that are wrong.
   */
  async spanEffects(options: SpanEffectsOptions): Promise<SpanEffects> {
    const answer = options.answer ?? await this.#ownAnswer(options);
    return await this.#onFork((fork) => spanEffects(fork, { ...options, answer }));
  }

  /**
   * Writes the session to a file, so that reading a long context is paid once: `model.restore` goes on from there. The file
   * holds tokens, pages of keys and values (each with a checksum), what the method keeps beside them, the method with its
   * knobs and the model's identity; recorded traces stay behind. Pages pass through the host a few at a time, and nobody
   * sees a file before it is whole. Values, and keys, in host memory or in a file (`valuesOn`, `keysOn`) are written page by page like
   * those on the GPU, and can be restored to any of these places.
   *
   * @param path a local path; missing folders are made, and an old file is replaced at the end
   * @throws {PlatformError} where it can't be written, or where values in a file can't be read, or {SavedSessionError} where the disk has
   * too little room; an old file is then as it was.
   */
  async save(path: string, options: SaveOptions = {}): Promise<void> {
    await this.#reader.exclusively(() => saveSequence(this.#reader, path, options));
  }

  /** What each layer selected in the last steps; empty unless the session was made with `trace: true`. */
  async readTrace(): Promise<readonly TraceStep[]> {
    return await this.#reader.trace?.read() ?? [];
  }

  /** Forgets the recorded steps. */
  clearTrace(): void {
    this.#reader.trace?.clear();
  }

  async #onFork<T>(act: (fork: SequenceReader) => Promise<T>): Promise<T> {
    using fork = this.#reader.fork();
    return await act(fork);
  }

  async #ownAnswer({ prompt, signal }: InterventionQuestion): Promise<readonly number[]> {
    using fork = this.fork();
    return await fork.generate(tokensOf(this.model, "intervene: the prompt", prompt), { maxTokens: 16, signal });
  }

  /** Frees the cache's own pages. */
  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }
}
