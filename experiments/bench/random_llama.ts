import type { Device } from "../../lib/gpu/mod.ts";
import {
  Decoder,
  DecoderWeights,
  Model,
  parseConfig,
  type TensorEntry,
  type WeightStore,
} from "../../lib/model/mod.ts";
import { inputValue } from "./inputs.ts";

/** Sizes of Llama 3.2 1B. */
const LLAMA = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  vocab_size: 128256,
  max_position_embeddings: 131072,
  rms_norm_eps: 1e-5,
  rope_theta: 500000,
  tie_word_embeddings: true,
};

/** Weights that a token meets: all but the embeddings' second use. */
export function randomLlamaWeights(): number {
  const { hidden_size: hidden, intermediate_size: inner, num_hidden_layers: layers, vocab_size: vocabulary } = LLAMA;
  const keys = LLAMA.num_key_value_heads * LLAMA.head_dim;
  return layers * (2 * hidden * hidden + 2 * hidden * keys + 3 * hidden * inner) + vocabulary * hidden;
}

/** A model of these sizes with random f16 weights and no tokenizer. */
export async function loadRandomLlama(device: Device): Promise<Model> {
  const config = parseConfig(LLAMA);
  const weights = await DecoderWeights.load(device, config, new RandomWeights(), { type: "f16" });
  return new Model(config, undefined, new Decoder(device, config, weights));
}

/** The tensors of that model, filled with small numbers as they are asked for. */
class RandomWeights implements WeightStore {
  readonly names = [];
  readonly #block = Float32Array.from({ length: 2 ** 18 + 7 }, (_, index) => 0.08 * inputValue(9, index));

  has(): boolean {
    return true;
  }

  entry(name: string): TensorEntry {
    const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocabulary } = LLAMA;
    const keys = LLAMA.num_key_value_heads * LLAMA.head_dim;
    const shape = /norm/.test(name)
      ? [hidden]
      : /embed/.test(name)
      ? [vocabulary, hidden]
      : /[qo]_proj/.test(name)
      ? [hidden, hidden]
      : /[kv]_proj/.test(name)
      ? [keys, hidden]
      : /down/.test(name)
      ? [hidden, inner]
      : [inner, hidden];
    return { dtype: "F16", shape };
  }

  fileOf(): string {
    return "random";
  }

  bytes(): number {
    return 0;
  }

  readRows(name: string, firstRow: number, rows: number): Promise<Float32Array<ArrayBuffer>> {
    const [, width = 1] = this.entry(name).shape;
    const floats = new Float32Array(rows * width);
    if (/norm/.test(name)) return Promise.resolve(floats.fill(1));
    // The block's length has no factor in common with the rows', so rows differ.
    for (let done = 0; done < floats.length;) {
      const from = (firstRow * width + done) % this.#block.length;
      const part = this.#block.subarray(from, from + floats.length - done);
      floats.set(part, done);
      done += part.length;
    }
    return Promise.resolve(floats);
  }

  readFloats(name: string): Promise<Float32Array<ArrayBuffer>> {
    return this.readRows(name, 0, this.entry(name).shape[0]);
  }

  read(): Promise<Uint8Array<ArrayBuffer>> {
    throw new Error("random weights have no bytes");
  }

  readInts(): Promise<Int32Array<ArrayBuffer>> {
    throw new Error("random weights have no integers");
  }
}
