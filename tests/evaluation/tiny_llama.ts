import { Random } from "../../lib/evaluation/mod.ts";
import { encodeSafetensors, type TensorToWrite } from "../../lib/model/mod.ts";

const demo = new URL("../../lib/model/demo/", import.meta.url);
const HIDDEN = 32;
const INNER = 48;
const HEADS = 2;
const HEAD = 16;
const LAYERS = 2;
const VOCABULARY = 8192;

const config = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: HIDDEN,
  intermediate_size: INNER,
  num_hidden_layers: LAYERS,
  num_attention_heads: HEADS,
  num_key_value_heads: 1,
  head_dim: HEAD,
  vocab_size: VOCABULARY,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
};

/** The files of a Llama checkpoint of a few hundred thousand random weights, with the embedded model's tokenizer. */
export async function tinyLlamaFiles(seed = 1, trainedContext = 512): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
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
    tensors[name("self_attn.q_proj")] = tensor([HEADS * HEAD, HIDDEN]);
    tensors[name("self_attn.k_proj")] = tensor([HEAD, HIDDEN]);
    tensors[name("self_attn.v_proj")] = tensor([HEAD, HIDDEN]);
    tensors[name("self_attn.o_proj")] = tensor([HIDDEN, HEADS * HEAD]);
    tensors[name("mlp.gate_proj")] = tensor([INNER, HIDDEN]);
    tensors[name("mlp.up_proj")] = tensor([INNER, HIDDEN]);
    tensors[name("mlp.down_proj")] = tensor([HIDDEN, INNER]);
  }
  return {
    "config.json": new TextEncoder().encode(JSON.stringify({ ...config, max_position_embeddings: trainedContext })),
    "tokenizer.json": await Deno.readFile(new URL("tokenizer.json", demo)),
    "model.safetensors": encodeSafetensors(tensors),
  };
}

/** Writes that checkpoint into a folder. Its trained context is only what config.json says: nothing trained it. */
export async function writeTinyLlama(folder: string, trainedContext?: number): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(await tinyLlamaFiles(1, trainedContext))) {
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
}
