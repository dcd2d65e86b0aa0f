import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createMethod, type Knobs, type MethodName, resolveKnobs } from "../../../lib/attention/mod.ts";
import {
  attendPairs,
  type Distance,
  dualChunkDistance,
  lmInfiniteDistance,
  ntkFrequencies,
  reRopeDistance,
  selfExtendDistance,
  slidingDistance,
  yarnFrequencies,
  yarnSharpness,
} from "../../../lib/reference/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { PairLayer } from "../pair_layer.ts";

// f32 sums of some dozen terms of size 1, and angles rounded to f32, against f64.
const CLOSE = { absolute: 5e-5, relative: 0 };
const BASE = 10000;
const plain = (m: number, n: number) => m - n;
const frequenciesOf = (size: number) => ntkFrequencies(size, BASE, 1);

/** What the oracle needs to know of a method, from its paper's definition. */
interface Oracle {
  distance?: Distance;
  frequencies?: (size: number, length: number) => readonly number[];
  sharpness?: number;
}

const small = { globalSize: 3, window: 9, chunkSize: 8, allowBeyondTrained: true };
const TRAINED = 20;

/** Each method with knobs small enough to tell near from far within some dozen tokens. */
const cases: readonly [MethodName, Partial<Knobs>, Oracle][] = [
  ["full", {}, {}],
  ["window", {}, { distance: slidingDistance(9) }],
  ["lm-infinite", {}, { distance: lmInfiniteDistance(3, 9) }],
  ["linear", { own: { factor: 3 } }, { frequencies: (size) => frequenciesOf(size).map((value) => value / 3) }],
  ["ntk", {}, { frequencies: (size, length) => ntkFrequencies(size, BASE, length / TRAINED) }],
  ["yarn", { own: { factor: 4, beta: 2, alpha: 0.1 } }, {
    frequencies: (size) => yarnFrequencies(frequenciesOf(size), { factor: 4, alpha: 0.1, beta: 2, trained: TRAINED }),
    sharpness: yarnSharpness(4),
  }],
  ["self-extend", { own: { group: 3, neighbors: 7 } }, { distance: selfExtendDistance(3, 7) }],
  ["rerope", { own: { near: 6 } }, { distance: reRopeDistance(6) }],
  ["leaky-rerope", { own: { near: 6, leak: 4 } }, { distance: reRopeDistance(6, 4) }],
  ["dual-chunk", { own: { chunk: 7, trained: 10 } }, { distance: dualChunkDistance(7, 10) }],
];

const shapes = fc.record({
  keyValueHeads: fc.constantFrom(1, 2, 3),
  group: fc.constantFrom(1, 2, 3),
  headSize: fc.constantFrom(2, 6, 16),
  steps: fc.array(fc.constantFrom(1, 2, 5, 8), { minLength: 3, maxLength: 9 }),
  seed: fc.nat(1_000_000),
});

for (const [name, changes, oracle] of cases) {
  gpuTest(`${name} attends as its paper defines it, over random shapes and steps`, async (device) => {
    const property = fc.asyncProperty(shapes, async ({ keyValueHeads, group, headSize, steps, seed }) => {
      const shape = { layers: 1, queryHeads: group * keyValueHeads, keyValueHeads, headSize, trainedContext: TRAINED };
      const method = createMethod(name, resolveKnobs({ ...small, ...changes }), shape);
      using layer = new PairLayer(device, shape, method, seed, 5);
      for (const [step, rows] of [4, ...steps].entries()) {
        const { found, ...input } = await layer.step(rows);
        const length = input.keys.shape[1];
        const { data, weights } = attendPairs({
          ...input,
          distance: oracle.distance ?? plain,
          frequencies: (oracle.frequencies ?? frequenciesOf)(headSize, length),
          sharpness: oracle.sharpness,
        });
        assertClose(found, data, { ...CLOSE, label: `step ${step}, ${length} tokens` });
        const { layers: [{ groups: [{ indices }] }] } = (await layer.layer.readTrace()).at(-1)!;
        const seen = weights.flat().map((row) => [...row.keys()].filter((n) => row[n] > 0));
        assertEquals(
          [...indices],
          [...new Set(seen.flat())].sort((a, b) => a - b),
          `step ${step}: tokens in the trace`,
        );
      }
    });
    await fc.assert(property, { seed: 41, numRuns: 6 });
  });
}

const SHAPE = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 8, trainedContext: 64 };

/** Outputs of both methods for the same tokens. */
async function assertSame(
  device: Parameters<Parameters<typeof gpuTest>[1]>[0],
  left: [MethodName, Partial<Knobs>],
  right: [MethodName, Partial<Knobs>],
): Promise<void> {
  const layers = [left, right].map(([name, knobs]) =>
    new PairLayer(device, SHAPE, createMethod(name, resolveKnobs({ ...small, ...knobs }), SHAPE), 7)
  );
  for (const rows of [6, 8, 1, 5, 8, 1]) {
    const [one, other] = [await layers[0].step(rows), await layers[1].step(rows)];
    assertClose(one.found, other.found, { ...CLOSE, label: `${left[0]} and ${right[0]}` });
  }
  for (const layer of layers) layer[Symbol.dispose]();
}

gpuTest(
  "in their limits the methods are full attention: relative_attention, and relative_position by each rule",
  async (device) => {
    const full: [MethodName, Partial<Knobs>] = ["full", {}];
    const limits: [MethodName, Partial<Knobs>][] = [
      ["window", { window: 29 }],
      ["lm-infinite", { window: 29 }],
      ["linear", { own: { factor: 1 } }],
      ["ntk", {}],
      ["yarn", { own: { factor: 1 } }],
      ["self-extend", { own: { group: 1, neighbors: 4 } }],
      ["self-extend", { own: { group: 4, neighbors: 29 } }],
      ["rerope", { own: { near: 29 } }],
      ["leaky-rerope", { own: { near: 5, leak: 1 } }],
      ["dual-chunk", { own: { chunk: 29, trained: 30 } }],
    ];
    for (const limit of limits) await assertSame(device, limit, full);
    // Leading tokens only: LM-Infinite without any is a sliding window.
    await assertSame(device, ["lm-infinite", { globalSize: 0 }], ["window", {}]);
  },
);

Deno.test("methods name the knobs of their own that are wrong", () => {
  const make = (name: MethodName, own: Record<string, unknown>) => createMethod(name, resolveKnobs({ own }), SHAPE);
  const faults: [MethodName, Record<string, unknown>, string][] = [
    ["full", { factor: 2 }, 'method "full": there is no knob factor of its own; it has none'],
    ["linear", { factor: 0.5 }, 'method "linear": factor 0.5: must be at least 1'],
    ["linear", { scale: 2 }, "there is no knob scale of its own; its knobs are factor"],
    ["self-extend", { group: 1.5 }, "group 1.5: must be a whole number"],
    ["yarn", { beta: 1 }, "beta 1 must be more than alpha (1)"],
    ["dual-chunk", { chunk: 64 }, "chunk 64 must be less than trained (64)"],
  ];
  for (const [name, own, message] of faults) assertThrows(() => make(name, own), RangeError, message);
});
