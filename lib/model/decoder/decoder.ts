import {
  attendFromHost,
  type AttentionShape,
  type AttentionStep,
  keepOutside,
  RotationTable,
} from "../../attention/mod.ts";
import type { Device } from "../../gpu/mod.ts";
import { add, embedding, linear, rmsNorm, slice, type Tensor } from "../../tensor/mod.ts";
import { attentionShapeOf } from "../config/attention_shape.ts";
import type { ModelConfig } from "../config/config.ts";
import { headFrequencies } from "../config/rotary_layout.ts";
import type { DecoderWeights } from "../weights/decoder_weights.ts";
import type { Projection, RowNorm } from "./projection.ts";

/**
 * A Llama-family decoder: token ids in, logits of the last row out; attention is the step's method.
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
 * using hidden = await stepper.step(ids, { phase: "prefill", first: true });
 * using logits = model.decoder.logits(hidden);
 * assertEquals(logits.shape, [1, model.config.vocabularySize]);
 * ```
 */
export class Decoder {
  /** The device it runs on. */
  readonly device: Device;
  /** Sizes and options. */
  readonly config: ModelConfig;
  /** Rotary angles, shared by all sessions. */
  readonly rotation: RotationTable;
  readonly #weights: DecoderWeights;

  /** Takes over the weights. */
  constructor(device: Device, config: ModelConfig, weights: DecoderWeights) {
    this.device = device;
    this.config = config;
    this.#weights = weights;
    this.rotation = new RotationTable(device, headFrequencies(config.headSize, config.rope, config.rotary));
  }

  /** Tells its weights from others. */
  get weightsHash(): string {
    return this.#weights.hash;
  }

  /** Sizes of its attention. */
  get attentionShape(): AttentionShape {
    return attentionShapeOf(this.config);
  }

  /**
   * Runs one step through all layers and fills the cache with it.
   *
   * @param step the step, the cache already extended by its rows
   * @param tokens u32 [batch, rows]
   * @param signal looked at between layers
   * @returns f32 [batch, rows, hidden], before the final norm
   */
  async forward(step: AttentionStep, tokens: Tensor, signal?: AbortSignal): Promise<Tensor> {
    const [batch, rows] = tokens.shape;
    using hidden = await this.#layers(step, tokens, this.config.layers, signal);
    return hidden.reshape([batch, rows, this.config.hiddenSize]);
  }

  /**
   * Runs one step only to fill the cache with it: what `forward` does, but for the part of the last layer that nothing but
   * the step's own output needs.
   */
  async fill(step: AttentionStep, tokens: Tensor, signal?: AbortSignal): Promise<void> {
    const last = this.config.layers - 1;
    using hidden = await this.#layers(step, tokens, last, signal);
    const [batch, rows] = tokens.shape;
    await this.#attention(step, last, hidden, batch, rows, "cache");
    await this.device.commands.yield(signal);
  }

  /**
   * Logits of the last row of each sequence.
   *
   * @param hidden f32 [batch, rows, hidden] from `forward`
   * @returns f32 [batch, vocabulary]
   */
  logits(hidden: Tensor): Tensor {
    const [batch, rows, size] = hidden.shape;
    if (rows === 1) return this.allLogits(hidden);
    using last = slice(hidden, [0, rows - 1, 0], [batch, 1, size]);
    return this.allLogits(last);
  }

  /**
   * Logits of every row.
   *
   * @param hidden f32 [batch, rows, hidden] from `forward`
   * @returns f32 [batch * rows, vocabulary]
   */
  allLogits(hidden: Tensor): Tensor {
    const [batch, rows, size] = hidden.shape;
    using flat = hidden.reshape([batch * rows, size]);
    const { norm, head } = this.#weights;
    return linear(flat, head, [head.shape[0]], { norm: this.#norm(norm) })[0];
  }

  /** Frees weights and tables. */
  [Symbol.dispose](): void {
    this.#weights[Symbol.dispose]();
    this.rotation[Symbol.dispose]();
  }

  /** What the first `count` layers make of tokens, f32 [batch * rows, hidden]. */
  async #layers(step: AttentionStep, tokens: Tensor, count: number, signal?: AbortSignal): Promise<Tensor> {
    const [batch, rows] = tokens.shape;
    using ids = tokens.reshape([batch * rows]);
    let hidden = embedding(this.#weights.embedding, ids);
    try {
      for (let layer = 0; layer < count; layer++) {
        const next = await this.#layer(step, layer, hidden, batch, rows);
        hidden[Symbol.dispose]();
        hidden = next;
        await this.device.commands.yield(signal);
      }
      return hidden.share();
    } finally {
      hidden[Symbol.dispose]();
    }
  }

  async #layer(step: AttentionStep, layer: number, hidden: Tensor, batch: number, rows: number): Promise<Tensor> {
    const weights = this.#weights.layers[layer];
    using attended = (await this.#attention(step, layer, hidden, batch, rows))!;
    using middle = this.#onto(hidden, attended, weights.attentionOutput, weights.attentionOutputNorm);
    using active = weights.feedForwardInput.gate(middle, this.#norm(weights.feedForwardNorm));
    return this.#onto(middle, active, weights.feedForwardOutput, weights.feedForwardOutputNorm);
  }

  /** A projection's result, normed where the model has a norm there, and the residual. */
  #onto(residual: Tensor, x: Tensor, projection: Projection, norm: Tensor | undefined): Tensor {
    if (!norm) return projection.projectOnto(residual, x);
    using result = projection.project(x)[0];
    using normed = rmsNorm(result, norm, this.config.normEpsilon);
    return add(residual, normed);
  }

  #norm(weight: Tensor): RowNorm {
    return { weight, epsilon: this.config.normEpsilon };
  }

  /**
   * What the heads attended to, f32 [batch * rows, query heads * head size]. Where only the cache is `wanted`, nothing: layers
   * attend then only if that changes anything else.
   */
  async #attention(
    step: AttentionStep,
    layer: number,
    hidden: Tensor,
    batch: number,
    rows: number,
    wanted: "output" | "cache" = "output",
  ): Promise<Tensor | undefined> {
    const weights = this.#weights.layers[layer];
    const { queryHeads, keyValueHeads, headSize, normEpsilon } = this.config;
    const { cache, method } = step.context;
    using owned = new DisposableStack();
    const maps = weights.attentionInput.project(hidden, this.#norm(weights.attentionNorm));
    for (const map of maps) owned.use(map);
    const heads = (map: Tensor, count: number, norm?: Tensor): Tensor => {
      const split = map.reshape([batch, rows, count, headSize]);
      if (!norm) return split;
      // Norms over heads, where a model has them, come before the cache: selection sees what attention sees.
      using _split = split;
      return rmsNorm(split, norm, normEpsilon);
    };
    using queries = heads(maps[0], queryHeads, weights.queryNorm);
    using keys = heads(maps[1], keyValueHeads, weights.keyNorm);
    using values = heads(maps[2], keyValueHeads);
    cache.store(layer, keys, values, step.layout);
    if (wanted === "cache" && leavesNoTrace(step, layer)) {
      if (cache.pool.host) await keepOutside(step, layer, { keys, values });
      return;
    }
    if (method.prepare) await method.prepare(step, layer, queries);
    using output = cache.pool.host
      ? await attendFromHost(step, layer, queries, { keys, values })
      : method.attend(step, layer, queries);
    return wanted === "output" ? output.reshape([batch * rows, queryHeads * headSize]) : undefined;
  }
}

/** Whether attending in a layer would give its output and nothing else: nobody looks on, and the scope is known from others. */
function leavesNoTrace(step: AttentionStep, layer: number): boolean {
  const { method, trace, watch } = step.context;
  return layer > 0 && !trace && !watch && (method.onlyAttends?.(step) ?? false);
}
