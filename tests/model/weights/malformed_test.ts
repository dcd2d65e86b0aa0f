import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Random } from "../../../lib/evaluation/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { encodeSafetensors, loadModel, PlatformError, type TensorToWrite } from "../../../lib/model/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

/** A checkpoint as parts that can be broken one by one. */
interface Parts {
  config: string;
  header: Record<string, unknown>;
  /** The header's text, where it is not just the header. */
  headerText?: string;
  /** The header's length as the file tells it. */
  headerLength?: bigint;
  data: Uint8Array<ArrayBuffer>;
  /** The file's bytes, where they are not made of the parts above. */
  file?: Uint8Array<ArrayBuffer>;
}

type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };

const CONFIG = {
  model_type: "llama",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  vocab_size: 11,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: true,
};

const SHAPES: Record<string, number[]> = {
  "model.embed_tokens.weight": [11, 8],
  "model.norm.weight": [8],
  "model.layers.0.input_layernorm.weight": [8],
  "model.layers.0.post_attention_layernorm.weight": [8],
  "model.layers.0.self_attn.q_proj.weight": [8, 8],
  "model.layers.0.self_attn.k_proj.weight": [4, 8],
  "model.layers.0.self_attn.v_proj.weight": [4, 8],
  "model.layers.0.self_attn.o_proj.weight": [8, 8],
  "model.layers.0.mlp.gate_proj.weight": [12, 8],
  "model.layers.0.mlp.up_proj.weight": [12, 8],
  "model.layers.0.mlp.down_proj.weight": [8, 12],
};

function whole(): Parts {
  const tensors: Record<string, TensorToWrite> = {};
  for (const [name, shape] of Object.entries(SHAPES)) {
    const size = shape.reduce((product, length) => product * length, 1);
    tensors[name] = { dtype: "F32", shape, data: new Float32Array(size).fill(0.1) };
  }
  const file = encodeSafetensors(tensors);
  const length = Number(new DataView(file.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.slice(8, 8 + length)));
  return { config: JSON.stringify(CONFIG), header, data: file.slice(8 + length) };
}

function fileOf({ header, headerText, headerLength, data, file }: Parts): Uint8Array<ArrayBuffer> {
  if (file) return file;
  const text = new TextEncoder().encode(headerText ?? JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, headerLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const below = (random: Random, count: number) => random.next() % count;
const oneOf = <T>(random: Random, values: readonly T[]): T => values[below(random, values.length)];
const entryOf = (parts: Parts, random: Random): [string, Entry] => {
  const name = oneOf(random, Object.keys(parts.header));
  return [name, parts.header[name] as Entry];
};

/** Ways to break a checkpoint; each leaves nothing that could be loaded. */
const BREAKS: Record<string, (parts: Parts, random: Random) => void> = {
  "cut anywhere": (parts, random) => {
    const file = fileOf(parts);
    parts.file = file.slice(0, below(random, file.length));
  },
  "header length past the file": (parts, random) => {
    parts.headerLength = BigInt(fileOf(parts).length + below(random, 1e6));
  },
  "header length beyond all files": (parts, random) => {
    parts.headerLength = 2n ** BigInt(27 + below(random, 37));
  },
  "header length too short": (parts, random) => {
    parts.headerLength = BigInt(below(random, JSON.stringify(parts.header).length));
  },
  "overlapping offsets": (parts, random) => {
    const [, entry] = entryOf(parts, random);
    const move = (1 + below(random, 7)) * (entry.data_offsets[0] > 0 ? -1 : 1);
    entry.data_offsets = [entry.data_offsets[0] + move, entry.data_offsets[1] + move];
  },
  "offsets past the file": (parts, random) => {
    const [, entry] = entryOf(parts, random);
    const move = parts.data.length + below(random, 2 ** 40);
    entry.data_offsets = [entry.data_offsets[0] + move, entry.data_offsets[1] + move];
  },
  "offsets that are none": (parts, random) => {
    const [, entry] = entryOf(parts, random);
    const { data_offsets: [from, to] } = entry;
    const wrong = [[to, from], [-1, to], [from + 0.5, to], [from, to + 4], ["0", to], [null, to], [from], [], 2 ** 60];
    entry.data_offsets = oneOf(random, wrong) as [number, number];
  },
  "shape that is none": (parts, random) => {
    const [, entry] = entryOf(parts, random);
    const [rows, ...rest] = entry.shape;
    const wrong = [[rows + 1, ...rest], [-rows, ...rest], [rows + 0.5, ...rest], [], [1e300, 1e300], "8", null, [null]];
    entry.shape = oneOf(random, wrong) as number[];
  },
  "shape of another model": (parts, random) => {
    const [, entry] = entryOf(parts, random);
    entry.shape = oneOf(random, [[1, ...entry.shape], [...entry.shape, 1], [
      entry.shape.reduce((a, b) => a * b, 2) / 2,
      1,
      1,
    ]]);
  },
  "wrong dtype": (parts, random) => {
    const [, entry] = entryOf(parts, random);
    entry.dtype = oneOf(random, [
      "F16",
      "BF16",
      "F64",
      "I8",
      "I32",
      "U32",
      "F33",
      "float32",
      "",
      "constructor",
      "__proto__",
    ]);
  },
  "dtype that is no text": (parts, random) => {
    const [, entry] = entryOf(parts, random);
    entry.dtype = oneOf(random, [null, 32, ["F32"], {}, true]) as unknown as string;
  },
  "entry of another kind": (parts, random) => {
    const [name] = entryOf(parts, random);
    parts.header[name] = oneOf(random, [null, 3, "F32", [], {}, true]);
  },
  "name twice": (parts, random) => {
    const [name, entry] = entryOf(parts, random);
    const text = JSON.stringify(parts.header);
    parts.headerText = `${text.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(entry)}}`;
  },
  "tensor missing": (parts, random) => {
    const [name] = entryOf(parts, random);
    delete parts.header[name];
  },
  "tensor renamed": (parts, random) => {
    const [name, entry] = entryOf(parts, random);
    delete parts.header[name];
    parts.header[`${name}.${below(random, 1000)}`] = entry;
  },
  "tensor too many": (parts, random) => {
    const start = parts.data.length;
    const data = new Uint8Array(start + 32);
    data.set(parts.data);
    parts.data = data;
    const name = oneOf(random, [
      "self_attn.q_proj.bias",
      "mlp.gate_proj.bias",
      "self_attn.q_norm.weight",
      "mlp.experts.0.weight",
    ]);
    parts.header[`model.layers.0.${name}`] = { dtype: "F32", shape: [8], data_offsets: [start, start + 32] };
  },
  "bytes after the last tensor": (parts, random) => {
    const data = new Uint8Array(parts.data.length + 1 + below(random, 64));
    data.set(parts.data);
    parts.data = data;
  },
  "header that is no object": (parts, random) => {
    parts.headerText = oneOf(random, [
      "",
      "[]",
      "3",
      "null",
      '"w"',
      "{",
      "{}}",
      "\u0000",
      "{'a':1}",
      "NaN",
      '{"a":NaN}',
    ]);
  },
  "a zip or pickle file": (parts, random) => {
    const starts = [[0x50, 0x4b, 3, 4], [0x80, 2, 0x8a, 0x0a], [0x80, 4, 0x95, 0], [0x1f, 0x8b, 8, 0], [
      0x47,
      0x47,
      0x55,
      0x46,
    ]];
    const file = Uint8Array.from({ length: 64 + below(random, 4096) }, () => below(random, 256));
    file.set(oneOf(random, starts));
    parts.file = file;
  },
  "random bytes": (parts, random) => {
    // From 8 bytes on the length is beyond the file, whatever the rest is.
    parts.file = Uint8Array.from({ length: below(random, 300) }, (_, i) => i === 7 ? 255 : below(random, 256));
  },
  "number of the config that is none": (parts, random) => {
    const field = oneOf(random, Object.entries(CONFIG).filter(([, value]) => typeof value === "number"))[0];
    const value = oneOf(random, ["NaN", "Infinity", "-Infinity", "1e999", "-1", "0", '"8"', "[]", "{}", "true", "0x8"]);
    parts.config = parts.config.replace(new RegExp(`"${field}":[^,}]+`), `"${field}":${value}`);
  },
  "field of the config missing": (parts, random) => {
    const needed = [
      "model_type",
      "hidden_size",
      "intermediate_size",
      "num_hidden_layers",
      "num_attention_heads",
      "vocab_size",
    ];
    const config: Record<string, unknown> = { ...CONFIG };
    delete config[oneOf(random, needed)];
    parts.config = JSON.stringify(config);
  },
  "config cut": (parts, random) => {
    parts.config = parts.config.slice(0, below(random, parts.config.length));
  },
  "field of the config twice": (parts, random) => {
    const [field, value] = oneOf(random, Object.entries(CONFIG));
    parts.config = `${parts.config.slice(0, -1)},${JSON.stringify(field)}:${JSON.stringify(value)}}`;
  },
  "sizes of another model": (parts, random) => {
    const field = oneOf(random, ["hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size", "head_dim"]);
    const changed = { ...CONFIG, head_dim: 4, [field]: oneOf(random, [2, 6, 10, 16, 24]) };
    parts.config = JSON.stringify(changed);
  },
  "a kind that can't be run": (parts, random) => {
    const fields = [
      { model_type: "mixtral" },
      { model_type: "constructor" },
      { hidden_act: "gelu" },
      { rope_scaling: { rope_type: "yarn", factor: 4 } },
      { rope_scaling: { rope_type: "dynamic", factor: 2 } },
      { quantization_config: { bits: 4 } },
      { attn_logit_softcapping: 50 },
      { num_experts: 8 },
      { logits_scaling: 8 },
      { partial_rotary_factor: 0.5 },
    ];
    parts.config = JSON.stringify({ ...CONFIG, ...oneOf(random, fields) });
  },
};

async function told(device: Device, folder: string): Promise<Error | undefined> {
  try {
    using _model = await loadModel(folder, { device });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

gpuTest("no malformed checkpoint crashes, hangs or loads: each of 2,106 ends with one clear error", async (device) => {
  const folder = await Deno.makeTempDir();
  const random = new Random(5);
  const write = async (parts: Parts) => {
    await Deno.writeTextFile(`${folder}/config.json`, parts.config);
    await Deno.writeFile(`${folder}/model.safetensors`, fileOf(parts));
  };
  try {
    await write(whole());
    assertEquals(await told(device, folder), undefined, "the checkpoint that is broken below loads");
    let refused = 0;
    for (const [name, breakIt] of Object.entries(BREAKS)) {
      for (let round = 0; round < 81; round++) {
        const parts = whole();
        breakIt(parts, random);
        await write(parts);
        const error = await told(device, folder);
        assert(
          error,
          `${name} ${round}: it loaded: ${parts.config} ${parts.headerText ?? JSON.stringify(parts.header)}`,
        );
        const ours = error instanceof RangeError || error instanceof PlatformError;
        assert(ours, `${name} ${round}: ${error.name}: ${error.message}`);
        const named = /config\.json|model\.safetensors|weights: /.test(error.message);
        assert(named && error.message.length < 600, `${name} ${round}: ${error.message}`);
        refused++;
      }
    }
    assertEquals(refused, 26 * 81);
    assertEquals(device.memory.liveBuffers, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

gpuTest("a folder with the weights in another format says which files are wanted", async (device) => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(CONFIG));
    await Deno.writeFile(`${folder}/pytorch_model.bin`, new Uint8Array([0x80, 2]));
    assertStringIncludes(
      (await told(device, folder))!.message,
      "has neither model.safetensors nor model.safetensors.index.json",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
