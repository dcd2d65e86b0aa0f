import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createMethod, type Knobs, resolveKnobs, type StorageType } from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import { assertClose } from "../assert_close.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { type LayerInput, normals, TestLayer } from "./layer.ts";

// Sums of at most some hundred terms of size 1 in f32; only their order differs.
const CLOSE = { absolute: 2e-5, relative: 0 };

/** The same numbers; on a GPU, whose sums are cut where the cache's buffers end, the same but for the order of sums. */
function assertSameOutput({ info }: Device, found: Float32Array, expected: Float32Array, label?: string): void {
  if (info.software) assertEquals(found, expected, label);
  else assertClose(found, expected, { ...CLOSE, label });
}

interface Sizes {
  keyValueHeads: number;
  group: number;
  headSize: number;
}

const sizes: fc.Arbitrary<Sizes> = fc.record({
  keyValueHeads: fc.constantFrom(1, 2, 3),
  group: fc.constantFrom(1, 2),
  headSize: fc.constantFrom(2, 8, 10, 16),
});
const stepLengths = fc.array(fc.constantFrom(1, 3, 8), { minLength: 4, maxLength: 12 });

function shapeOf({ keyValueHeads, group, headSize }: Sizes) {
  return { layers: 1, queryHeads: keyValueHeads * group, keyValueHeads, headSize };
}

/** Random rows for `count` tokens, token by token, so that they can be cut into steps in any way. */
function tokensOf({ keyValueHeads, group, headSize }: Sizes, count: number, seed: number): LayerInput {
  const numbers = (heads: number, part: number) => normals(seed + part, count * heads * headSize);
  return {
    rows: count,
    queries: numbers(keyValueHeads * group, 0),
    keys: numbers(keyValueHeads, 1),
    values: numbers(keyValueHeads, 2),
  };
}

function cut(all: LayerInput, first: number, rows: number): LayerInput {
  const part = (data: Float32Array) =>
    data.slice(data.length / all.rows * first, data.length / all.rows * (first + rows));
  return { rows, queries: part(all.queries), keys: part(all.keys), values: part(all.values) };
}

function layerOf(
  device: Device,
  input: Sizes,
  method: "full" | "streaming" | "reattention",
  changes: Partial<Knobs>,
): TestLayer {
  const shape = shapeOf(input);
  return new TestLayer(device, shape, createMethod(method, resolveKnobs(changes), shape), { pageTokens: 16 });
}

/** Outputs of all tokens, whatever the steps. */
async function run(layer: TestLayer, all: LayerInput, steps: readonly number[]): Promise<Float32Array[]> {
  const outputs: Float32Array[] = [];
  let done = 0;
  for (const rows of steps) {
    outputs.push(await layer.run(cut(all, done, rows)));
    done += rows;
  }
  return outputs;
}

/** Both give the same outputs, step by step, for a first call of 12 tokens and these steps. */
async function assertSame(left: TestLayer, right: TestLayer, all: LayerInput, steps: readonly number[]): Promise<void> {
  const outputs = await run(left, all, [12, ...steps]);
  const expected = await run(right, all, [12, ...steps]);
  outputs.forEach((output, index) => assertClose(output, expected[index], { ...CLOSE, label: `step ${index}` }));
}

function sum(steps: readonly number[]): number {
  return steps.reduce((total, rows) => total + rows, 0);
}

gpuTest("ReAttention that picks all of the middle equals full attention, in both position modes", async (device) => {
  const knobs = { globalSize: 3, window: 9, k: 256, spanSize: 1, recallClip: -1, chunkSize: 8 };
  const run1 = fc.asyncProperty(
    sizes,
    stepLengths,
    fc.constantFrom("compact", "original"),
    fc.nat(1e6),
    async (input, steps, positions, seed) => {
      const all = tokensOf(input, 12 + sum(steps), seed);
      using some = layerOf(device, input, "reattention", { ...knobs, positions });
      using every = layerOf(device, input, "full", { chunkSize: 8 });
      await assertSame(some, every, all, steps);
      assertEquals((await some.readTrace()).at(-1)!.kind, "select");
    },
  );
  await fc.assert(run1, { seed: 41, numRuns: 12 });
});

gpuTest(
  "ReAttention with k 0, or with a clip of 0 and no alignment, equals streaming after the first call",
  async (device) => {
    const shared = { globalSize: 3, window: 9, spanSize: 4, chunkSize: 8 };
    const without = fc.constantFrom<Partial<Knobs>>({ k: 0 }, { k: 4, recallClip: 0 });
    const run1 = fc.asyncProperty(
      sizes,
      stepLengths,
      without,
      fc.constantFrom("compact", "original"),
      fc.nat(1e6),
      async (input, steps, nothing, positions, seed) => {
        const all = tokensOf(input, 12 + sum(steps), seed);
        using left = layerOf(device, input, "reattention", { ...shared, ...nothing, positions });
        using right = layerOf(device, input, "streaming", { ...shared, positions });
        await assertSame(left, right, all, steps);
      },
    );
    await fc.assert(run1, { seed: 42, numRuns: 12 });
  },
);

gpuTest(
  "results don't depend on how a prompt is cut where every token is attended to: in full attention, and up to globalSize + window",
  async (device) => {
    const run1 = fc.asyncProperty(
      sizes,
      stepLengths,
      stepLengths,
      fc.constantFrom("full", "reattention"),
      fc.nat(1e6),
      async (input, steps, others, method, seed) => {
        const total = Math.min(sum(steps), sum(others));
        const upTo = (lengths: readonly number[]) => {
          const kept: number[] = [];
          for (const rows of lengths) if (sum(kept) < total) kept.push(Math.min(rows, total - sum(kept)));
          return kept;
        };
        const all = tokensOf(input, total, seed);
        const knobs = { globalSize: 30, window: 80, spanSize: 4, chunkSize: 8 };
        using left = layerOf(device, input, method, knobs);
        using right = layerOf(device, input, method, knobs);
        const flat = (outputs: readonly Float32Array[]) => outputs.flatMap((output) => [...output]);
        const expected = Float32Array.from(flat(await run(right, all, upTo(others))));
        assertClose(Float32Array.from(flat(await run(left, all, upTo(steps)))), expected, CLOSE);
      },
    );
    await fc.assert(run1, { seed: 43, numRuns: 12 });
  },
);

gpuTest("a decode step's selection does not depend on how the prompt before it was cut", async (device) => {
  // One layer's keys depend on their own tokens alone, so a step sees the same cache however that was filled.
  const knobs = { globalSize: 2, window: 10, k: 3, spanSize: 3, recallClip: 5, chunkSize: 8 };
  const run1 = fc.asyncProperty(sizes, fc.nat(1e6), async (input, seed) => {
    const all = tokensOf(input, 61, seed);
    const last: unknown[] = [];
    const outputs: Float32Array[] = [];
    for (const steps of [[12, 8, 8, 8, 8, 8, 8, 1], [30, 5, 5, 5, 5, 5, 5, 1], [60, 1]]) {
      using layer = layerOf(device, input, "reattention", knobs);
      outputs.push((await run(layer, all, steps)).at(-1)!);
      last.push(
        (await layer.readTrace()).at(-1)!.layers[0].groups.map(({ centers, votes }) => [[...centers], [...votes]]),
      );
    }
    assertEquals(last[1], last[0]);
    assertEquals(last[2], last[0]);
    assertSameOutput(device, outputs[1], outputs[0]);
    assertSameOutput(device, outputs[2], outputs[0]);
  });
  await fc.assert(run1, { seed: 44, numRuns: 8 });
});

gpuTest("permuting the middle of the cache permutes the candidates and their votes", async (device) => {
  const knobs = { globalSize: 4, window: 12, k: 3, spanSize: 1, recallClip: -1, chunkSize: 8 };
  const middle = Array.from({ length: 40 }, (_, i) => 4 + i);
  const permutations = fc.shuffledSubarray(middle, { minLength: 40, maxLength: 40 });
  const run1 = fc.asyncProperty(
    sizes,
    permutations,
    fc.constantFrom(1, 5),
    fc.nat(1e6),
    async (input, permuted, rows, seed) => {
      const all = tokensOf(input, 4 + 40 + 12, seed);
      // Token t of the second cache is token source[t] of the first.
      const source = Array.from({ length: all.rows }, (_, t) => middle.includes(t) ? permuted[t - 4] : t);
      const moved = (data: Float32Array) => {
        const size = data.length / all.rows;
        return Float32Array.from(data, (_, i) => data[source[Math.floor(i / size)] * size + i % size]);
      };
      const other = { ...all, keys: moved(all.keys), values: moved(all.values) };
      const candidates = async (tokens: LayerInput) => {
        using layer = layerOf(device, input, "reattention", knobs);
        await run(layer, tokens, [all.rows - rows, rows]);
        const [group] = (await layer.readTrace()).at(-1)!.layers[0].groups;
        return new Map([...group.centers].map((token, index) => [token, group.votes[index]]));
      };
      const plain = await candidates(all);
      const back = [...await candidates(other)].map(([token, votes]): [number, number] => [source[token], votes]);
      assertEquals(back.sort(([a], [b]) => a - b), [...plain].sort(([a], [b]) => a - b));
    },
  );
  await fc.assert(run1, { seed: 45, numRuns: 12 });
});

gpuTest("a forked cache never changes its parent, whatever either does", async (device) => {
  const acts = fc.array(fc.record({ fork: fc.boolean(), rows: fc.constantFrom(1, 3, 8), drop: fc.nat(5) }), {
    minLength: 3,
    maxLength: 8,
  });
  const types = fc.constantFrom<StorageType>("f32", "int8", ...(device.info.f16 ? ["f16" as const] : []));
  const knobs = { globalSize: 2, window: 10, k: 3, spanSize: 3, chunkSize: 8, queryCacheLength: 3, recallEvery: 2 };
  const run1 = fc.asyncProperty(sizes, acts, types, fc.nat(1e6), async (input, acts, type, seed) => {
    const shape = shapeOf(input);
    const method = createMethod("reattention", resolveKnobs(knobs), shape);
    const options = { pageTokens: 8, keyType: type, valueType: type };
    using parent = new TestLayer(device, shape, method, options);
    using alone = new TestLayer(device, shape, method, options);
    const start = tokensOf(input, 40, seed);
    for (const layer of [parent, alone]) await run(layer, start, [12, 8, 8, 8, 4]);
    using child = new TestLayer(device, shape, method, { cache: parent.cache.fork() });
    for (const [index, { fork, rows, drop }] of acts.entries()) {
      const tokens = tokensOf(input, rows, seed + 10 * index + 7);
      if (fork) {
        child.cache.truncate(Math.max(20, child.cache.lengths[0] - drop));
        await child.run(tokens);
      } else {
        assertSameOutput(device, await parent.run(tokens), await alone.run(tokens), `step ${index}`);
      }
    }
    const last = tokensOf(input, 1, seed + 999);
    assertSameOutput(device, await parent.run(last), await alone.run(last));
  });
  await fc.assert(run1, { seed: 46, numRuns: 10 });
});
