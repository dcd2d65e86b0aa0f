import {
  type AttentionMethod,
  AttentionStep,
  type AttentionWatch,
  describeStep,
  type KeyValueCache,
  type StepAbout,
  type StepRecorder,
} from "../../attention/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import { checkScope } from "../session/scope.ts";
import type { SessionModel } from "../session/session_options.ts";

/**
 * Runs steps of a cache's sequences through a model: one sequence, or several side by side. The cache stays its
 * owner's.
 *
 * @example
 * ```ts
 * import { createMethod, KeyValueCache, presets } from "@reattention/toolkit/attention";
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadModel, Stepper } from "@reattention/toolkit/model";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const shape = model.decoder.attentionShape;
 * using cache = new KeyValueCache(device, shape);
 * using stepper = new Stepper(model, createMethod("full", presets.demo, shape), cache);
 * using ids = Tensor.from(device, new Uint32Array([1, 2, 3]), [1, 3]);
 * await stepper.fill(ids, { phase: "prefill", first: true });
 * assertEquals(cache.lengths, [3]);
 * ```
 */
export class Stepper {
  /** The model that runs. */
  readonly model: SessionModel;
  /** The method that attends. */
  readonly method: AttentionMethod;
  /** What the steps fill. */
  readonly cache: KeyValueCache;
  /** Where selections are recorded, if wanted. */
  recorder: StepRecorder | undefined;
  /** What stands around attention, if anything does. */
  watch: AttentionWatch | undefined;
  readonly #scopeTensor: Tensor;
  #scope = 0;
  #beyondTrained = false;
  #disposed = false;

  /** A stepper that has made no step. */
  constructor(model: SessionModel, method: AttentionMethod, cache: KeyValueCache, recorder?: StepRecorder) {
    this.model = model;
    this.method = method;
    this.cache = cache;
    this.recorder = recorder;
    this.#scopeTensor = Tensor.zeros(cache.device, [1], "u32", "scope");
  }

  /** Most tokens that any head attended to so far, as last read from the GPU. */
  get scope(): number {
    return this.#scope;
  }

  /** Whether any step attended to more tokens than the model was trained with. */
  get beyondTrained(): boolean {
    return this.#beyondTrained;
  }

  /** Whether it was disposed, and with it what it stepped over. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Takes over what a stepper of the same tokens knows. */
  inherit({ beyondTrained }: Stepper): void {
    this.#beyondTrained ||= beyondTrained;
  }

  /** Goes on from what a stepper of the same tokens had seen, here or elsewhere. */
  resume({ scope, beyondTrained }: { readonly scope: number; readonly beyondTrained: boolean }): void {
    this.#scope = Math.max(this.#scope, scope);
    this.#beyondTrained ||= beyondTrained;
  }

  /**
   * Runs the next tokens of every sequence through all layers and caches them. Where it fails the cache is as it was.
   *
   * @param tokens u32 [batch, rows]
   * @param signal looked at between layers
   * @returns f32 [batch, rows, hidden], before the final norm
   * @throws {RangeError} where the scope passes the trained context, saying by how much.
   */
  async step(tokens: Tensor, about: StepAbout, signal?: AbortSignal): Promise<Tensor> {
    return await this.#run(tokens, about, (step) => this.model.decoder.forward(step, tokens, signal));
  }

  /** Does the same where nothing but the cache is wanted, which is less work. */
  async fill(tokens: Tensor, about: StepAbout, signal?: AbortSignal): Promise<void> {
    await this.#run(tokens, about, (step) => this.model.decoder.fill(step, tokens, signal));
  }

  async #run<Result>(
    tokens: Tensor,
    about: StepAbout,
    forward: (step: AttentionStep) => Promise<Result>,
  ): Promise<Result> {
    const { method, cache, model: { decoder, config } } = this;
    const rows = tokens.shape[1];
    const before = cache.lengths;
    const shapes = describeStep(cache, rows, about);
    const beyond = shapes.map((shape) => checkScope(method, shape, config.trainedContext)).includes(true);
    cache.device.commands.again();
    try {
      cache.extend(rows);
      const { rotation } = decoder;
      const looking = { trace: this.recorder, watch: this.watch };
      using step = new AttentionStep(
        { method, cache, rotation, scope: this.#scopeTensor, ...looking },
        rows,
        about,
      );
      const result = await forward(step);
      this.#beyondTrained ||= beyond;
      return result;
    } catch (error) {
      cache.truncate(before);
      throw error;
    }
  }

  /** Brings the scope to the host, and with it a tensor's numbers, if one is given. */
  async readScope(tensor?: Tensor): Promise<Uint32Array> {
    const wanted = tensor ? [this.#scopeTensor, tensor] : [this.#scopeTensor];
    const ranges = wanted.map(({ buffer, bytes }) => ({ buffer, offset: 0, bytes }));
    const [scope, numbers] = await this.cache.device.readBack.read(ranges);
    this.#scope = Math.max(this.#scope, new Uint32Array(scope)[0]);
    return new Uint32Array(numbers ?? new ArrayBuffer(0));
  }

  /** Gives its buffer back. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#scopeTensor[Symbol.dispose]();
  }
}
