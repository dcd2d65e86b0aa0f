import { Trace } from "../../attention/mod.ts";
import type { AttentionMethod, KeyValueCache } from "../../attention/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { checkTokens } from "../text/check_tokens.ts";
import type { AnswerStart } from "../decoder/decoding.ts";
import { promptSteps } from "../decoder/prompt_steps.ts";
import type { AppendOptions, SessionModel } from "./session_options.ts";
import { Stepper } from "../decoder/stepper.ts";

/** What a reader had before it began something. */
export interface ReaderState {
  /** Tokens cached. */
  readonly cached: number;
  /** Tokens that waited. */
  readonly pending: readonly number[];
}

/** Refuses a method that would read keys or values where they don't lie. */
function checkPlaces({ name, readsValuesFor, readsKeysFor }: AttentionMethod, { pool }: KeyValueCache): void {
  const reads = [["keys", pool.keysOn, readsKeysFor], ["values", pool.valuesOn, readsValuesFor]] as const;
  for (const [what, place, reason] of reads) {
    if (place === "gpu" || !reason) continue;
    throw new RangeError(
      `${what}On "${place}": ${name} reads the ${what} of all tokens for ${reason}; use ${what}On "gpu"`,
    );
  }
}

/**
 * One context being read: its cache, the tokens that wait to be read, and where its question starts. It owns its cache.
 *
 * @example
 * ```ts
 * import { createMethod, KeyValueCache, presets } from "@reattention/toolkit/attention";
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadModel, SequenceReader } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const shape = model.decoder.attentionShape;
 * const method = createMethod("full", presets.demo, shape);
 * using reader = new SequenceReader(model, method, new KeyValueCache(device, shape), { trace: false });
 * await reader.prefill([1, 2, 3], {});
 * assertEquals([reader.length, reader.tokens], [3, [1, 2, 3]]);
 * ```
 */
export class SequenceReader {
  /** Makes its steps. */
  readonly stepper: Stepper;
  /** Records what its steps select, if wanted. */
  readonly trace: Trace | undefined;
  /** Tokens given or written that are not in the cache yet. */
  pending: readonly number[] = [];
  /** Index of the question's first token. */
  questionStart: number | undefined;
  readonly #read: number[] = [];
  #busy = false;

  /** Takes over the cache. */
  constructor(model: SessionModel, method: AttentionMethod, cache: KeyValueCache, options: { trace: boolean }) {
    checkPlaces(method, cache);
    this.trace = options.trace ? new Trace(cache.device) : undefined;
    this.stepper = new Stepper(model, method, cache, this.trace);
  }

  /** The cache. */
  get cache(): KeyValueCache {
    return this.stepper.cache;
  }

  /** Tokens read and written so far. */
  get length(): number {
    return this.cache.lengths[0] + this.pending.length;
  }

  /** Their ids. */
  get tokens(): number[] {
    return [...this.#read, ...this.pending];
  }

  /** Ids of some of them. */
  tokensBetween(start: number, end: number): number[] {
    const read = this.#read.length;
    return end <= read ? this.#read.slice(start, end) : this.tokens.slice(start, end);
  }

  /** Takes down the ids of tokens that were cached: those of `tokens` that the cache has room for. */
  tookIn(tokens: readonly number[]): void {
    const before = Math.min(this.#read.length, this.cache.lengths[0]);
    this.#read.length = before;
    for (const token of tokens.slice(0, this.cache.lengths[0] - before)) this.#read.push(token);
  }

  /** The tokens that wait, and these after them; none wait any more. */
  takePending(tokens: readonly number[]): number[] {
    const all = [...this.pending, ...tokens];
    this.pending = [];
    return all;
  }

  /** Reads tokens chunk by chunk (ALGORITHM section 7); `onHidden` sees what each chunk's tokens turned into. */
  async prefill(
    tokens: readonly number[],
    { onProgress, signal }: AppendOptions,
    onHidden?: (hidden: Tensor) => Promise<void>,
  ): Promise<void> {
    const { model, method, cache } = this.stepper;
    checkTokens(tokens, model.config.vocabularySize);
    cache.reserve(tokens.length);
    let done = 0;
    for (const { rows, first } of promptSteps(tokens.length, this.length, method.knobs)) {
      using ids = Tensor.from(cache.device, Uint32Array.from(tokens.slice(done, done + rows)), [1, rows]);
      // A step of length 1 counts as a decode step (ALGORITHM section 3), whoever asks for it.
      const phase = rows === 1 && !first ? "decode" : "prefill";
      const about = { phase, first, questionStart: this.questionStart } as const;
      using hidden = onHidden && await this.stepper.step(ids, about, signal);
      if (!hidden) await this.stepper.fill(ids, about, signal);
      this.tookIn(tokens.slice(done, done + rows));
      if (hidden) await onHidden(hidden);
      done += rows;
      onProgress?.(done, tokens.length);
    }
  }

  /**
   * Reads a prompt but for its last token, which is the answer's first step.
   *
   * @throws {RangeError} for an empty prompt where no token waits either.
   */
  async readPrompt(prompt: readonly number[], signal?: AbortSignal): Promise<AnswerStart> {
    this.questionStart ??= this.length;
    const all = this.takePending(prompt);
    if (all.length === 0) throw new RangeError("generate: the prompt is empty; give at least one token");
    await this.prefill(all.slice(0, -1), { signal });
    return { lastToken: all[all.length - 1], questionStart: this.questionStart };
  }

  /** Does something that nothing else may interrupt. */
  async exclusively<T>(act: () => Promise<T>): Promise<T> {
    const before = this.begin();
    try {
      return await act();
    } finally {
      this.end(before);
    }
  }

  /** Begins something that nothing else may interrupt; `end` has to follow. */
  begin(): ReaderState {
    if (this.stepper.disposed) throw new Error("this session was disposed");
    if (this.#busy) throw new Error("this session is busy: await one append or generate before the next, or fork it");
    this.#busy = true;
    return { cached: this.cache.lengths[0], pending: this.pending };
  }

  /** Where nothing was read, such as after a refusal, what was waiting still waits. */
  end({ cached, pending }: ReaderState): void {
    this.#busy = false;
    const unread = !this.stepper.disposed && this.cache.lengths[0] === cached && this.pending.length === 0;
    if (unread) this.pending = pending;
  }

  /** A reader of the same context that goes its own way, by another method if one is given. */
  fork(method: AttentionMethod = this.stepper.method): SequenceReader {
    const { model } = this.stepper;
    // Refused before any page is shared.
    checkPlaces(method, this.cache);
    const fork = new SequenceReader(model, method, this.cache.fork(), { trace: this.trace !== undefined });
    fork.pending = this.pending;
    fork.tookIn(this.#read);
    fork.questionStart = this.questionStart;
    fork.stepper.inherit(this.stepper);
    return fork;
  }

  /** Frees the cache's own pages. */
  [Symbol.dispose](): void {
    if (this.stepper.disposed) return;
    this.trace?.[Symbol.dispose]();
    this.stepper[Symbol.dispose]();
    this.cache[Symbol.dispose]();
  }
}
