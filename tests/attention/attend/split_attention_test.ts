import { assertEquals } from "@std/assert";
import { createMethod, type Knobs, resolveKnobs, type StorageType } from "../../../lib/attention/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
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
  // Threads that share a key: 8, 8 twice over, 4 and 1.
  for (const [queryHeads, keyValueHeads, headSize] of [[8, 2, 64], [4, 1, 128], [12, 2, 96], [16, 1, 256]]) {
    const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
    const types = [["f32", "f32"], ["int8", "f32"], ["int8", "int8"], ...(device.info.f16 ? [["f16", "f16"]] : [])];
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
  } finally {
    device.choices.pick("decode attention", undefined);
    Reflect.deleteProperty(commands, "dispatch");
  }
});
