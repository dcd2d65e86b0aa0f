import fc from "fast-check";
import { assert, assertEquals } from "@std/assert";
import {
  appendRandom,
  createMethod,
  KeyValueCache,
  resolveKnobs,
  type StorageType,
} from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { forAll, seed } from "../../tensor/cases.ts";
import { normals, TestLayer } from "../layer.ts";

const storage = fc.constantFrom<StorageType>("f32", "f16", "int8");
const cases = fc.record({
  batch: fc.constantFrom(1, 1, 2),
  keyValueHeads: fc.constantFrom(1, 2, 3),
  share: fc.constantFrom(1, 2, 3, 4),
  // Longer heads compile for seconds on a software adapter.
  headSize: fc.constantFrom(8, 16, 24, 32, 64, 72),
  length: fc.constantFrom(1, 2, 31, 64, 65, 500, 3000),
  rows: fc.constantFrom(1, 1, 1, 2),
  keyType: storage,
  valueType: storage,
  pageTokens: fc.constantFrom(16, 33, 256),
  method: fc.constantFrom("full" as const, "reattention" as const),
  positions: fc.constantFrom("compact" as const, "original" as const),
  share_selection: fc.constantFrom("layer" as const, "kvHead" as const),
  seed,
});

/** Runs a step in one way, and tells which kernels it took. */
async function run(device: Device, choice: string | undefined, run: () => Promise<Float32Array>) {
  const called = new Set<string>();
  const { commands } = device;
  commands.dispatch = (call) => {
    called.add(call.kernel);
    Object.getPrototypeOf(commands).dispatch.call(commands, call);
  };
  device.choices.pick("decode attention", choice);
  try {
    return { output: await run(), called };
  } finally {
    device.choices.pick("decode attention", undefined);
    Reflect.deleteProperty(commands, "dispatch");
  }
}

gpuTest("attention by threads that read pages (attention_lanes) is that over gathered keys", async (device) => {
  let read = 0;
  await forAll(cases, async ({ batch, share, length, rows, method, positions, share_selection, seed, ...sizes }) => {
    const { keyValueHeads, headSize } = sizes;
    const halves = device.info.f16 ? {} : { keyType: "f32" as const, valueType: "f32" as const };
    const shape = { layers: 1, queryHeads: keyValueHeads * share, keyValueHeads, headSize };
    const small = { globalSize: 8, window: 64, chunkSize: 64, k: 2, spanSize: 8, recallClip: 6 };
    const knobs = resolveKnobs({ ...small, positions, share: share_selection, allowBeyondTrained: true });
    const [queries, keys, values] = [keyValueHeads * share, keyValueHeads, keyValueHeads].map((heads, i) =>
      normals(seed + i, batch * rows * heads * headSize)
    );
    const found: { output: Float32Array; called: Set<string>; slabs: number }[] = [];
    for (const choice of ["gathered", "lanes"]) {
      const cache = new KeyValueCache(device, shape, { ...sizes, ...halves, batch });
      await appendRandom(cache, length, seed);
      using layer = new TestLayer(device, shape, createMethod(method, knobs, shape), { cache });
      const step = await run(device, choice, () => layer.run({ rows, queries, keys, values }, "decode"));
      found.push({ ...step, slabs: cache.slabs().length });
    }
    const [gathered, lanes] = found;
    // One thread takes up to four pairs, of pages that lie in one slab.
    const can = rows * share <= 4 && lanes.slabs === 1;
    assertEquals([lanes.called.has("attention_lanes"), gathered.called.has("attention_lanes")], [can, false]);
    assertEquals(lanes.called.has("gather_vectors"), !can);
    read += Number(can);
    // On a GPU gathered keys are attended to by another kernel, whose sums run in another order.
    assertClose(lanes.output, gathered.output, { absolute: device.info.software ? 0 : 1e-5 });
  }, 12);
  assert(read > 6);
});

gpuTest(
  "a software adapter decodes by threads that read pages, and reads a prompt by gathered keys",
  async (device) => {
    if (!device.info.software) return;
    const shape = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 8 };
    const step = async (headSize: number, rows: number) => {
      const method = createMethod("full", resolveKnobs({ chunkSize: 16 }), shape);
      using layer = new TestLayer(device, { ...shape, headSize }, method);
      const numbers = (heads: number) => normals(heads, rows * heads * headSize);
      const input = { rows, queries: numbers(4), keys: numbers(2), values: numbers(2) };
      return (await run(device, undefined, () => layer.run(input))).called.has("attention_lanes");
    };
    assertEquals([await step(8, 1), await step(8, 2), await step(8, 3), await step(12, 1)], [true, true, false, false]);
  },
);
