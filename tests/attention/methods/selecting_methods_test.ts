import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { createMethod, type Knobs, type MethodName, OracleSpans, resolveKnobs } from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { rotatedByPlace } from "../../../lib/reference/eviction.ts";
import {
  attendPairs,
  infLlmTokens,
  longHeadsTokens,
  ntkFrequencies,
  questTokens,
  ReferenceEviction,
  ReferenceTokenSelect,
  reRopeDistance,
  tokenSelectTokens,
} from "../../../lib/reference/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { PairLayer, type PairStep } from "../pair_layer.ts";

// f32 sums of some dozen terms of size 1, and angles rounded to f32, against f64.
const CLOSE = { absolute: 5e-5, relative: 0 };
const frequenciesOf = (size: number) => ntkFrequencies(size, 10000, 1);

interface Case {
  keyValueHeads: number;
  group: number;
  headSize: number;
  steps: number[];
  seed: number;
}

const shapes: fc.Arbitrary<Case> = fc.record({
  keyValueHeads: fc.constantFrom(1, 2, 3),
  group: fc.constantFrom(1, 2),
  headSize: fc.constantFrom(4, 6, 16),
  // Prefill, then decoding, a second prompt and decoding again.
  steps: fc.tuple(
    fc.array(fc.constantFrom(2, 5, 8), { minLength: 3, maxLength: 5 }),
    fc.constantFrom([1, 1, 1], [1]),
    fc.constantFrom([], [7, 2, 1, 1]),
  ).map((parts) => [4, ...parts.flat()]),
  seed: fc.nat(1_000_000),
});

const small = { globalSize: 3, window: 10, chunkSize: 8, spanSize: 2, recallClip: 3, allowBeyondTrained: true };

/** Which tokens a step should attend to (one list, or one for each KV head), and at which distances. */
interface Expected {
  lists: readonly (readonly number[])[];
  distance?: (m: number, n: number) => number | undefined;
}

/** Runs random cases of a method against what its definition gives. */
function check(
  name: MethodName,
  changes: Partial<Knobs>,
  kernels: string,
  expect: (input: PairStep, about: { rows: number; headSize: number; decodes: boolean }) => Expected,
): void {
  gpuTest(`${name} ${JSON.stringify(changes)} selects as its paper defines it: ${kernels}`, async (device) => {
    const property = fc.asyncProperty(shapes, async ({ keyValueHeads, group, headSize, steps, seed }) => {
      const shape = { layers: 1, queryHeads: group * keyValueHeads, keyValueHeads, headSize, trainedContext: 64 };
      const method = createMethod(name, resolveKnobs({ ...small, ...changes }), shape);
      using layer = new PairLayer(device, shape, method, seed, 5);
      for (const [step, rows] of steps.entries()) {
        const input = await layer.step(rows);
        const { lists, distance } = expect(input, { rows, headSize, decodes: rows === 1 });
        const places = lists.map((list) => new Map(list.map((token, place) => [token, place])));
        const compact = (m: number, n: number, head: number) => {
          const own = places[places.length === 1 ? 0 : head];
          const [query, key] = [own.get(m), own.get(n)];
          return query === undefined || key === undefined ? undefined : distance ? distance(m, n) : query - key;
        };
        const { data } = attendPairs({ ...input, frequencies: frequenciesOf(headSize), distance: compact });
        const label = `step ${step}, ${input.keys.shape[1]} tokens`;
        const { layers: [{ groups }] } = (await layer.layer.readTrace()).at(-1)!;
        const found = groups.map(({ indices }) => [...indices]);
        assertEquals(found, lists.length > 1 && found.length === 1 ? [lists[0]] : lists, label);
        assertClose(input.found, data, { ...CLOSE, label });
      }
    });
    await fc.assert(property, { seed: 51, numRuns: 8 });
  });
}

const all = (length: number) => Array.from({ length }, (_, token) => token);
const inf = { globalSize: 3, block: 3, representatives: 2, blocks: 2, local: 6 };
const infOwn = { block: 3, representatives: 2, blocks: 2, local: 6 };
check(
  "infllm",
  { own: infOwn },
  "token_relevance, block_representatives, score_blocks, mark_blocks",
  ({ allQueries: queries, keys }, { rows }) => ({
    lists: [infLlmTokens({ queries, keys, rows }, inf)],
    distance: reRopeDistance(6),
  }),
);
check("infllm", { own: { ...infOwn, far: "compact" } }, "the same", ({ allQueries: queries, keys }, { rows }) => ({
  lists: [infLlmTokens({ queries, keys, rows }, inf)],
}));
check("token-select", { own: { tokens: 5 } }, "attention_mass", ({ allQueries: queries, keys }, { rows }) => ({
  lists: [tokenSelectTokens({ queries, keys, rows }, { globalSize: 3, window: 10, tokens: 5 })],
}));
for (const similarity of [-1, 0, 0.2, 2]) {
  // Random queries have cosines around 0: about half of the steps, a few, all or none go on with the last selection.
  const knobs = { globalSize: 3, window: 10, tokens: 5, similarity };
  let oracle: ReferenceTokenSelect;
  check("token-select", { own: { tokens: 5, similarity } }, "its cache", ({ allQueries: queries, keys }, { rows }) => {
    if (keys.shape[1] === rows) oracle = new ReferenceTokenSelect(knobs);
    return { lists: [oracle.step({ queries, keys, rows })] };
  });
}
check(
  "quest",
  { own: { page: 3, pages: 3, full: 0 } },
  "block_bounds",
  ({ allQueries, keys }, { rows, headSize, decodes }) => {
    const [heads, length] = keys.shape;
    const turned = [allQueries, keys].map((x) => rotatedByPlace(x, frequenciesOf(headSize)));
    const lists = decodes && Math.floor((length - rows) / 3) > 3
      ? questTokens({ queries: turned[0], keys: turned[1], rows }, { page: 3, pages: 3 })
      : Array.from({ length: heads }, () => all(length));
    return { lists, distance: (m, n) => m - n };
  },
);
check("quest-compact", { own: { page: 4, pages: 2 } }, "block_bounds", ({ allQueries: queries, keys }, { rows }) => {
  const [heads, length] = keys.shape;
  if (Math.floor((length - rows) / 4) <= 2) return { lists: Array.from({ length: heads }, () => all(length)) };
  return { lists: questTokens({ queries, keys, rows }, { page: 4, pages: 2 }) };
});
check("long-heads", { own: { chunk: 4, picked: 2 } }, "chunk_features, chunk_keys", (input, { rows, headSize }) => {
  const { allQueries: queries, keys, values } = input;
  const frequencies = frequenciesOf(headSize);
  return { lists: longHeadsTokens({ queries, keys, values, rows, frequencies }, { chunk: 4, picked: 2 }) };
});

for (const positions of ["original", "compact"] as const) {
  const suffix = positions === "compact" ? "-compact" : "";
  const evictions = [
    { name: `h2o${suffix}`, own: { heavy: 5, recent: 4 }, knobs: { method: "h2o", heavy: 5, recent: 4 } },
    {
      name: `snapkv${suffix}`,
      own: { capacity: 11, observed: 4, kernel: 3 },
      knobs: { method: "snapkv", heavy: 7, recent: 4, kernel: 3, chunk: 8 },
    },
  ] as const;
  for (const { name, own, knobs } of evictions) {
    gpuTest(
      `${name} evicts as its paper defines it: pool_weights, mark_heaviest, keep_marked, raise`,
      async (device) => {
        const property = fc.asyncProperty(shapes, async ({ keyValueHeads, group, headSize, steps, seed }) => {
          const shape = { layers: 1, queryHeads: group * keyValueHeads, keyValueHeads, headSize };
          const method = createMethod(name as MethodName, resolveKnobs({ ...small, own }), shape);
          using layer = new PairLayer(device, shape, method, seed, 5);
          const oracle = new ReferenceEviction({ ...knobs, positions, frequencies: frequenciesOf(headSize) });
          for (const [step, rows] of steps.entries()) {
            const { allQueries: queries, keys, values, found } = await layer.step(rows);
            const phase = rows === 1 ? "decode" : "prefill";
            const { data, lists } = oracle.step({ queries, keys, values, rows, phase });
            const label = `step ${step}, ${keys.shape[1]} tokens`;
            const { layers: [{ groups }] } = (await layer.layer.readTrace()).at(-1)!;
            assertEquals(groups.map(({ indices }) => [...indices]), lists, label);
            assertClose(found, data, { ...CLOSE, label });
          }
        });
        await fc.assert(property, { seed: 61, numRuns: 8 });
      },
    );
  }
}

const SHAPE = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 8, trainedContext: 64 };
const STEPS = [4, 8, 8, 5, 1, 8, 1, 1];

async function outputs(device: Device, name: MethodName, changes: Partial<Knobs>): Promise<Float32Array[]> {
  const method = createMethod(name, resolveKnobs({ ...small, ...changes }), SHAPE);
  using layer = new PairLayer(device, SHAPE, method, 9);
  const found: Float32Array[] = [];
  for (const rows of STEPS) found.push((await layer.step(rows)).found);
  return found;
}

gpuTest("in their limits selecting and evicting methods are one another", async (device) => {
  const pairs: [MethodName, Partial<Knobs>, MethodName, Partial<Knobs>][] = [
    // All blocks recalled: nothing is chosen, only counted differently.
    ["infllm", { own: { block: 2, blocks: 256, local: 6 } }, "rerope", { own: { near: 6 } }],
    ["infllm", { own: { block: 2, blocks: 256, local: 6, far: "compact" } }, "full", {}],
    // All tokens of the middle picked: ReAttention's attend step on the same selection.
    ["infllm", { own: { block: 2, blocks: 256, local: 6, far: "compact" } }, "reattention", { k: 60, recallClip: -1 }],
    ["token-select", { own: { tokens: 256 } }, "full", {}],
    // Random queries are less alike than the usual 0.9: nothing is reused.
    ["token-select", { own: { tokens: 5 } }, "token-select", { own: { tokens: 5, similarity: 2 } }],
    ["quest", { own: { pages: 256, full: 0 } }, "full", {}],
    ["quest", { own: { page: 2, pages: 1, full: 1 } }, "full", {}],
    ["quest-compact", { own: { pages: 256 } }, "full", {}],
    ["long-heads", { own: { chunk: 2, picked: 256 } }, "full", {}],
    ["h2o", { own: { heavy: 100, recent: 1 } }, "full", {}],
    ["h2o-compact", { own: { heavy: 100, recent: 1 } }, "full", {}],
    ["h2o-compact", { own: { heavy: 0, recent: 100 } }, "full", {}],
    ["snapkv", { own: { capacity: 100 } }, "full", {}],
    ["snapkv-compact", { own: { capacity: 100 } }, "full", {}],
    ["random", { recallClip: 60 }, "full", {}],
    ["oracle", { own: { spans: [[0, 100]] } }, "full", {}],
    ["oracle", {}, "streaming", {}],
  ];
  for (const [left, leftKnobs, right, rightKnobs] of pairs) {
    const [found, expected] = [await outputs(device, left, leftKnobs), await outputs(device, right, rightKnobs)];
    found.forEach((output, step) =>
      assertClose(output, expected[step], {
        ...CLOSE,
        label: `${left} ${JSON.stringify(leftKnobs)} and ${right}, step ${step}`,
      })
    );
  }
});

gpuTest(
  "random draws as many spans as it may, others for each seed; oracle attends to what it is told",
  async (device) => {
    const seen = async (name: MethodName, own: Record<string, unknown>) => {
      const method = createMethod(name, resolveKnobs({ ...small, own }), SHAPE);
      using layer = new PairLayer(device, SHAPE, method, 3);
      for (let i = 0; i < 6; i++) await layer.step(8);
      if (method instanceof OracleSpans) method.attendTo([[1, 5], [20, 22], [40, 99]]);
      await layer.step(1);
      const [group] = (await layer.layer.readTrace()).at(-1)!.layers[0].groups;
      return [...group.indices];
    };
    const [one, same, other] = [
      await seen("random", {}),
      await seen("random", { seed: 1 }),
      await seen("random", { seed: 2 }),
    ];
    assertEquals(one, same);
    assertNotEquals(one, other);
    assertEquals(one.length, 3 + 3 * 2 + 10);
    assertEquals(await seen("oracle", {}), [0, 1, 2, 3, 4, 20, 21, ...all(10).map((place) => 39 + place)]);
  },
);
