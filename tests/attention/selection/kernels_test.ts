import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createMethod, resolveKnobs } from "../../../lib/attention/mod.ts";
import { Tensor } from "../../../lib/tensor/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals, TestLayer } from "../layer.ts";

gpuTest("a selecting step runs each kernel of the method once, keys and values stored apart", async (device) => {
  if (!device.info.timestamps) return;
  const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 };
  // Those of software adapters; a GPU's are named in shared_selection_test.ts and split_attention_test.ts.
  const usual = { "decode selection": "lanes", "prefill selection": "lanes", "decode attention": "gathered" };
  for (const [question, option] of Object.entries(usual)) device.choices.pick(question, option);
  for (const [k, scoring] of [[1, "score_short_top_k"], [17, "score_top_k"]] as const) {
    const knobs = resolveKnobs({ globalSize: 2, window: 4, k, spanSize: 2, recallClip: 3, chunkSize: 4 });
    using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape));
    const step = () => layer.run({ rows: 4, queries: normals(1, 32), keys: normals(2, 16), values: normals(3, 16) });
    for (let i = 0; i < 4; i++) await step();
    device.profiler.enabled = true;
    await step();
    const calls = Object.fromEntries((await device.kernelTimes()).map((time) => [time.kernel, time.calls]));
    device.profiler.enabled = false;
    assertEquals(calls, {
      "cache_append": 1,
      [scoring]: 1,
      "cast_votes": 1,
      "clip_votes": 1,
      "collect_indices": 1,
      "fold_grid": 1,
      "gather_rotate": 1,
      "rotate_queries": 1,
      // Eight pairs of row and head: too few for tiles on any adapter.
      [device.info.software ? "causal_attention_image" : "causal_attention"]: 1,
    });
  }
  for (const question of Object.keys(usual)) device.choices.pick(question, undefined);
});

gpuTest(
  "scores of values are made of vectors that score_vectors writes: rows that vote, and the middle",
  async (device) => {
    if (!device.info.timestamps) return;
    const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 };
    const small = { globalSize: 2, window: 4, k: 1, spanSize: 2, recallClip: 3, chunkSize: 4 };
    const method = createMethod("reattention", resolveKnobs({ ...small, scoring: "v" }), shape);
    using layer = new TestLayer(device, shape, method);
    const step = () => layer.run({ rows: 4, queries: normals(1, 32), keys: normals(2, 16), values: normals(3, 16) });
    for (let i = 0; i < 4; i++) await step();
    device.profiler.enabled = true;
    await step();
    const times = await device.kernelTimes();
    device.profiler.enabled = false;
    assertEquals(times.find(({ kernel }) => kernel === "score_vectors")?.calls, 2);
  },
);

gpuTest("fold_grid folds counts past 65,535 workgroups, and the indirect call runs all of them", async (device) => {
  const threads = 64 * 70_000 + 3;
  using counts = Tensor.from(device, new Uint32Array([5, threads, 17]), [3]);
  using grid = Tensor.empty(device, [3], "u32");
  device.commands.dispatch({
    kernel: "fold_grid",
    params: { count: 3, threads_per_count: 1, workgroup: 64, groups_per_dimension: 65_535 },
    bindings: [counts, grid].map(({ buffer }) => ({ buffer })),
    groups: 1,
    work: 1,
  });
  assertEquals([...await grid.read()], [65_535, 2, 1]);
  using x = Tensor.from(device, new Float32Array(threads).fill(3), [threads]);
  using y = Tensor.zeros(device, [threads]);
  device.commands.dispatch({
    kernel: "silu_gate",
    types: { Element: "f32", Wide: "f32" },
    constants: { WIDTH: 1 },
    params: { count: threads },
    bindings: [x, x, y].map(({ buffer }) => ({ buffer })),
    groups: 70_001,
    indirect: { buffer: grid.buffer, offset: 0 },
    work: threads,
  });
  const values = await y.read();
  assertEquals(values.findIndex((value) => value === 0), -1);
});

gpuTest("fold_grid gives an empty grid for counts of zero", async (device) => {
  using counts = Tensor.zeros(device, [2], "u32");
  using grid = Tensor.empty(device, [3], "u32");
  device.commands.dispatch({
    kernel: "fold_grid",
    params: { count: 2, threads_per_count: 8, workgroup: 64, groups_per_dimension: 65_535 },
    bindings: [counts, grid].map(({ buffer }) => ({ buffer })),
    groups: 1,
    work: 1,
  });
  assertEquals([...await grid.read()], [0, 0, 1]);
});

gpuTest("sample draws tokens as often as their probabilities say, cut by top-k and top-p", async (device) => {
  const logits = [2, 1, 0, -1, 1.5];
  const draw = async (options: { top_k: number; top_p: number; temperature: number }) => {
    const draws = 2000;
    using input = Tensor.from(device, new Float32Array(logits), [1, logits.length]);
    using next = Tensor.empty(device, [1], "u32");
    using chosen = Tensor.zeros(device, [1, draws], "u32");
    for (let step = 0; step < draws; step++) {
      device.commands.dispatch({
        kernel: "sample",
        params: { vocabulary: logits.length, chosen_stride: draws, place: step, seed: 3, step, ...options },
        bindings: [input, next, chosen].map(({ buffer }) => ({ buffer })),
        groups: 1,
        work: 1000,
      });
    }
    const counts = new Array<number>(logits.length).fill(0);
    for (const token of await chosen.read()) counts[token] += 1 / draws;
    return counts;
  };
  const check = (found: number[], kept: number[], temperature: number) => {
    const weights = logits.map((logit, token) => kept.includes(token) ? Math.exp(logit / temperature) : 0);
    const total = weights.reduce((a, b) => a + b);
    // Five standard deviations of a share out of 2,000 draws are at most 0.056.
    found.forEach((share, token) => assertEquals(Math.abs(share - weights[token] / total) < 0.056, true, `${found}`));
    assertEquals(found.map((share) => share > 0), weights.map((weight) => weight > 0));
  };
  check(await draw({ temperature: 1, top_k: 0, top_p: 1 }), [0, 1, 2, 3, 4], 1);
  check(await draw({ temperature: 2, top_k: 3, top_p: 1 }), [0, 1, 4], 2);
  // Probabilities 0.46, 0.28, 0.17, 0.06, 0.02: the two likeliest reach 0.7.
  check(await draw({ temperature: 1, top_k: 0, top_p: 0.7 }), [0, 4], 1);
});

gpuTest("sample takes the highest logit, the lowest token among equals, over any vocabulary", async (device) => {
  const rows = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(rows, async (row) => {
      using input = Tensor.from(device, new Float32Array(row), [1, row.length]);
      using next = Tensor.empty(device, [1], "u32");
      using chosen = Tensor.zeros(device, [1, 1], "u32");
      device.commands.dispatch({
        kernel: "sample",
        params: {
          vocabulary: row.length,
          chosen_stride: 1,
          place: 0,
          seed: 0,
          step: 0,
          top_k: 0,
          top_p: 1,
          temperature: 0,
        },
        bindings: [input, next, chosen].map(({ buffer }) => ({ buffer })),
        groups: 1,
        work: row.length,
      });
      assertEquals((await next.read())[0], row.indexOf(Math.max(...row)));
    }),
    { seed: 34, numRuns: 20 },
  );
});
