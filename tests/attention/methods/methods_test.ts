import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  createMethod,
  KeyValueCache,
  type Knobs,
  type MethodName,
  resolveKnobs,
  type Scoring,
  scorings,
  type StorageType,
} from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { completeKnobs, dense, quantizeInt8, ReferenceLayer } from "../../../lib/reference/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";
import { normals, swapAxes, TestLayer } from "../layer.ts";

interface Case {
  method: MethodName;
  scoring: Scoring;
  queryCacheLength: number;
  share: Knobs["share"];
  positions: Knobs["positions"];
  keyValueHeads: number;
  group: number;
  headSize: number;
  globalSize: number;
  window: number;
  k: number;
  spanSize: number;
  recallClip: number;
  recallEvery: number;
  pageTokens: number;
  batch: number;
  /** Steps that each sequence runs on its own before all run together, so that their lengths differ. */
  ahead: number[][];
  steps: number[];
  seed: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  method: fc.constantFrom<MethodName>("full", "streaming", "reattention", "reattention-window"),
  scoring: fc.constantFrom(...scorings),
  queryCacheLength: fc.constantFrom(0, 1, 2, 5, 20),
  share: fc.constantFrom<Knobs["share"]>("layer", "kvHead"),
  positions: fc.constantFrom<Knobs["positions"]>("compact", "original"),
  keyValueHeads: fc.constantFrom(1, 2, 3),
  group: fc.constantFrom(1, 2, 3),
  headSize: fc.constantFrom(2, 6, 16),
  globalSize: fc.integer({ min: 0, max: 5 }),
  window: fc.integer({ min: 8, max: 17 }),
  k: fc.constantFrom(0, 1, 3, 7),
  spanSize: fc.integer({ min: 1, max: 9 }),
  recallClip: fc.integer({ min: -1, max: 9 }),
  recallEvery: fc.constantFrom(1, 1, 2, 3),
  pageTokens: fc.constantFrom(1, 5, 32),
  batch: fc.constantFrom(1, 2),
  ahead: fc.array(fc.array(fc.constantFrom(1, 7, 8), { maxLength: 6 }), { minLength: 2, maxLength: 2 }),
  steps: fc.array(fc.constantFrom(1, 2, 7, 8), { minLength: 4, maxLength: 14 }),
  seed: fc.nat(1_000_000),
});

// f32 sums of up to some hundred terms against f64; outputs are of size 1. f16 storage rounds each key and value to 11 bits.
const TOLERANCES = { f32: 2e-5, f16: 2e-2 };

/** How keys and values are stored. */
interface Stored {
  keyType: StorageType;
  valueType: StorageType;
}

/** What int8 storage gives back, so that storing it again loses nothing, and oracle and kernels see the same numbers. */
function storable(data: Float32Array<ArrayBuffer>, headSize: number, type: StorageType): Float32Array<ArrayBuffer> {
  return type === "int8" ? quantizeInt8(dense(data, [data.length / headSize, headSize])).restored.data : data;
}

async function compare(
  device: Device,
  input: Case,
  stored: Stored = { keyType: "f32", valueType: "f32" },
): Promise<void> {
  const { keyValueHeads, group, headSize, batch } = input;
  const queryHeads = keyValueHeads * group;
  const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
  const { scoring, queryCacheLength, globalSize, window, k, spanSize, recallClip, recallEvery, positions, share } =
    input;
  const knobs = resolveKnobs({
    scoring,
    queryCacheLength,
    globalSize,
    window,
    k,
    spanSize,
    recallClip,
    recallEvery,
    positions,
    share,
    chunkSize: 8,
  });
  const method = createMethod(input.method, knobs, shape);
  const options = { pageTokens: input.pageTokens, ...stored };
  const absolute = TOLERANCES[[stored.keyType, stored.valueType].includes("f16") ? "f16" : "f32"];
  const oracle = Array.from({ length: batch }, () =>
    new ReferenceLayer({
      queryHeads,
      keyValueHeads,
      headSize,
      method: input.method === "reattention-window" ? "reattention" : input.method as "full" | "streaming",
      knobs: completeKnobs(method.knobs),
    }));
  let seed = input.seed;
  const questionStart = 40;
  const step = async (layer: TestLayer, sequences: readonly ReferenceLayer[], rows: number) => {
    const numbers = (heads: number) => normals(seed++, sequences.length * rows * heads * headSize);
    const queries = numbers(queryHeads);
    const keys = storable(numbers(keyValueHeads), headSize, stored.keyType);
    const values = storable(numbers(keyValueHeads), headSize, stored.valueType);
    const output = await layer.run({ rows, queries, keys, values }, undefined, questionStart);
    for (const [index, sequence] of sequences.entries()) {
      const part = (data: Float32Array, heads: number) => {
        const size = rows * heads * headSize;
        return swapAxes(data.slice(index * size, (index + 1) * size), rows, heads, headSize);
      };
      const label = `tokens ${sequence.length}..${sequence.length + rows} of sequence ${index}`;
      const expected = sequence.step({
        queries: part(queries, queryHeads),
        keys: part(keys, keyValueHeads),
        values: part(values, keyValueHeads),
        questionStart,
      });
      assertClose(part(output, queryHeads), expected.out, { absolute, relative: 0, label });
      if (index > 0) continue;
      const traced = (await layer.readTrace()).at(-1)!.layers[0].groups;
      assertEquals(
        traced.map(({ indices }) => [...indices]),
        expected.groups.map(({ indices }) => [...indices]),
        label,
      );
      if (sequences.length > 1) continue;
      assertEquals(
        traced.map(({ centers }) => [...centers]),
        expected.groups.map(({ centers }) => [...centers]),
        label,
      );
    }
  };
  using first = new TestLayer(device, shape, method, options);
  using second = batch > 1 ? new TestLayer(device, shape, method, { cache: first.cache.another() }) : undefined;
  const single = second ? [first, second] : [first];
  // The first call is plain whatever its length, so each sequence makes it on its own.
  for (const [index, layer] of single.entries()) {
    for (const rows of [3, ...input.ahead[index]]) await step(layer, [oracle[index]], rows);
  }
  using together = second &&
    new TestLayer(device, shape, method, { cache: KeyValueCache.beside([first.cache, second.cache]) });
  // Query caches of different lengths have no common shape; the knob's error says so, and a test of its own looks at that.
  const seen = oracle.map(({ length }) => Math.min(length, queryCacheLength));
  if (together && seen[0] !== seen[1]) return;
  for (const rows of input.steps) await step(together ?? first, oracle, rows);
}

gpuTest("every method attends as the oracle does, over random knobs, shapes, pages and batches", async (device) => {
  await fc.assert(fc.asyncProperty(cases, (input) => compare(device, input)), { seed: 31, numRuns: 40 });
});

gpuTestWith(
  { groupsPerDimension: 2, bindingBytes: 64 * 1024 },
  "kernels fold their grids and pages spread over several buffers without changing a result",
  async (device) => {
    const small = cases.map((input) => ({ ...input, pageTokens: 5 }));
    await fc.assert(fc.asyncProperty(small, (input) => compare(device, input)), { seed: 32, numRuns: 12 });
  },
);

gpuTest("f16 storage of keys and values stays within its rounding", async (device) => {
  if (!device.info.f16) return;
  // Only methods that do not select: rounding may turn a near tie.
  const plain = cases.map((input): Case => ({ ...input, method: "streaming" }));
  await fc.assert(fc.asyncProperty(plain, (input) => compare(device, input, { keyType: "f16", valueType: "f16" })), {
    seed: 33,
    numRuns: 8,
  });
});

const withInt8 = fc.constantFrom<Stored>(
  { keyType: "int8", valueType: "int8" },
  { keyType: "int8", valueType: "f32" },
  { keyType: "f32", valueType: "int8" },
);

gpuTest(
  "int8 storage of keys, values or both is read as the oracle reads it, by every kernel of scores",
  async (device) => {
    const run1 = fc.asyncProperty(cases, withInt8, (input, stored) => compare(device, input, stored));
    await fc.assert(run1, { seed: 34, numRuns: 16 });
  },
);

gpuTestWith(
  { choices: { "decode selection": "workgroups", "prefill selection": "workgroups", "decode attention": "split" } },
  "int8 storage is read as the oracle reads it by kernels whose workgroups share keys (few, tiled)",
  async (device) => {
    const run1 = fc.asyncProperty(cases, withInt8, (input, stored) => {
      return compare(device, { ...input, headSize: 16, method: "reattention" }, stored);
    });
    await fc.assert(run1, { seed: 35, numRuns: 6 });
  },
);

gpuTestWith(
  { groupsPerDimension: 2, bindingBytes: 64 * 1024 },
  "int8 pages spread over several buffers are read without changing a result",
  async (device) => {
    const run1 = fc.asyncProperty(cases, withInt8, (input, stored) => {
      return compare(device, { ...input, pageTokens: 5 }, stored);
    });
    await fc.assert(run1, { seed: 36, numRuns: 5 });
  },
);

gpuTest("equal keys get equal scores, so the lower token wins, wherever it lies", async (device) => {
  const shape = { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 16 };
  const knobs = resolveKnobs({ globalSize: 0, window: 4, k: 2, spanSize: 1, recallClip: -1, chunkSize: 4 });
  using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape), { pageTokens: 7 });
  const key = normals(5, 16);
  const rows = (count: number) => ({
    rows: count,
    queries: repeat(key, count),
    keys: repeat(key, count),
    values: normals(6, 16 * count),
  });
  for (let i = 0; i < 60; i++) await layer.run(rows(4));
  const [group] = (await layer.readTrace()).at(-1)!.layers[0].groups;
  assertEquals([...group.centers], [0, 1]);
  assertEquals([...group.votes], [4, 4]);
});

function repeat(row: Float32Array, count: number): Float32Array<ArrayBuffer> {
  const all = new Float32Array(row.length * count);
  for (let i = 0; i < count; i++) all.set(row, i * row.length);
  return all;
}

gpuTest("Trace tells what each row and head voted for, with scores", async (device) => {
  const shape = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 6 };
  const knobs = resolveKnobs({ globalSize: 3, window: 8, k: 2, spanSize: 1, recallClip: -1, chunkSize: 5 });
  using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape), { pageTokens: 4 });
  const allKeys: number[] = [];
  let queries = new Float32Array();
  for (let i = 0; i < 6; i++) {
    queries = normals(100 + i, 5 * 4 * 6);
    const keys = normals(200 + i, 5 * 2 * 6);
    allKeys.push(...keys);
    await layer.run({ rows: 5, queries, keys, values: normals(300 + i, 5 * 2 * 6) });
  }
  const { layers: [{ picks, groups: [group] }] } = (await layer.readTrace()).at(-1)!;
  assertEquals(picks.length, 20);
  const votes = new Map<number, number>();
  for (const { row, head, tokens, scores } of picks) {
    const score = (token: number) => {
      let sum = 0;
      for (let c = 0; c < 6; c++) {
        sum += queries[(row * 4 + head) * 6 + c] * allKeys[(token * 2 + Math.floor(head / 2)) * 6 + c];
      }
      return sum;
    };
    // Leading tokens 0 to 2 and the window from 22 on are not candidates.
    const middle = Array.from({ length: 19 }, (_, index) => index + 3).sort((a, b) => score(b) - score(a));
    assertEquals([...tokens], middle.slice(0, 2), `row ${row} head ${head}`);
    assertClose(scores, tokens.length ? [...tokens].map(score) : [], { absolute: 1e-5, relative: 0, label: "scores" });
    for (const token of tokens) votes.set(token, (votes.get(token) ?? 0) + 1);
  }
  assertEquals([...group.centers], [...votes.keys()].sort((a, b) => a - b));
  assertEquals([...group.votes], [...group.centers].map((token) => votes.get(token)));
});
