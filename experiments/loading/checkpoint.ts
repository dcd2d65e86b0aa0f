/** Sizes like those of a 1B model's layers; layers are added until the checkpoint is large enough. */
const SIZES = { hidden: 2048, intermediate: 8192, queries: 2048, keys: 512, vocabulary: 32_000 };
/** A shard ends with the tensor that takes it past this. */
const SHARD_BYTES = 512 * 2 ** 20;

interface Placed {
  readonly name: string;
  readonly shape: readonly number[];
}

const bytesOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 2);

/** Writes config.json, an index and shards of at least `least` bytes in all; gives the bytes of all tensors. */
export async function writeCheckpoint(folder: string, least: number): Promise<number> {
  const { hidden, intermediate, queries, keys, vocabulary } = SIZES;
  const tensors: Placed[] = [{ name: "model.embed_tokens.weight", shape: [vocabulary, hidden] }];
  let layers = 0;
  for (let bytes = 2 * bytesOf([vocabulary, hidden]); bytes < least || layers === 0; layers++) {
    const layer = layerTensors(`model.layers.${layers}`);
    tensors.push(...layer);
    bytes += layer.reduce((sum, { shape }) => sum + bytesOf(shape), 0);
  }
  tensors.push({ name: "model.norm.weight", shape: [hidden] }, { name: "lm_head.weight", shape: [vocabulary, hidden] });
  const config = {
    model_type: "llama",
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: layers,
    num_attention_heads: queries / 64,
    num_key_value_heads: keys / 64,
    vocab_size: vocabulary,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    rope_theta: 500000,
  };
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
  const shards = cut(tensors);
  const weightMap: Record<string, string> = {};
  for (const [index, shard] of shards.entries()) {
    const number = (value: number) => String(value).padStart(5, "0");
    const file = `model-${number(index + 1)}-of-${number(shards.length)}.safetensors`;
    for (const { name } of shard) weightMap[name] = file;
    await writeShard(`${folder}/${file}`, shard);
  }
  await Deno.writeTextFile(`${folder}/model.safetensors.index.json`, JSON.stringify({ weight_map: weightMap }));
  return tensors.reduce((sum, { shape }) => sum + bytesOf(shape), 0);
}

function layerTensors(prefix: string): Placed[] {
  const { hidden, intermediate, queries, keys } = SIZES;
  const tensor = (name: string, ...shape: number[]): Placed => ({ name: `${prefix}.${name}.weight`, shape });
  return [
    tensor("input_layernorm", hidden),
    tensor("self_attn.q_proj", queries, hidden),
    tensor("self_attn.k_proj", keys, hidden),
    tensor("self_attn.v_proj", keys, hidden),
    tensor("self_attn.o_proj", hidden, queries),
    tensor("post_attention_layernorm", hidden),
    tensor("mlp.gate_proj", intermediate, hidden),
    tensor("mlp.up_proj", intermediate, hidden),
    tensor("mlp.down_proj", hidden, intermediate),
  ];
}

function cut(tensors: readonly Placed[]): Placed[][] {
  const shards: Placed[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    if (bytes >= SHARD_BYTES) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += bytesOf(tensor.shape);
  }
  return shards;
}

async function writeShard(path: string, tensors: readonly Placed[]): Promise<void> {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const { name, shape } of tensors) {
    header[name] = { dtype: "BF16", shape, data_offsets: [end, end += bytesOf(shape)] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new DataView(new ArrayBuffer(8));
  length.setBigUint64(0, BigInt(text.length), true);
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  const writer = file.writable.getWriter();
  await writer.write(new Uint8Array(length.buffer));
  await writer.write(text);
  // Small values of both signs: bf16 patterns around 0.01.
  const piece = Uint16Array.from({ length: 2 ** 20 }, (_, i) => (i & 1 ? 0xbc00 : 0x3c00) | ((i * 7) & 0x7f));
  for (let done = 0; done < end; done += piece.byteLength) {
    await writer.write(new Uint8Array(piece.buffer, 0, Math.min(piece.byteLength, end - done)));
  }
  await writer.close();
}
