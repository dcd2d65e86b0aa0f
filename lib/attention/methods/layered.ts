import type { Tensor } from "../../tensor/mod.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { AttentionMethod } from "../method.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/** Knobs that say how a prompt is driven, not what a layer attends to: the same for all layers. */
const SHARED = ["chunkSize", "recallEvery", "allowBeyondTrained"] as const;

/**
 * A method that differs from layer to layer, or whose knobs do (the reference's lists of one value per layer).
 *
 * @example
 * ```ts
 * import { createMethod, LayeredAttention, presets } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * const shape = { layers: 2, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const full = createMethod("full", presets.demo, shape);
 * const method = new LayeredAttention([full, createMethod("streaming", presets.demo, shape)]);
 * const step = { length: 100_000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertEquals([method.name, method.scopeBound(step)], ["mixed", 100_000]); // the widest layer's bound
 * ```
 */
export class LayeredAttention implements AttentionMethod {
  /** The name that all layers' methods share; "mixed" where they don't. */
  readonly name: string;
  /** The first layer's knobs: they drive the prompt. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth: string;
  /** The first layer's that does. */
  readonly readsValuesFor?: string;
  /** The first layer's that does. */
  readonly readsKeysFor?: string;
  readonly #layers: readonly AttentionMethod[];

  /**
   * One method for each layer; layers may share one.
   *
   * @throws {RangeError} where layers differ in a knob that all have to share.
   */
  constructor(layers: readonly AttentionMethod[]) {
    const [first] = layers;
    for (const name of SHARED) {
      const layer = layers.findIndex(({ knobs }) => knobs[name] !== first.knobs[name]);
      if (layer < 0) continue;
      throw new RangeError(
        `layerKnobs: layer ${layer} has ${name} ${layers[layer].knobs[name]}, layer 0 ${
          first.knobs[name]
        }: it must be the same in all layers`,
      );
    }
    if (first.knobs.recallEvery > 1) {
      throw new RangeError(`layerKnobs: recallEvery ${first.knobs.recallEvery} must be 1 where knobs differ by layer`);
    }
    this.name = layers.every(({ name }) => name === first.name) ? first.name : "mixed";
    this.knobs = first.knobs;
    this.cacheGrowth = first.cacheGrowth;
    this.#layers = layers;
    this.readsValuesFor = layers.find(({ readsValuesFor }) => readsValuesFor)?.readsValuesFor;
    this.readsKeysFor = layers.find(({ readsKeysFor }) => readsKeysFor)?.readsKeysFor;
  }

  /** The layers' methods, first to last. */
  get layers(): readonly AttentionMethod[] {
    return this.#layers;
  }

  /** What the first layer attends to. */
  layout(step: StepShape): StepLayout {
    return this.#layers[0].layout(step);
  }

  /** The widest layer's bound. */
  scopeBound(step: StepShape): number {
    return Math.max(...[...new Set(this.#layers)].map((method) => method.scopeBound(step)));
  }

  /** Waits for what the layer's own method has to wait for. */
  async prepare(step: AttentionStep, layer: number, queries: Tensor): Promise<void> {
    const method = this.#layers[layer];
    await method.prepare?.(step.by(method), layer, queries);
  }

  /** What the layers keep, on average. */
  keptTokens(length: number): number {
    return this.#mean((method) => method.keptTokens?.(length) ?? length);
  }

  /** What the layers read to select, on average. */
  scoredKeys(step: StepShape): number {
    return this.#mean((method) => method.scoredKeys?.(step) ?? 0);
  }

  /** Attends in one layer, by its own method. */
  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const method = this.#layers[layer];
    return method.attend(step.by(method), layer, queries);
  }

  #mean(of: (method: AttentionMethod) => number): number {
    return this.#layers.reduce((sum, method) => sum + of(method), 0) / this.#layers.length;
  }
}
