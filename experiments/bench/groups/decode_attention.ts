import {
  type AttentionMethod,
  AttentionStep,
  createMethod,
  KeyValueCache,
  type Knobs,
  listAttended,
  listOuter,
  type MethodName,
  resolveKnobs,
  rotaryFrequencies,
  RotationTable,
  type StorageType,
} from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { selectTokens } from "../../../lib/attention/selection/select.ts";
import { type AttendedTokens, disposeAttended, disposeSelection } from "../../../lib/attention/step.ts";
import { scale, slice, Tensor } from "../../../lib/tensor/mod.ts";
import type { BenchCase, OpenCase } from "../bench_case.ts";
import { inputTensor } from "../inputs.ts";
import { bestTokens, plainAttention, type StoredHead, storedHead } from "../plain_decode.ts";

/** Heads of a model's attention, and a scope with the knobs that make it. */
interface ScopeOf {
  readonly headSize: number;
  readonly scope: number;
  readonly knobs: Partial<Knobs>;
}

const HEADS = { queryHeads: 32, keyValueHeads: 8 };
/** 32 first tokens, the last ones and spans of 32: as Llama 3.2 1B and Llama 3.1 8B have their heads. */
const SMALL: ScopeOf = { headSize: 64, scope: 2048, knobs: { window: 992, recallClip: 32 } };
const LARGE: ScopeOf = { headSize: 128, scope: 8192, knobs: { window: 4064, recallClip: 128, chunkSize: 512 } };
const KNOBS = { globalSize: 32, k: 4, spanSize: 32, allowBeyondTrained: true };
/** Tokens whose keys and values are made on the host; they come again, keys by another factor each time, since equal keys would tie. */
const BLOCK = 4093;
/** Layers that share a step on a GPU, as in a model; a software adapter takes seconds for one. */
const LAYERS = 4;
/** Tokens of a run: `recallEvery` selects once in so many. */
const TOKENS = 16;

/** Tokens from which on one head is compared, not two. */
const LONG = 50_000;

/** What decodes: full attention first, which the others are set against. */
interface Contestant {
  readonly label: string;
  readonly method: MethodName;
  readonly keys: StorageType;
  readonly knobs: Partial<Knobs>;
}

const CONTESTANTS: readonly Contestant[] = [
  { label: "full", method: "full", keys: "f16", knobs: {} },
  { label: "reattention", method: "reattention", keys: "f16", knobs: {} },
  { label: "reattention int8 keys", method: "reattention", keys: "int8", knobs: {} },
  { label: "reattention recallEvery 16", method: "reattention", keys: "f16", knobs: { recallEvery: TOKENS } },
  { label: "reattention int8 keys, recallEvery 2", method: "reattention", keys: "int8", knobs: { recallEvery: 2 } },
  {
    label: "reattention int8 keys, recallEvery 16",
    method: "reattention",
    keys: "int8",
    knobs: { recallEvery: TOKENS },
  },
];

/**
 * Attention of one new token in one layer, selection included, behind 8 and 32 times the scope: what a model's decoding adds up to
 * apart from its weights. Full attention as a share of copying its keys and values; ReAttention against full.
 */
export function decodeAttentionCases(software: boolean): BenchCase[] {
  const shapes = software ? [SMALL] : [SMALL, LARGE];
  return shapes.flatMap((shape) =>
    (software ? [8] : [8, 32]).flatMap((times) =>
      CONTESTANTS.map((contestant) => attentionCase(shape, times * shape.scope, contestant, software ? 1 : LAYERS))
    )
  );
}

/** Milliseconds of full attention by shape, as this run measured them. */
const ofFull = new Map<string, number>();

function attentionCase(shape: ScopeOf, length: number, contestant: Contestant, layers: number): BenchCase {
  const { headSize, scope } = shape;
  const name = `1x${HEADS.queryHeads}/${HEADS.keyValueHeads}x${headSize}x${length}`;
  const { label, method, keys, knobs } = contestant;
  const full = method === "full";
  // f16 values; int8 keys have a scale for each token and head.
  const keyBytes = HEADS.keyValueHeads * (keys === "int8" ? headSize + 4 : 2 * headSize);
  const valueBytes = HEADS.keyValueHeads * 2 * headSize;
  const scored = length / (knobs.recallEvery ?? 1);
  const amount = full ? length * (keyBytes + valueBytes) : scored * keyBytes + scope * (keyBytes + valueBytes);
  return {
    group: `decode attention, ${label}`,
    shape: name,
    dtype: "f16",
    limit: "copy",
    amount,
    perRun: layers * TOKENS,
    // Keys of 8 bits are a hundredth off; what f16 rounds is the same on both sides.
    tolerance: keys === "int8" ? 5e-2 : 2e-3,
    notes: (milliseconds): Record<string, number> => {
      if (full) ofFull.set(name, milliseconds);
      const fullMilliseconds = ofFull.get(name);
      if (full || fullMilliseconds === undefined) return {};
      return {
        "times the scope": length / scope,
        "times as fast as full": fullMilliseconds / milliseconds,
        "ceiling by bytes": length * 4 * headSize * HEADS.keyValueHeads / amount,
      };
    },
    open: (device) => new OpenDecode(device, shape, length, contestant, layers),
  };
}

/** A filled cache, and the steps of some tokens behind it. */
class OpenDecode implements OpenCase {
  readonly #length: number;
  readonly #cache: KeyValueCache;
  readonly #method: AttentionMethod;
  readonly #queries: Tensor;
  readonly #keys: Tensor;
  readonly #values: Tensor;
  readonly #rotation: RotationTable;
  readonly #scope: Tensor;
  readonly #frequencies: Float32Array;

  constructor(
    device: Device,
    { headSize, knobs }: ScopeOf,
    length: number,
    { method, keys, knobs: own }: Contestant,
    layers: number,
  ) {
    const shape = { layers, ...HEADS, headSize };
    this.#length = length;
    this.#cache = new KeyValueCache(device, shape, { keyType: keys, valueType: "f16" });
    this.#method = createMethod(method, resolveKnobs({ ...KNOBS, chunkSize: 512, ...knobs, ...own }), shape);
    this.#queries = inputTensor(device, 0, [1, 1, HEADS.queryHeads, headSize]);
    const block = [1, BLOCK, HEADS.keyValueHeads, headSize];
    [this.#keys, this.#values] = [inputTensor(device, 1, block), inputTensor(device, 2, block)];
    this.#frequencies = rotaryFrequencies(headSize, { base: 10000 });
    this.#rotation = new RotationTable(device, this.#frequencies);
    this.#scope = Tensor.zeros(device, [1], "u32", "scope");
    this.#fill();
  }

  /** Attention of some tokens one after the other, in every layer. */
  record(): void {
    for (let token = 0; token < TOKENS; token++) {
      using step = this.#step();
      for (let layer = 0; layer < this.#cache.shape.layers; layer++) {
        this.#method.attend(step, layer, this.#queries)[Symbol.dispose]();
      }
    }
    this.#cache.truncate(this.#length);
  }

  /** The first token's output in the last layer against plain sums over the tokens it lists, and these against plain scores. */
  async error(): Promise<number> {
    const layer = this.#cache.shape.layers - 1;
    using step = this.#step();
    this.#store(1);
    using output = this.#method.attend(step, layer, this.#queries);
    const found = await output.read() as Float32Array;
    const { attended, best } = await this.#listed(step, layer);
    const listed = (await attended.indices.read() as Uint32Array).subarray(0, (await attended.counts.read())[0]);
    if (best) disposeAttended(attended);
    this.#cache.truncate(this.#length);
    const { queryHeads, keyValueHeads } = HEADS;
    const share = queryHeads / keyValueHeads;
    const size = found.length / queryHeads;
    const queries = await this.#queries.read() as Float32Array;
    let worst = 0;
    // Plain sums over hundreds of thousands of tokens take the host seconds.
    for (const queryHead of this.#length > LONG ? [queryHeads - 1] : [0, queryHeads - 1]) {
      const query = queries.subarray(queryHead * size, (queryHead + 1) * size);
      const stored = this.#stored(Math.floor(queryHead / share), size);
      if (best && this.#cache.pool.keyType !== "int8") {
        const { globalSize, k } = this.#method.knobs;
        const right = bestTokens(query, stored, globalSize, step.middleLength, k);
        if (right.some((token, place) => best[queryHead * k + place] !== token)) return 1;
      }
      const right = plainAttention(query, stored, listed, this.#frequencies);
      const largest = right.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
      right.forEach((value, c) => worst = Math.max(worst, Math.abs(found[queryHead * size + c] - value) / largest));
    }
    return worst;
  }

  /** The list that a layer attends to, by kernels that tell more than those of decoding, and each query's best tokens. */
  async #listed(step: AttentionStep, layer: number): Promise<{ attended: AttendedTokens; best?: Uint32Array }> {
    if (this.#method.name === "full") return { attended: listOuter(step, layer) };
    const selection = selectTokens(step, layer, this.#queries);
    const attended = listAttended(
      step,
      selection.marks.shape[1],
      this.#method.scopeBound(step.shapes[0]),
      selection.marks,
    );
    const best = await selection.top!.tokens.read() as Uint32Array;
    disposeSelection(selection);
    return { attended, best };
  }

  #stored(head: number, size: number): StoredHead {
    return storedHead({ head, heads: HEADS.keyValueHeads, size, block: BLOCK, factorOf });
  }

  #step(): AttentionStep {
    this.#cache.extend(1);
    return new AttentionStep(this.#context(), 1, { phase: "decode", first: false, questionStart: this.#length });
  }

  #context() {
    return { cache: this.#cache, method: this.#method, rotation: this.#rotation, scope: this.#scope };
  }

  #fill(): void {
    this.#cache.reserve(this.#length + TOKENS);
    for (let done = 0; done < this.#length; done += BLOCK) {
      const rows = Math.min(BLOCK, this.#length - done);
      this.#cache.extend(rows);
      this.#store(rows);
    }
  }

  /** Writes the newest tokens, all of one block, in every layer. */
  #store(rows: number): void {
    const { device, lengths: [length] } = this.#cache;
    const first = length - rows;
    using layout = Tensor.from(device, new Uint32Array([length, 0, 0, 0]), [1, 4]);
    const sizes = [1, rows, this.#keys.shape[2], this.#keys.shape[3]];
    using keys = slice(this.#keys, [0, first % BLOCK, 0, 0], sizes);
    using values = slice(this.#values, [0, first % BLOCK, 0, 0], sizes);
    using scaled = scale(keys, factorOf(Math.floor(first / BLOCK)));
    for (let layer = 0; layer < this.#cache.shape.layers; layer++) this.#cache.store(layer, scaled, values, layout);
  }

  [Symbol.dispose](): void {
    const tensors = [this.#queries, this.#keys, this.#values, this.#scope];
    for (const each of [...tensors, this.#rotation, this.#cache]) each[Symbol.dispose]();
  }
}

/** What a block's keys are multiplied with. */
function factorOf(block: number): number {
  return Math.fround(0.9 + 0.2 * ((block * 0.618034) % 1));
}
