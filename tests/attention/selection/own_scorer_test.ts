import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  createMethod,
  defineScorer,
  KeyValueCache,
  type OwnScoring,
  resolveKnobs,
} from "../../../lib/attention/mod.ts";
import { bestTokens, rankOf } from "../../../lib/attention/inspection/best_tokens.ts";
import { ValidationError } from "../../../lib/gpu/mod.ts";
import { completeKnobs, dense, ReferenceLayer, topK } from "../../../lib/reference/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";
import { normals, swapAxes, TestLayer } from "../layer.ts";

/** The built-in scores once more, as a user would write them; the sums run in the same order (kernel own_scores). */
const QK = `fn score(at: At) -> f32 {
  var sum = vec4<f32>();
  for (var c = 0u; c < D4; c++) {
    sum = fma(query(c), key(c), sum);
  }
  return (sum.x + sum.y) + (sum.z + sum.w);
}`;
const scorers: Record<string, OwnScoring> = {
  wgsl: defineScorer("qk-again", { wgsl: QK }),
  typescript: defineScorer("qk-on-host", { score: (scores) => scores }),
};

const cases = fc.record({
  form: fc.constantFrom("wgsl", "typescript"),
  k: fc.constantFrom(1, 4, 31, 256),
  headSize: fc.constantFrom(2, 10, 32),
  heads: fc.constantFrom<[number, number]>([1, 1], [2, 2], [6, 2]),
  share: fc.constantFrom("layer", "kvHead"),
  first: fc.integer({ min: 40, max: 400 }),
  steps: fc.array(fc.constantFrom(1, 8), { minLength: 1, maxLength: 3 }),
  recallClip: fc.constantFrom(-1, 3),
  recallEvery: fc.constantFrom(1, 2),
  queryCacheLength: fc.constantFrom(0, 3),
  seed: fc.nat(1e6),
});

gpuTest(
  "defineScorer: q . k written once more selects what the oracle's does, as WGSL and as TypeScript",
  async (device) => {
    const property = fc.asyncProperty(cases, async (input) => {
      const { form, k, headSize, heads, share, first, steps, recallClip, recallEvery, queryCacheLength, seed } = input;
      const [queryHeads, keyValueHeads] = heads;
      const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
      const given = {
        ...{ globalSize: 3, window: 12, chunkSize: 8, spanSize: 2 },
        ...{ k, share, recallClip, recallEvery, queryCacheLength },
      };
      const method = createMethod("reattention", resolveKnobs({ ...given, scoring: scorers[form] }), shape);
      using layer = new TestLayer(device, shape, method, { pageTokens: 64 });
      const oracle = new ReferenceLayer({ queryHeads, keyValueHeads, headSize, knobs: completeKnobs(given) });
      for (const [index, count] of [first, ...steps].entries()) {
        const numbers = (heads: number, part: number) => normals(seed + 3 * index + part, count * heads * headSize);
        const [queries, keys, values] = [numbers(queryHeads, 0), numbers(keyValueHeads, 1), numbers(keyValueHeads, 2)];
        const output = await layer.run({ rows: count, queries, keys, values });
        const expected = oracle.step({
          queries: swapAxes(queries, count, queryHeads, headSize),
          keys: swapAxes(keys, count, keyValueHeads, headSize),
          values: swapAxes(values, count, keyValueHeads, headSize),
        });
        if (index === 0) continue;
        const { layers: [{ groups }] } = (await layer.readTrace()).at(-1)!;
        assertEquals(groups.map(({ indices }) => [...indices]), expected.groups.map(({ indices }) => [...indices]));
        assertEquals(groups.map(({ votes }) => [...votes]), expected.groups.map(({ votes }) => [...votes]));
        // f32 sums of up to 400 terms of size 1 against f64.
        assertClose(swapAxes(output, count, queryHeads, headSize), expected.out, { absolute: 2e-5, label: form });
      }
    });
    await fc.assert(property, { seed: 71, numRuns: 14 });
  },
);

gpuTest(
  "defineScorer: a scorer is told layer, head, query and token, and selects for two sequences side by side",
  async (device) => {
    const shape = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 8 };
    // Every head votes for one token of its own: 5 tokens a head from the query's place backwards, in both forms.
    const forms: OwnScoring[] = [
      defineScorer("told-wgsl", {
        wgsl: "fn score(at: At) -> f32 { return -abs(f32(at.query) - f32(at.token) - 20.0 - 5.0 * f32(at.head)); }",
      }),
      defineScorer("told-typescript", {
        score: (scores, { head, query, first }) => scores.map((_, i) => -Math.abs(query - (first + i) - 20 - 5 * head)),
      }),
    ];
    for (const scoring of forms) {
      const knobs = resolveKnobs({
        globalSize: 2,
        window: 8,
        chunkSize: 4,
        spanSize: 1,
        k: 1,
        recallClip: -1,
        scoring,
      });
      const method = createMethod("reattention", knobs, shape);
      const rows = (count: number, batch: number) => ({
        rows: count,
        queries: normals(1, batch * count * 32),
        keys: normals(2, batch * count * 16),
        values: normals(3, batch * count * 16),
      });
      using first = new TestLayer(device, shape, method, { pageTokens: 16 });
      using second = new TestLayer(device, shape, method, { cache: first.cache.another() });
      await first.run(rows(70, 1));
      await second.run(rows(50, 1));
      using both = new TestLayer(device, shape, method, { cache: KeyValueCache.beside([first.cache, second.cache]) });
      await both.run(rows(1, 2));
      const { centers } = (await both.readTrace()).at(-1)!.layers[0].groups[0];
      assertEquals([...centers], [35, 40, 45, 50], scoring);
    }
  },
);

// 16,384 scores a binding: sixteen queries with 2,040 tokens of the middle take two of them.
gpuTestWith(
  { bindingBytes: 2 ** 16 },
  "defineScorer: long middles are scored part by part, from pages in several buffers, with the same result",
  async (device) => {
    const shape = { layers: 1, queryHeads: 2, keyValueHeads: 2, headSize: 4 };
    const found = [];
    for (const scoring of ["qk", scorers.wgsl, scorers.typescript] as const) {
      const knobs = resolveKnobs({ globalSize: 2, window: 10, chunkSize: 8, spanSize: 2, recallClip: -1, scoring });
      using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape), { pageTokens: 64 });
      for (const [seed, rows] of [[1, 2044], [4, 8]]) {
        const [queries, keys, values] = [seed, seed + 1, seed + 2].map((part) => normals(part, rows * 8));
        await layer.run({ rows, queries, keys, values });
      }
      const { groups: [{ centers, votes }] } = (await layer.readTrace()).at(-1)!.layers[0];
      found.push([[...centers], [...votes]]);
    }
    assertEquals(found[1], found[0]);
    assertEquals(found[2], found[0]);
  },
);

gpuTest("defineScorer: WGSL that does not compile is an error that names kernel and fault", async (device) => {
  const shape = { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 4 };
  const scoring = defineScorer("broken", { wgsl: "fn score(at: At) -> f32 { return nothing_here; }" });
  const knobs = resolveKnobs({ globalSize: 1, window: 4, chunkSize: 4, k: 1, spanSize: 1, scoring });
  using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape));
  const input = (rows: number) => {
    const numbers = normals(5, rows * 4);
    return { rows, queries: numbers, keys: numbers, values: numbers };
  };
  await layer.run(input(20));
  const error = await assertRejects(() => layer.run(input(1)), ValidationError, "kernel own_scores");
  assertEquals(/nothing_here/.test(error.message), true, error.message);
});

gpuTest("defineScorer: a TypeScript scorer that gives too few scores is refused", async (device) => {
  const shape = { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 4 };
  const scoring = defineScorer("short", { score: (scores) => scores.subarray(1) });
  const knobs = resolveKnobs({ globalSize: 1, window: 4, chunkSize: 4, k: 1, spanSize: 1, scoring });
  using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape));
  const input = (rows: number) => {
    const numbers = normals(5, rows * 4);
    return { rows, queries: numbers, keys: numbers, values: numbers };
  };
  await layer.run(input(20));
  await assertRejects(() => layer.run(input(1)), RangeError, 'scorer "own:short" gave 15 scores for 16 tokens');
});

Deno.test("defineScorer refuses names and scorers that can't be, and knobs refuse scorers that were not defined", () => {
  assertThrows(() => defineScorer("two words", { wgsl: QK }), RangeError, '"two words"');
  assertThrows(() => defineScorer("none", { wgsl: "fn other() {}" }), RangeError, "function score");
  assertThrows(() => defineScorer("none", {} as { wgsl: string }), RangeError, "neither");
  assertThrows(() => resolveKnobs({ scoring: "own:unknown" }), RangeError, 'scoring: must be "qk" or');
  assertThrows(() => resolveKnobs({ scoring: "q" as "qk" }), RangeError, "defineScorer");
});

Deno.test("bestTokens and rankOf rank as the oracle's topK does, ties and NaN included", () => {
  const number = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(NaN), fc.constant(-0));
  fc.assert(fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), fc.nat(20), (scores, most) => {
    const k = Math.min(scores.length, Math.max(1, most));
    const { tokens } = bestTokens(scores, k);
    assertEquals([...tokens], [...topK(dense(scores, [scores.length]), k).indices.data]);
    tokens.forEach((token, rank) => assertEquals(rankOf(scores, token), rank));
  }));
});
