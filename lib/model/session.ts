import {
  type AttentionMethod,
  AttentionStep,
  type KeyValueCache,
  type Phase,
  Trace,
  type TraceStep,
} from "../attention/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import { checkTokens } from "./check_tokens.ts";
import { promptSteps } from "./prompt_steps.ts";
import { Sampler } from "./sampler.ts";
import { checkScope } from "./scope.ts";
import {
  type AppendOptions,
  checkGeneration,
  type GenerateOptions,
  type Generation,
  type SessionModel,
} from "./session_options.ts";

/** Steps before tokens first come to the host, and the most between two reads; the number doubles each time. */
const BATCHES = { first: 4, last: 32 };

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
  /** The model that reads. */
  readonly model: SessionModel;
  /** The method that attends. */
  readonly method: AttentionMethod;
  readonly #cache: KeyValueCache;
  readonly #scopeTensor: Tensor;
  readonly #trace: Trace | undefined;
  #pending: number[] = [];
  #questionStart: number | undefined;
  #scope = 0;
  #beyondTrained = false;
  #busy = false;
  #disposed = false;

  /** Takes over the cache. Use `model.createSession`. */
  constructor(model: SessionModel, method: AttentionMethod, cache: KeyValueCache, options: { trace: boolean }) {
    this.model = model;
    this.method = method;
    this.#cache = cache;
    this.#scopeTensor = Tensor.zeros(cache.device, [1], "u32", "scope");
    if (options.trace) this.#trace = new Trace(cache.device);
  }

  /** Tokens read and written so far. */
  get length(): number {
    return this.#cache.lengths[0] + this.#pending.length;
  }

  /** Most tokens that any head attended to in any step so far, as measured on the GPU. */
  get scope(): number {
    return this.#scope;
  }

  /** Whether any step attended to more tokens than the model was trained with. */
  get beyondTrained(): boolean {
    return this.#beyondTrained;
  }

  /** Bytes of the cache's pages, those shared with forks included. */
  get cacheBytes(): number {
    return this.#cache.bytes;
  }

  /**
   * Reads tokens into the cache, chunk by chunk (ALGORITHM section 7).
   *
   * @throws {MemoryBudgetError} where memory can't hold them; nothing was read then.
   * @throws {RangeError} where the scope passes the trained context, saying by how much.
   */
  async append(tokens: readonly number[], options: AppendOptions = {}): Promise<void> {
    await this.#exclusively(async () => {
      await this.#prefill(this.#takePending(tokens), options);
      await this.#readScope();
    });
  }

  /**
   * Reads tokens like `append` and tells what the model expects after each of them.
   *
   * @returns logits, row-major [tokens, vocabulary]
   * @throws {RangeError} where the scope passes the trained context, saying by how much.
   */
  async logits(tokens: readonly number[], options: AppendOptions = {}): Promise<Float32Array> {
    const { vocabularySize } = this.model.config;
    const pending = this.#pending.length;
    const all = new Float32Array((pending + tokens.length) * vocabularySize);
    let done = 0;
    await this.#exclusively(async () => {
      await this.#prefill(this.#takePending(tokens), options, async (hidden) => {
        using logits = this.model.decoder.allLogits(hidden);
        all.set(await logits.read(), done * vocabularySize);
        done += hidden.shape[1];
      });
      await this.#readScope();
    });
    return all.subarray(pending * vocabularySize);
  }

  /** Says that the question starts here: methods that read the context cheaply look at all of it from now on. */
  markQuestion(): void {
    this.#questionStart = this.length;
  }

  /** A session with the same context that goes its own way. */
  fork(): Session {
    const cache = this.#cache.fork();
    const fork = new Session(this.model, this.method, cache, { trace: this.#trace !== undefined });
    fork.#pending = [...this.#pending];
    fork.#questionStart = this.#questionStart;
    fork.#beyondTrained = this.#beyondTrained;
    return fork;
  }

  /**
   * Writes an answer to a prompt. The prompt's last token is the first decode step.
   *
   * @returns the answer's tokens, without the stop token
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
    const { sampling, maxTokens, stops, signal } = checkGeneration(options, this.model.config);
    checkTokens(prompt, this.model.config.vocabularySize);
    const before = this.#begin();
    try {
      this.#questionStart ??= this.length;
      const all = this.#takePending(prompt);
      if (all.length === 0) throw new RangeError("generate: the prompt is empty; give at least one token");
      await this.#prefill(all.slice(0, -1), { signal });
      using sampler = new Sampler(this.#cache.device, 1, maxTokens, sampling);
      yield* this.#decode(all[all.length - 1], sampler, { stops, maxTokens, signal });
    } finally {
      this.#end(before);
    }
  }

  /** What each layer selected in the last steps; empty unless the session was made with `trace: true`. */
  async readTrace(): Promise<readonly TraceStep[]> {
    return await this.#trace?.read() ?? [];
  }

  /** Forgets the recorded steps. */
  clearTrace(): void {
    this.#trace?.clear();
  }

  /** Frees the cache's own pages. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#trace?.[Symbol.dispose]();
    this.#scopeTensor[Symbol.dispose]();
    this.#cache[Symbol.dispose]();
  }

  async #prefill(
    tokens: readonly number[],
    { onProgress, signal }: AppendOptions,
    onHidden?: (hidden: Tensor) => Promise<void>,
  ): Promise<void> {
    checkTokens(tokens, this.model.config.vocabularySize);
    this.#cache.reserve(tokens.length);
    let done = 0;
    for (const { rows, first } of promptSteps(tokens.length, this.length, this.method.knobs)) {
      using ids = Tensor.from(this.#cache.device, Uint32Array.from(tokens.slice(done, done + rows)), [1, rows]);
      // A step of length 1 counts as a decode step (ALGORITHM section 3), whoever asks for it.
      using hidden = await this.#step(ids, rows === 1 && !first ? "decode" : "prefill", first, signal);
      await onHidden?.(hidden);
      done += rows;
      onProgress?.(done, tokens.length);
    }
  }

  async *#decode(
    lastToken: number,
    sampler: Sampler,
    { stops, maxTokens, signal }: Omit<Generation, "sampling">,
  ): AsyncGenerator<number[], void, void> {
    const { decoder } = this.model;
    const start = this.#cache.lengths[0];
    this.#cache.device.commands.write(sampler.next.buffer, 0, Uint32Array.of(lastToken));
    let delivered = 0;
    let newest: number | undefined;
    try {
      for (let batch = BATCHES.first; delivered < maxTokens; batch = Math.min(2 * batch, BATCHES.last)) {
        const until = Math.min(maxTokens, delivered + batch);
        while (sampler.count < until) {
          using hidden = await this.#step(sampler.next, "decode", false, signal);
          using logits = decoder.logits(hidden);
          sampler.choose(logits);
        }
        const chosen = [...(await this.#readScope(sampler.chosen)).slice(delivered, until)];
        const stop = chosen.findIndex((token) => stops.has(token));
        const answer = stop < 0 ? chosen : chosen.slice(0, stop);
        delivered += answer.length;
        newest = answer.at(-1) ?? newest;
        if (answer.length) yield answer;
        if (stop >= 0) return;
      }
    } finally {
      this.#keepDelivered(start, delivered, newest ?? lastToken);
    }
  }

  /** Drops what ran past a stop token, an abort or a reader who left: the cache keeps all but the newest token delivered. */
  #keepDelivered(start: number, delivered: number, newest: number): void {
    if (this.#disposed) return;
    const fed = this.#cache.lengths[0] > start;
    this.#cache.truncate(start + Math.max(1, delivered));
    if (delivered > 0 || !fed) this.#pending = [newest];
  }

  async #step(tokens: Tensor, phase: Phase, first: boolean, signal?: AbortSignal): Promise<Tensor> {
    const { decoder, config } = this.model;
    const rows = tokens.shape[1];
    const before = this.#cache.lengths[0];
    const shape = { length: before + rows, rows, phase, first, questionStart: this.#questionStart };
    const beyond = checkScope(this.method, shape, config.trainedContext);
    try {
      this.#cache.extend(rows);
      const context = {
        method: this.method,
        cache: this.#cache,
        rotation: decoder.rotation,
        scope: this.#scopeTensor,
        trace: this.#trace,
      };
      using step = new AttentionStep(context, rows, { phase, first, questionStart: this.#questionStart });
      const hidden = await decoder.forward(step, tokens, signal);
      this.#beyondTrained ||= beyond;
      return hidden;
    } catch (error) {
      this.#cache.truncate(before);
      throw error;
    }
  }

  async #readScope(tokens?: Tensor): Promise<Uint32Array> {
    const wanted = tokens ? [this.#scopeTensor, tokens] : [this.#scopeTensor];
    const ranges = wanted.map(({ buffer, bytes }) => ({ buffer, offset: 0, bytes }));
    const [scope, chosen] = await this.#cache.device.readBack.read(ranges);
    this.#scope = Math.max(this.#scope, new Uint32Array(scope)[0]);
    return new Uint32Array(chosen ?? new ArrayBuffer(0));
  }

  #takePending(tokens: readonly number[]): number[] {
    return [...this.#pending.splice(0), ...tokens];
  }

  #begin(): { cached: number; pending: number[] } {
    if (this.#disposed) throw new Error("this session was disposed");
    if (this.#busy) throw new Error("this session is busy: await one append or generate before the next, or fork it");
    this.#busy = true;
    return { cached: this.#cache.lengths[0], pending: [...this.#pending] };
  }

  /** Where nothing was read, such as after a refusal, what was waiting still waits. */
  #end({ cached, pending }: { cached: number; pending: number[] }): void {
    this.#busy = false;
    if (!this.#disposed && this.#cache.lengths[0] === cached && this.#pending.length === 0) this.#pending = pending;
  }

  async #exclusively(act: () => Promise<void>): Promise<void> {
    const before = this.#begin();
    try {
      await act();
    } finally {
      this.#end(before);
    }
  }
}
