import type { Device } from "../../gpu/mod.ts";
import type { Tensor } from "../../tensor/mod.ts";
import type { ModelConfig } from "../config/config.ts";
import { ArrivingProjection } from "./load_projection.ts";
import { TensorLoader } from "./load_tensor.ts";
import { ModelFileError } from "../model_file_error.ts";
import type { Projection } from "../decoder/projection.ts";
import type { WeightStore } from "./safetensors.ts";
import { type DecoderOf, type LayerOf, type MapsOf, planWeights, type WantedTensor } from "./weight_plan.ts";

/** Weights of one decoder layer on the GPU. */
export type LayerWeights = LayerOf<Tensor, Projection>;

/** Type of a decoder's matrices on the GPU; norms and biases are always f32. */
export type WeightType = "f32" | "f16";

/** A weight file that was loaded. */
export interface LoadedShard {
  /** Its name. */
  readonly file: string;
  /** Its place among the files, from 1 on. */
  readonly number: number;
  /** How many files there are. */
  readonly count: number;
  /** Bytes read of it. */
  readonly bytes: number;
  /** Seconds until all of it was on the GPU. */
  readonly seconds: number;
}

/**
 * All weights of a decoder on the GPU; disposing frees them.
 *
 * @example The embedded model's
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { DecoderWeights, loadConfig, openWeights } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * const config = await loadConfig("demo");
 * const folder = new URL("demo/", import.meta.resolve("@reattention/toolkit/model"));
 * using weights = await DecoderWeights.load(device, config, await openWeights(folder));
 * assertEquals(weights.embedding.shape, [config.vocabularySize, config.hiddenSize]);
 * assertEquals(weights.layers.length, config.layers);
 * ```
 */
export class DecoderWeights {
  /** Token embeddings [vocabulary, hidden]. */
  readonly embedding: Tensor;
  /** Output head [vocabulary, hidden]; the embeddings themselves where the model ties them. */
  readonly head: Tensor;
  /** Norm after the last layer. */
  readonly norm: Tensor;
  /** Layers, first to last. */
  readonly layers: readonly LayerWeights[];
  /** Tells them from other weights: type of the matrices, and a hash over numbers of every tensor. */
  readonly hash: string;
  readonly #owned: readonly Disposable[];

  private constructor(
    { embedding, head, norm, layers }: DecoderOf<Tensor, Projection>,
    owned: readonly Disposable[],
    hash: string,
  ) {
    this.hash = hash;
    this.embedding = embedding;
    this.head = head ?? embedding;
    this.norm = norm;
    this.layers = layers;
    this.#owned = owned;
  }

  /**
   * Loads the weights file by file, widened to f32 or, where halves are wanted, rounded to them.
   *
   * @param options the matrices' type, default "f32"; `onShard` is called when all that is needed of a file is on the GPU
   * @throws {RangeError} naming the tensor that is missing or has another shape than the config says.
   * @throws {ModelFileError} naming a tensor that the config has no use for: leaving it out would give wrong numbers.
   * @throws {MemoryBudgetError} where memory can't hold them.
   */
  static async load(
    device: Device,
    config: ModelConfig,
    store: WeightStore,
    { type = "f32", onShard }: { type?: WeightType; onShard?: (shard: LoadedShard) => void } = {},
  ): Promise<DecoderWeights> {
    const plan = planWeights(config);
    const projections = new Map(mapsOf(plan).map((maps) => [maps, new ArrivingProjection(device, maps, type)]));
    const owners = new Map([...projections.values()].flatMap((one) => one.wanted.map((tensor) => [tensor, one])));
    const wanted = leavesOf(plan);
    refuseUnused(config, store, wanted);
    const loaded = new Map<WantedTensor, Tensor>();
    const loader = new TensorLoader(device, store, type);
    try {
      const shards = byFile(store, wanted);
      for (const [index, [file, tensors]] of shards.entries()) {
        const start = performance.now();
        for (const tensor of tensors) {
          const owner = owners.get(tensor);
          const found = await loader.load(tensor, owner?.place(tensor));
          if (owner) owner.arrive(tensor, found);
          else loaded.set(tensor, found);
        }
        await loader.finish();
        const seconds = (performance.now() - start) / 1000;
        onShard?.({ file, number: index + 1, count: shards.length, bytes: bytesOf(store, tensors), seconds });
      }
    } catch (error) {
      for (const held of [...loaded.values(), ...projections.values()]) held[Symbol.dispose]();
      throw error;
    }
    const finished = new Map([...projections].map(([maps, projection]) => [maps, projection.finish()]));
    const owned = [...loaded.values(), ...finished.values()];
    return new DecoderWeights(filledPlan(plan, loaded, finished), owned, `${type} ${loader.weightsHash}`);
  }

  /** Frees all weights. */
  [Symbol.dispose](): void {
    for (const tensor of this.#owned) tensor[Symbol.dispose]();
  }
}

/** Tensors by the file that has them, files in the order of their names. */
function byFile(store: WeightStore, wanted: readonly WantedTensor[]): [file: string, tensors: WantedTensor[]][] {
  const files = Map.groupBy(wanted, ({ tensor }) => store.has(tensor) ? store.fileOf(tensor) : "");
  return [...files].sort(([left], [right]) => left < right ? -1 : 1);
}

function bytesOf(store: WeightStore, tensors: readonly WantedTensor[]): number {
  return [...new Set(tensors.map(({ tensor }) => tensor))].reduce((sum, name) => sum + store.bytes(name), 0);
}

/** What checkpoints hold besides weights, and a tied model's second copy of its embeddings. */
function isHarmless(name: string, { tiedEmbeddings }: ModelConfig): boolean {
  return name.endsWith(".rotary_emb.inv_freq") || (tiedEmbeddings && name === "lm_head.weight");
}

function refuseUnused(config: ModelConfig, store: WeightStore, wanted: readonly WantedTensor[]): void {
  const used = new Set(wanted.map(({ tensor }) => tensor));
  const unused = store.names.find((name) => !used.has(name) && !isHarmless(name, config));
  if (unused === undefined) return;
  throw new ModelFileError(
    `weights: there is a tensor "${unused}" that a ${config.family} model with this config.json has no use for: ` +
      "the model is of another kind, and would give wrong numbers",
  );
}

/** All tensors of a plan. */
function leavesOf(node: unknown): WantedTensor[] {
  if (typeof node !== "object" || node === null) return [];
  return "tensor" in node ? [node as WantedTensor] : Object.values(node).flatMap(leavesOf);
}

/** All groups of linear maps of a plan. */
function mapsOf(node: unknown): MapsOf<WantedTensor>[] {
  if (typeof node !== "object" || node === null) return [];
  return "maps" in node ? [node as MapsOf<WantedTensor>] : Object.values(node).flatMap(mapsOf);
}

/** The same tree, each wanted tensor's and each group's place taken by what was loaded for it. */
function filledPlan(
  plan: DecoderOf<WantedTensor, MapsOf<WantedTensor>>,
  loaded: ReadonlyMap<WantedTensor, Tensor>,
  projections: ReadonlyMap<MapsOf<WantedTensor>, Projection>,
): DecoderOf<Tensor, Projection> {
  const filled = (node: unknown): unknown => {
    if (Array.isArray(node)) return node.map(filled);
    if (typeof node !== "object" || node === null) return node;
    if ("tensor" in node) return loaded.get(node as WantedTensor);
    if ("maps" in node) return projections.get(node as MapsOf<WantedTensor>);
    return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, filled(child)]));
  };
  return filled(plan) as DecoderOf<Tensor, Projection>;
}
