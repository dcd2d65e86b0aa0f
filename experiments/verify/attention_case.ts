import {
  AttentionStep,
  createMethod,
  KeyValueCache,
  type Knobs,
  resolveKnobs,
  rotaryFrequencies,
  RotationTable,
  Trace,
} from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import type { SafetensorsFile } from "../../lib/model/weights/safetensors.ts";
import { knobsFromReference } from "../../lib/reference/mod.ts";
import { Tensor, transpose } from "../../lib/tensor/mod.ts";
import { type GoldenSteps, openGolden } from "./golden_file.ts";
import { sameTokens, Tally, type Verdict } from "./verdict.ts";

/** Largest difference of an output that passes, by storage of keys and values. */
const OUTPUT_LIMIT = { f32: 1e-4, f16: 5e-3 } as const;

interface Layer {
  readonly step: (number: number, rows: number) => Promise<Float32Array>;
  readonly trace: Trace;
}

/** Runs one attention golden: a single layer, fed step by step. */
export async function verifyAttention(device: Device, path: string, storage: "f32" | "f16"): Promise<Verdict> {
  const { file, knobs: published, about } = await openGolden(path);
  const { knobs, queryHeads, keyValueHeads, headSize, ropeBase } = knobsFromReference(published);
  if (!queryHeads || !keyValueHeads || !headSize) {
    throw new RangeError('metadata "knobs" must have n_heads, n_kv_heads and head_dim');
  }
  const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
  const method = createMethod("reattention", resolveKnobs(knobs as Partial<Knobs>), shape);
  using cache = new KeyValueCache(device, shape, { keyType: storage, valueType: storage });
  using rotation = new RotationTable(device, rotaryFrequencies(headSize, { base: ropeBase ?? 10_000 }));
  using scope = Tensor.zeros(device, [1], "u32", "scope");
  using trace = new Trace(device, about.steps.length);
  const step = async (number: number, rows: number) => {
    cache.extend(rows);
    using step = new AttentionStep({ cache, method, trace, rotation, scope }, rows, {
      phase: rows === 1 && number > 0 ? "decode" : "prefill",
      first: number === 0,
    });
    using queries = await upload(device, file, `step${number}.q`, queryHeads, rows, headSize);
    using keys = await upload(device, file, `step${number}.k`, keyValueHeads, rows, headSize);
    using values = await upload(device, file, `step${number}.v`, keyValueHeads, rows, headSize);
    cache.store(0, keys, values, step.layout);
    using output = method.attend(step, 0, queries);
    using turned = transpose(output, [0, 2, 1, 3]);
    return await turned.read() as Float32Array;
  };
  return await compare({ step, trace }, file, about, storage);
}

/** `[heads, rows, d]` of the file as `[1, rows, heads, d]`. */
async function upload(
  device: Device,
  file: SafetensorsFile,
  name: string,
  heads: number,
  rows: number,
  size: number,
): Promise<Tensor> {
  using stored = Tensor.from(device, await file.readFloats(name), [1, heads, rows, size]);
  return transpose(stored, [0, 2, 1, 3]);
}

async function compare(
  layer: Layer,
  file: SafetensorsFile,
  { steps, minScoreGap }: GoldenSteps,
  storage: "f32" | "f16",
): Promise<Verdict> {
  const tally = new Tally(minScoreGap);
  const outputs: Float32Array[] = [];
  for (const [number, { length }] of steps.entries()) outputs.push(await layer.step(number, length));
  const traced = await layer.trace.read();
  for (const [number, { mode }] of steps.entries()) {
    const { kind, layers: [{ groups: [group] }] } = traced[number];
    const same = kind === mode && sameTokens(group.indices, await file.readInts(`step${number}.indices`)) &&
      (mode !== "select" || await sameVotes(group, file, number));
    const different = kind === mode ? "the selection differs" : `${kind} instead of ${mode}`;
    tally.count(same ? undefined : `step ${number}: ${different}`);
    if (same) tally.differences.add(outputs[number], await file.readFloats(`step${number}.out`));
  }
  return tally.verdict(OUTPUT_LIMIT[storage], "outputs");
}

async function sameVotes(
  group: { readonly centers: ArrayLike<number>; readonly votes: ArrayLike<number> },
  file: SafetensorsFile,
  number: number,
): Promise<boolean> {
  return sameTokens(group.centers, await file.readInts(`step${number}.centers`)) &&
    sameTokens(group.votes, await file.readInts(`step${number}.votes`));
}
