import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  AttentionProbe,
  createMethod,
  defineScorer,
  entropyOf,
  headRecall,
  type InsideStep,
  type Knobs,
  readInside,
  resolveKnobs,
  type Scoring,
  scorings,
} from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import {
  type AttendedTokens,
  attendedWeights,
  completeKnobs,
  type Dense,
  dense,
  middleLayout,
  ReferenceLayer,
  rotaryFrequencies,
  scoreTokens,
  slice,
  topK,
} from "../../../lib/reference/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest, gpuTestWith } from "../../gpu_test_device.ts";
import { normals, swapAxes, TestLayer } from "../layer.ts";

interface Case {
  method: "full" | "streaming" | "reattention";
  headSize: number;
  heads: [number, number];
  scoring: Scoring;
  positions: "compact" | "original";
  share: "layer" | "kvHead";
  first: number;
  rows: number;
  seed: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  method: fc.constantFrom("full", "streaming", "reattention", "reattention", "reattention"),
  headSize: fc.constantFrom(2, 10, 16),
  heads: fc.constantFrom<[number, number]>([1, 1], [2, 2], [6, 2]),
  scoring: fc.constantFrom(...scorings),
  positions: fc.constantFrom("compact", "original"),
  share: fc.constantFrom("layer", "kvHead"),
  first: fc.integer({ min: 40, max: 300 }),
  rows: fc.constantFrom(1, 7),
  seed: fc.nat(1e6),
});

const OUTER = { globalSize: 3, window: 12, chunkSize: 8, spanSize: 2, k: 5, recallClip: 9 };

/** Everything cached so far, head by head, as the oracle wants it. */
interface Seen {
  keys: Float32Array;
  values: Float32Array;
}

/** Runs a first call and a step, and looks into the step; the oracle's view of the same step comes along. */
async function look(
  device: Device,
  input: Case,
  knobs: Partial<Knobs>,
  watch: number[],
  bins?: number,
  rowsOf?: number[],
) {
  const { headSize, heads: [queryHeads, keyValueHeads], first, rows, seed } = input;
  const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
  const wanted = rowsOf ?? (rows === 1 ? [0] : [1, rows - 1]);
  using probe = new AttentionProbe(device, [0], wanted.map((row) => first + row));
  const method = createMethod(input.method, resolveKnobs(knobs), shape);
  using layer = new TestLayer(device, shape, method, { pageTokens: 32, probe });
  const oracle = new ReferenceLayer({
    ...{ queryHeads, keyValueHeads, headSize, method: input.method },
    knobs: completeKnobs({ ...knobs, scoring: input.scoring }),
  });
  const numbers = (heads: number, part: number) => normals(seed + part, (first + rows) * heads * headSize);
  const all = [numbers(queryHeads, 0), numbers(keyValueHeads, 1), numbers(keyValueHeads, 2)];
  const part = (index: number, heads: number, from: number, count: number) => {
    return all[index].slice(from * heads * headSize, (from + count) * heads * headSize);
  };
  // Sinks and window take no step longer than the window, not even as the first call.
  const piece = input.method === "streaming" ? 8 : first;
  for (let from = 0; from <= first;) {
    const count = from === first ? rows : Math.min(piece, first - from);
    const [queries, keys, values] = [queryHeads, keyValueHeads, keyValueHeads].map((heads, index) => {
      return part(index, heads, from, count);
    });
    await layer.run({ rows: count, queries, keys, values });
    const expected = oracle.step({
      queries: swapAxes(queries, count, queryHeads, headSize),
      keys: swapAxes(keys, count, keyValueHeads, headSize),
      values: swapAxes(values, count, keyValueHeads, headSize),
    });
    from += count;
    if (from <= first) continue;
    const inside = await readInside(layer.cache, probe, { scores: true, watch, bins });
    const length = first + rows;
    const whole = (index: number) => swapAxes(all[index], length, keyValueHeads, headSize);
    const seen: Seen = { keys: whole(1), values: whole(2) };
    const asked = swapAxes(queries, count, queryHeads, headSize);
    return { inside, expected, wanted, seen, asked, length, keys, values };
  }
  throw new Error("no step");
}

// Weights are f32 softmaxes of f32 sums of up to 16 terms of size 1; only roundings differ.
const CLOSE = { absolute: 2e-6, relative: 2e-5 };

gpuTest(
  "readInside gives the oracle's attention, entropy, ranks and scores, before and after selection",
  async (device) => {
    let selected = 0;
    const property = fc.asyncProperty(cases, async (input) => {
      const { headSize, heads: [queryHeads, keyValueHeads], rows, scoring, positions, share } = input;
      const knobs: Partial<Knobs> = { ...OUTER, scoring, positions, share };
      const watch = [1, 10, 20];
      const { inside, expected, wanted, seen, asked, length, keys, values } = await look(device, input, knobs, watch);
      const label = JSON.stringify(input);
      const frequencies = rotaryFrequencies(headSize);
      const context = {
        queries: dense(asked, [queryHeads, rows, headSize]),
        keys: dense(seen.keys, [keyValueHeads, length, headSize]),
        values: dense(seen.values, [keyValueHeads, length, headSize]),
        frequencies,
      };
      const tokens = Uint32Array.from({ length }, (_, token) => token);
      const everything: AttendedTokens[] = [{ indices: tokens, positions: tokens }];
      const after = attendedWeights({ ...context, groups: expected.groups });
      const before = attendedWeights({ ...context, groups: everything });
      assertEquals(inside.kind, expected.mode, label);
      const [layer] = inside.layers;
      assertEquals(layer.heads.length, queryHeads);
      for (const head of layer.heads) {
        const group =
          expected.groups[expected.groups.length > 1 ? Math.floor(head.head / (queryHeads / keyValueHeads)) : 0];
        assertEquals([...head.after.positions], [...group.indices], label);
        assertEquals([...head.after.positionIds], [...group.positions], label);
        assertEquals([...head.after.queries], wanted.map((row) => length - rows + row), label);
        assertEquals(
          [...head.after.queryPositionIds],
          wanted.map((row) => group.positions[group.positions.length - rows + row]),
          label,
        );
        for (const [found, all] of [[head.after, after], [head.before!, before]] as const) {
          const own = all[head.head];
          wanted.forEach((row, index) => {
            const right = own.data.slice(row * own.shape[1], (row + 1) * own.shape[1]);
            assertClose(found.weights.slice(index * own.shape[1], (index + 1) * own.shape[1]), right, {
              ...CLOSE,
              label,
            });
            const nats = entropyOf(right);
            assertClose([found.entropy[index]], [nats], { absolute: 2e-5, label: `entropy ${label}` });
            const seenTokens = right.filter((_, place) => found.positions[place] <= found.queries[index]).length;
            assertEquals(found.attended[index], seenTokens);
            assertClose([found.normalizedEntropy[index]], [nats / Math.log(seenTokens)], { absolute: 2e-5, label });
          });
        }
        checkScores(head.scores!, { context, head: head.head, wanted, length, frequencies, label });
      }
      if (inside.kind !== "select") return assertEquals(layer.votes, []);
      selected++;
      const { middleStart, middleLength } = middleLayout(length, completeKnobs(OUTER));
      const middle = (x: Dense) => slice(x, [0, middleStart, 0], [keyValueHeads, middleLength, headSize]);
      const scores = scoreTokens({
        scoring,
        queries: context.queries,
        newKeys: dense(swapAxes(keys, rows, keyValueHeads, headSize), [keyValueHeads, rows, headSize]),
        newValues: dense(swapAxes(values, rows, keyValueHeads, headSize), [keyValueHeads, rows, headSize]),
        keys: middle(context.keys),
        values: middle(context.values),
        ...{ start: middleStart, length, frequencies },
      });
      assertEquals(layer.votes.length, scores.shape[0], label);
      for (const { head, picks, ranks, watched } of layer.votes) {
        assertEquals([...watched], [10, 20]);
        wanted.forEach((row, index) => {
          const own = slice(scores, [head, row, 0], [1, 1, middleLength]);
          const best = topK(dense(own.data, [middleLength]), Math.min(5, middleLength));
          assertEquals([...picks[index].tokens], [...best.indices.data].map((token) => token + middleStart), label);
          assertClose(picks[index].scores, best.values.data, { absolute: 1e-4, relative: 1e-5, label });
          const order = [...topK(dense(own.data, [middleLength]), middleLength).indices.data];
          assertEquals([...ranks[index]], [10, 20].map((token) => order.indexOf(token - middleStart)), label);
        });
      }
    });
    await fc.assert(property, { seed: 31, numRuns: 24 });
    assert(selected >= 8, `${selected} selecting steps`);
  },
);

interface ScoreCheck {
  context: { queries: Dense; keys: Dense };
  head: number;
  wanted: readonly number[];
  length: number;
  frequencies: Float32Array;
  label: string;
}

function checkScores(
  { agnostic, rotated, queries }: NonNullable<InsideStep["layers"][0]["heads"][0]["scores"]>,
  { context: { queries: asked, keys }, head, wanted, length, frequencies, label }: ScoreCheck,
): void {
  for (const [found, scoring] of [[agnostic, "qk"], [rotated, "qk_pe"]] as const) {
    const scores = scoreTokens({
      ...{ scoring, queries: asked, newKeys: keys, newValues: keys, keys, values: keys },
      ...{ start: 0, length, frequencies },
    });
    const rows = asked.shape[1];
    wanted.forEach((row, index) => {
      const right = scores.data.slice((head * rows + row) * length, (head * rows + row + 1) * length);
      const own = found.slice(index * length, (index + 1) * length);
      const end = queries[index] + 1;
      assertClose(own.slice(0, end), right.slice(0, end), {
        absolute: 1e-5,
        relative: 1e-5,
        label: `${scoring} ${label}`,
      });
      assert(own.slice(end).every(Number.isNaN), label);
    });
  }
}

gpuTest("readInside bins long rows, sums kept and entropy unchanged (kernel query_scores)", async (device) => {
  const input: Case = {
    ...{ method: "reattention", headSize: 16, heads: [2, 1], scoring: "qk", positions: "compact", share: "layer" },
    ...{ first: 300, rows: 7, seed: 5 },
  };
  const exact = (await look(device, input, OUTER, [])).inside.layers[0].heads[1];
  const binned = (await look(device, input, OUTER, [], 50)).inside.layers[0].heads[1];
  const [fine, coarse] = [exact.before!, binned.before!];
  assertEquals([fine.binTokens, coarse.binTokens], [1, 7]);
  assertEquals([...coarse.positions.slice(0, 3)], [0, 7, 14]);
  assertEquals(coarse.entropy, fine.entropy);
  const sums = new Float64Array(2 * coarse.positions.length);
  fine.weights.forEach((weight, place) => {
    const [row, token] = [Math.floor(place / 307), place % 307];
    sums[row * coarse.positions.length + Math.floor(token / 7)] += weight;
  });
  assertClose(coarse.weights, sums, { absolute: 1e-6 });
  // After selection there are few enough.
  assertEquals(binned.after.weights, exact.after.weights);
});

// 16,384 scores a binding: sixteen queries with 2,052 tokens take three of them.
gpuTestWith(
  { bindingBytes: 2 ** 16 },
  "readInside scores long contexts part by part, and pages in several buffers",
  async (device) => {
    const input: Case = {
      ...{ method: "reattention", headSize: 4, heads: [2, 2], scoring: "qk", positions: "compact", share: "layer" },
      ...{ first: 2044, rows: 8, seed: 7 },
    };
    const { inside, seen, asked, length } = await look(device, input, OUTER, [], undefined, [0, 1, 2, 3, 4, 5, 6, 7]);
    const tokens = Uint32Array.from({ length }, (_, token) => token);
    const before = attendedWeights({
      queries: dense(asked, [2, 8, 4]),
      keys: dense(seen.keys, [2, length, 4]),
      values: dense(seen.values, [2, length, 4]),
      groups: [{ indices: tokens, positions: tokens }],
      frequencies: rotaryFrequencies(4),
    });
    inside.layers[0].heads.forEach((head, index) => assertClose(head.before!.weights, before[index].data, CLOSE));
  },
);

gpuTest("readInside ranks by a scorer of one's own, in both forms, as by the built-in one", async (device) => {
  const input: Case = {
    ...{ method: "reattention", headSize: 16, heads: [4, 2], scoring: "qk", positions: "compact", share: "layer" },
    ...{ first: 200, rows: 1, seed: 6 },
  };
  const votes = async (scoring: Knobs["scoring"]) => {
    return (await look(device, input, { ...OUTER, scoring }, [50, 60])).inside.layers[0].votes;
  };
  const usual = await votes("qk");
  const wgsl = `fn score(at: At) -> f32 {
    var sum = vec4<f32>();
    for (var c = 0u; c < D4; c++) { sum = fma(query(c), key(c), sum); }
    return (sum.x + sum.y) + (sum.z + sum.w);
  }`;
  assertEquals(await votes(defineScorer("inside-wgsl", { wgsl })), usual);
  assertEquals(await votes(defineScorer("inside-typescript", { score: (scores) => scores })), usual);
  const negated = await votes(defineScorer("inside-negated", { score: (scores) => scores.map((score) => -score) }));
  assertEquals([...negated[0].ranks[0]], [...usual[0].ranks[0]].map((rank) => usual[0].middleLength - 1 - rank));
});

Deno.test("headRecall counts watched tokens among the k best, with the chance of it", () => {
  const votes = {
    ...{ layer: 2, head: 3, queries: new Uint32Array([80, 81]), middleStart: 4, middleLength: 40, picks: [] },
    watched: new Uint32Array([20, 21]),
    ranks: [new Uint32Array([0, 3]), new Uint32Array([9, 1])],
  };
  const nothing = { ...votes, watched: new Uint32Array(), ranks: [new Uint32Array(), new Uint32Array()] };
  assertEquals(headRecall([votes, nothing], [1, 4, 64]), [
    { layer: 2, head: 3, k: 1, recall: 0.25, chance: 1 / 40 },
    { layer: 2, head: 3, k: 4, recall: 0.75, chance: 4 / 40 },
    { layer: 2, head: 3, k: 64, recall: 1, chance: 1 },
  ]);
});
