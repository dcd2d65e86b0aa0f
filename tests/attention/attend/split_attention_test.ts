import fc from "fast-check";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { kernels } from "../../../kernels/sources.ts";
import {
  appendRandom,
  createMethod,
  KeyValueCache,
  type Knobs,
  resolveKnobs,
  type StorageType,
} from "../../../lib/attention/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { forAll, seed } from "../../tensor/cases.ts";
import { normals, TestLayer } from "../layer.ts";

const SHAPE = { layers: 1, queryHeads: 6, keyValueHeads: 2, headSize: 24 };
const KNOBS: Partial<Knobs> = { globalSize: 8, window: 64, chunkSize: 64, k: 2, spanSize: 8, recallClip: 6 };

// Sums in another order than the usual kernel's. Outputs are weighted means of normal numbers, so of size 1 or less: 1e-5 is
// some tens of roundings of the scores' sums.
for (const [name, knobs] of [["compact", {}], ["original", { positions: "original" }]] as const) {
  gpuTest(`attention split over tokens equals attention over gathered ones, ${name} positions`, async (device) => {
    for (const method of ["full", "reattention"] as const) {
      for (const share of ["layer", "kvHead"] as const) {
        const resolved = resolveKnobs({ ...KNOBS, ...knobs, share });
        const outputs: Float32Array[][] = [];
        for (const choice of ["gathered", "split"]) {
          device.choices.pick("decode attention", choice);
          // Pages of few tokens make several slabs.
          using layer = new TestLayer(device, SHAPE, createMethod(method, resolved, SHAPE), {
            pageTokens: 32,
            batch: 2,
          });
          const found: Float32Array[] = [];
          for (const [step, rows] of [64, 64, 64, 64, 64, 3, 1, 1].entries()) {
            const numbers = (seed: number, heads: number) =>
              normals(10 * step + seed, 2 * rows * heads * SHAPE.headSize);
            found.push(
              await layer.run({ rows, queries: numbers(1, 6), keys: numbers(2, 2), values: numbers(3, 2) }, "decode"),
            );
          }
          outputs.push(found);
        }
        device.choices.pick("decode attention", undefined);
        outputs[0].forEach((expected, step) => assertClose(outputs[1][step], expected, { absolute: 1e-5 }));
      }
    }
  });
}

gpuTest("heads of any size and groups of any number split alike, halves and int8 too", async (device) => {
  // Threads that share a key, as many as divide half of its stored vectors: 8 and fewer.
  for (const [queryHeads, keyValueHeads, headSize] of [[8, 2, 64], [4, 1, 128], [6, 2, 96], [8, 1, 256]]) {
    const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
    const types = [
      ["int8", "f32"],
      ...(headSize < 256 ? [["int8", "int8"], ...(device.info.f16 ? [["f16", "f16"]] : [])] : []),
    ];
    for (const [keyType, valueType] of types as [StorageType, StorageType][]) {
      const outputs: Float32Array[] = [];
      for (const choice of ["gathered", "split"]) {
        device.choices.pick("decode attention", choice);
        const cache = { pageTokens: 64, keyType, valueType };
        using layer = new TestLayer(device, shape, createMethod("full", resolveKnobs(KNOBS), shape), cache);
        for (const [step, rows] of [300, 1].entries()) {
          const numbers = (seed: number, heads: number) => normals(10 * step + seed, rows * heads * headSize);
          const [queries, keys, values] = [queryHeads, keyValueHeads, keyValueHeads].map((heads, i) =>
            numbers(i, heads)
          );
          outputs.push(await layer.run({ rows, queries, keys, values }));
        }
        device.choices.pick("decode attention", undefined);
      }
      assertClose(outputs[3], outputs[1], { absolute: 1e-5 });
    }
  }
});

const cases = fc.record({
  batch: fc.constantFrom(1, 1, 2),
  keyValueHeads: fc.constantFrom(1, 2, 3),
  // More pairs, and longer heads, compile for seconds on a software adapter.
  share: fc.constantFrom(1, 2, 3),
  headSize: fc.constantFrom(8, 24, 64, 72),
  // The longest ones have blocks of several sweeps.
  length: fc.constantFrom(1, 2, 31, 64, 65, 500, 20000),
  rows: fc.constantFrom(1, 1, 2),
  keyType: fc.constantFrom<StorageType>("f32", "f16", "int8"),
  valueType: fc.constantFrom<StorageType>("f32", "f16", "int8"),
  pageTokens: fc.constantFrom(16, 33, 256),
  method: fc.constantFrom("full" as const, "reattention" as const),
  positions: fc.constantFrom("compact" as const, "original" as const),
  seed,
});

gpuTest("attention of any shape and storage is the same split as gathered", async (device) => {
  await forAll(cases, async ({ batch, share, length, rows, method, positions, seed, ...sizes }) => {
    const { keyValueHeads, headSize } = sizes;
    const halves = device.info.f16 ? {} : { keyType: "f32" as const, valueType: "f32" as const };
    const shape = { layers: 1, queryHeads: keyValueHeads * share, keyValueHeads, headSize };
    const knobs = resolveKnobs({ ...KNOBS, positions, allowBeyondTrained: true });
    const [queries, keys, values] = [keyValueHeads * share, keyValueHeads, keyValueHeads].map((heads, i) =>
      normals(seed + i, batch * rows * heads * headSize)
    );
    const outputs: Float32Array[] = [];
    for (const choice of ["gathered", "split"]) {
      const cache = new KeyValueCache(device, shape, { ...sizes, ...halves, batch });
      await appendRandom(cache, length, seed);
      device.choices.pick("decode attention", choice);
      using layer = new TestLayer(device, shape, createMethod(method, knobs, shape), { cache });
      outputs.push(await layer.run({ rows, queries, keys, values }, "decode"));
      device.choices.pick("decode attention", undefined);
    }
    assertClose(outputs[1], outputs[0], { absolute: 1e-5 });
  }, 10);
});

gpuTest("split attention is two kernels, attention_split and attention_combine", async (device) => {
  const called = new Set<string>();
  const { commands } = device;
  commands.dispatch = (call) => {
    called.add(call.kernel);
    Object.getPrototypeOf(commands).dispatch.call(commands, call);
  };
  try {
    device.choices.pick("decode attention", "split");
    using layer = new TestLayer(device, SHAPE, createMethod("full", resolveKnobs(KNOBS), SHAPE));
    const { headSize } = SHAPE;
    await layer.run(
      { rows: 1, queries: normals(1, 6 * headSize), keys: normals(2, 48), values: normals(3, 48) },
      "decode",
    );
    assertEquals([called.has("attention_split"), called.has("attention_combine"), called.has("causal_attention")], [
      true,
      true,
      false,
    ]);
    for (const part of ["split_places", "split_scores", "split_join"]) {
      assertStringIncludes(kernels.attention_split.text, `// uses parts/${part}.wgsl`);
    }
  } finally {
    device.choices.pick("decode attention", undefined);
    Reflect.deleteProperty(commands, "dispatch");
  }
});
