import { Random } from "../../lib/evaluation/mod.ts";
import { encodeSafetensors, type TensorToWrite } from "../../lib/model/mod.ts";

const demo = new URL("../../lib/model/demo/", import.meta.url);
const HIDDEN = 32;
const INNER = 48;
const LAYERS = 2;
const VOCABULARY = 8192;

const config = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: HIDDEN,
  intermediate_size: INNER,
  num_hidden_layers: LAYERS,
  vocab_size: VOCABULARY,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
};

/** Sizes of its attention. */
export interface TinyHeads {
  /** Query heads. */
  readonly query: number;
  /** KV heads. */
  readonly keyValue: number;
  /** Channels of each. */
  readonly size: number;
}

/** The files of a Llama checkpoint of a few hundred thousand random weights, with the embedded model's tokenizer. */
export async function tinyLlamaFiles(
  seed = 1,
  trainedContext = 512,
  heads: TinyHeads = { query: 2, keyValue: 1, size: 16 },
): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const random = new Random(seed);
  const tensor = (shape: number[], value = () => (random.next() / 2 ** 32 - 0.5) * 0.3): TensorToWrite => {
    const length = shape.reduce((a, b) => a * b);
    return { dtype: "F32", shape, data: Float32Array.from({ length }, value) };
  };
  const tensors: Record<string, TensorToWrite> = {
    "model.embed_tokens.weight": tensor([VOCABULARY, HIDDEN]),
    "model.norm.weight": tensor([HIDDEN], () => 1),
  };
  for (let layer = 0; layer < LAYERS; layer++) {
    const name = (part: string) => `model.layers.${layer}.${part}.weight`;
    tensors[name("input_layernorm")] = tensor([HIDDEN], () => 1);
    tensors[name("post_attention_layernorm")] = tensor([HIDDEN], () => 1);
    tensors[name("self_attn.q_proj")] = tensor([heads.query * heads.size, HIDDEN]);
    tensors[name("self_attn.k_proj")] = tensor([heads.keyValue * heads.size, HIDDEN]);
    tensors[name("self_attn.v_proj")] = tensor([heads.keyValue * heads.size, HIDDEN]);
    tensors[name("self_attn.o_proj")] = tensor([HIDDEN, heads.query * heads.size]);
    tensors[name("mlp.gate_proj")] = tensor([INNER, HIDDEN]);
    tensors[name("mlp.up_proj")] = tensor([INNER, HIDDEN]);
    tensors[name("mlp.down_proj")] = tensor([HIDDEN, INNER]);
  }
  const sizes = {
    max_position_embeddings: trainedContext,
    num_attention_heads: heads.query,
    num_key_value_heads: heads.keyValue,
    head_dim: heads.size,
  };
  return {
    "config.json": new TextEncoder().encode(JSON.stringify({ ...config, ...sizes })),
    "tokenizer.json": await Deno.readFile(new URL("tokenizer.json", demo)),
    "model.safetensors": encodeSafetensors(tensors),
  };
}

/** Writes that checkpoint into a folder. Its trained context is only what config.json says: nothing trained it. */
export async function writeTinyLlama(folder: string, trainedContext?: number, heads?: TinyHeads): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(await tinyLlamaFiles(1, trainedContext, heads))) {
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
}
