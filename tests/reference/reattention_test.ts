import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  concat,
  dense,
  type DenseFloats,
  middleLayout,
  type ReferenceKnobs,
  ReferenceLayer,
  type ReferenceLayerOptions,
  type ReferenceStepResult,
  slice,
} from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";
import { randomDense } from "./random.ts";

/** A sequence's queries, keys and values, [heads, tokens, d] each. */
interface Sequence {
  queries: DenseFloats;
  keys: DenseFloats;
  values: DenseFloats;
}

const shape = { queryHeads: 4, keyValueHeads: 2, headSize: 6 };

function randomSequence(seed: number, tokens: number, { queryHeads, keyValueHeads, headSize } = shape): Sequence {
  return {
    queries: randomDense(seed, [queryHeads, tokens, headSize]),
    keys: randomDense(seed + 1, [keyValueHeads, tokens, headSize]),
    values: randomDense(seed + 2, [keyValueHeads, tokens, headSize]),
  };
}

/** Tokens `start` up to `end` of every head. */
function part(x: DenseFloats, start: number, end: number): Float32Array<ArrayBuffer> {
  return slice(x, [0, start, 0], [x.shape[0], end - start, x.shape[2]]).data;
}

/** Feeds a sequence in steps of the given lengths. */
function run(
  sequence: Sequence,
  lengths: readonly number[],
  options: Partial<ReferenceLayerOptions> & { questionStart?: number } = {},
): ReferenceStepResult[] {
  const layer = new ReferenceLayer({ ...shape, ...options });
  return lengths.map((rows) => {
    const start = layer.length;
    return layer.step({
      queries: part(sequence.queries, start, start + rows),
      keys: part(sequence.keys, start, start + rows),
      values: part(sequence.values, start, start + rows),
      questionStart: options.questionStart,
    });
  });
}

/** A first call, then steps of at most `chunk` tokens, then two single ones. */
function cut(tokens: number, first: number, chunk: number): number[] {
  const lengths = [first];
  for (let done = first; done < tokens - 2; done += chunk) lengths.push(Math.min(chunk, tokens - 2 - done));
  return [...lengths, 1, 1];
}

const small: Partial<ReferenceKnobs> = { globalSize: 3, window: 12, k: 2, spanSize: 3, recallClip: 4, chunkSize: 5 };
const chunk = fc.integer({ min: 1, max: 5 });
const numRuns = 15;

function outputs(results: readonly ReferenceStepResult[], lengths: readonly number[]): DenseFloats {
  return concat(results.map(({ out }, i) => dense(out, [shape.queryHeads, lengths[i], shape.headSize])), 1);
}

Deno.test("ReferenceLayer that picks the whole middle equals full attention, at any chunk size and in both modes", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      chunk,
      fc.constantFrom("compact", "original"),
      fc.constantFrom(0, 6),
      (seed, size, positions, align) => {
        const sequence = randomSequence(seed, 40);
        const lengths = cut(40, 9, size);
        const knobs = { ...small, positions, align, k: 40, recallClip: -1 } as const;
        const results = run(sequence, lengths, { knobs });
        assertEquals(results.at(-1)!.mode, "select");
        const whole = run(sequence, [40], { method: "full" })[0];
        // Two f64 sums of the same terms, but for f32 angles: rounding of the outputs alone.
        assertClose(outputs(results, lengths).data, whole.out, { absolute: 1e-6 });
      },
    ),
    { seed: 21, numRuns },
  );
});

Deno.test("ReferenceLayer with clip 0 is sinks and window of the shortened length", () => {
  fc.assert(
    fc.property(fc.nat(), chunk, fc.constantFrom(0, 4, 7), (seed, size, align) => {
      const sequence = randomSequence(seed, 45);
      const lengths = cut(45, 10, size);
      const results = run(sequence, lengths, { knobs: { ...small, recallClip: 0, align } });
      let length = 0;
      results.forEach((result, step) => {
        length += lengths[step];
        if (result.mode !== "select") return;
        const { windowLength } = middleLayout(length, { globalSize: 3, window: 12, align });
        // The same tokens through the streaming method, whose window is that long in this step.
        const streaming = run(sequence, [length - lengths[step], lengths[step]], {
          knobs: { ...small, k: 0, window: windowLength },
        })[1];
        assertEquals(streaming.mode, "window");
        assertEquals(result.indices, streaming.indices);
        assertEquals(result.out, streaming.out);
      });
      assertEquals(results.at(-1)!.mode, "select");
    }),
    { seed: 22, numRuns },
  );
});

Deno.test("ReferenceLayer streams as ReAttention with k 0 does", () => {
  const sequence = randomSequence(5, 40);
  const lengths = cut(40, 12, 5);
  for (const positions of ["compact", "original"] as const) {
    const streaming = run(sequence, lengths, { method: "streaming", knobs: { ...small, positions } });
    assertEquals(streaming, run(sequence, lengths, { knobs: { ...small, positions, k: 0 } }));
    const { indices, positions: places } = streaming.at(-1)!;
    assertEquals([...indices], [0, 1, 2, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
    assertEquals([...places], positions === "compact" ? [...indices.keys()] : [...indices]);
  }
});

Deno.test("ReferenceLayer stays within global + clip * span + window, in rising lists that end with its own tokens", () => {
  fc.assert(
    fc.property(fc.nat(), chunk, fc.constantFrom<ReferenceKnobs["share"]>("layer", "kvHead"), (seed, size, share) => {
      const lengths = cut(60, 10, size);
      const results = run(randomSequence(seed, 60), lengths, { knobs: { ...small, share } });
      let length = 0;
      results.forEach(({ scope, groups }, step) => {
        length += lengths[step];
        assert(scope <= 3 + 4 * 3 + 12, `scope ${scope}`);
        assertEquals(scope, Math.max(...groups.map(({ indices }) => indices.length)));
        for (const { indices, centers, votes } of groups) {
          assert(indices.every((index, i) => i === 0 || index > indices[i - 1]));
          assertEquals(indices.at(-1), length - 1);
          assert(centers.every((center) => indices.includes(center)));
          assert(votes.length === centers.length && centers.length <= 4);
        }
      });
    }),
    { seed: 23, numRuns },
  );
});

Deno.test("ReferenceLayer with repeated KV heads equals grouped heads", () => {
  const sequence = randomSequence(9, 50);
  const repeated = (x: DenseFloats) => {
    const heads = [0, 0, 1, 1].map((head) => slice(x, [head, 0, 0], [1, 50, 6]));
    return concat(heads, 0);
  };
  const lengths = cut(50, 10, 5);
  const knobs = { ...small, scoring: "qkv" } as const;
  const many = { ...sequence, keys: repeated(sequence.keys), values: repeated(sequence.values) };
  assertEquals(run(many, lengths, { knobs, keyValueHeads: 4 }), run(sequence, lengths, { knobs }));
});

Deno.test("ReferenceLayer sharing by KV head runs each KV head as a layer of its own", () => {
  const sequence = randomSequence(11, 50);
  const lengths = cut(50, 10, 5);
  const results = run(sequence, lengths, { knobs: { ...small, share: "kvHead" } });
  let different = 0;
  for (const keyHead of [0, 1]) {
    const own = (x: DenseFloats, heads: number) => slice(x, [keyHead * heads, 0, 0], [heads, 50, 6]);
    const alone = { queries: own(sequence.queries, 2), keys: own(sequence.keys, 1), values: own(sequence.values, 1) };
    const single = run(alone, lengths, { queryHeads: 2, keyValueHeads: 1, knobs: small });
    results.forEach((result, step) => {
      const { indices, positions, centers, votes } = single[step];
      const group = result.groups[result.mode === "select" ? keyHead : 0];
      assertEquals(group, { indices, positions, centers, votes });
      const size = single[step].out.length;
      assertEquals(result.out.slice(keyHead * size, (keyHead + 1) * size), single[step].out);
      if (result.mode === "select" && result.groups[0].indices.join() !== result.groups[1].indices.join()) different++;
    });
  }
  assertGreater(different, 0);
});

Deno.test("ReferenceLayer reads with window alone up to the question, then selects from the same cache", () => {
  const sequence = randomSequence(13, 50);
  const lengths = [5, 5, 5, 5, 5, 5, 5, 5, 5, 3, 1, 1];
  const options = { knobs: { ...small, prefill: "window" }, questionStart: 45 } as const;
  const results = run(sequence, lengths, options);
  const streaming = run(sequence, lengths, { method: "streaming", knobs: small });
  const selecting = run(sequence, lengths, { knobs: small });
  assertEquals(results.slice(0, 9), streaming.slice(0, 9));
  assertEquals(results.map(({ mode }) => mode).slice(0, 4), ["full", "full", "full", "window"]);
  // The cache keeps keys before rotation, so how the context was read leaves no trace within one layer.
  assertEquals(results.slice(9), selecting.slice(9));
  assertEquals(results[9].mode, "select");
});

Deno.test("ReferenceLayer lets past queries vote while it decodes, and nowhere else", () => {
  const sequence = randomSequence(17, 40);
  const lengths = [20, 5, 5, 1, 1, 1];
  const alone = run(sequence, lengths, { knobs: small });
  const cached = run(sequence, lengths, { knobs: { ...small, queryCacheLength: 4 } });
  assertEquals(cached.slice(0, 3), alone.slice(0, 3));
  const votes = (result: ReferenceStepResult) => result.votes.reduce((sum, count) => sum + count, 0);
  const unclipped = (queryCacheLength: number) =>
    run(sequence, lengths, { knobs: { ...small, recallClip: -1, queryCacheLength } }).slice(3).map(votes);
  // Four heads with k 2 each: 8 votes a query.
  assertEquals(unclipped(0), [8, 8, 8]);
  assertEquals(unclipped(1), [8, 8, 8]);
  assertEquals(unclipped(4), [32, 32, 32]);
  // Only 31 to 33 queries have been seen so far.
  assertEquals(unclipped(33), [31 * 8, 32 * 8, 33 * 8]);
});

Deno.test("ReferenceLayer takes a phase that is not the default", () => {
  const sequence = randomSequence(19, 20);
  const step = (phase?: "prefill" | "decode") => {
    const layer = new ReferenceLayer({ ...shape, knobs: { ...small, recall: "generate" } });
    const tokens = (start: number, end: number) => ({
      queries: part(sequence.queries, start, end),
      keys: part(sequence.keys, start, end),
      values: part(sequence.values, start, end),
    });
    layer.step(tokens(0, 19));
    return layer.step({ ...tokens(19, 20), phase }).mode;
  };
  assertEquals([step(), step("decode"), step("prefill")], ["select", "select", "full"]);
});

Deno.test("ReferenceLayer refuses steps and shapes that do not fit, and leaves the cache as it was", () => {
  const sequence = randomSequence(1, 40);
  assertThrows(
    () => run(sequence, [20, 13], { knobs: small }),
    RangeError,
    "a step of 13 tokens does not fit its window of 12",
  );
  assertThrows(() => run(sequence, [20], { method: "streaming", knobs: small }), RangeError, "a step of 20 tokens");
  const layer = new ReferenceLayer({ ...shape, knobs: small });
  assertThrows(
    () => layer.step({ queries: [1], keys: [1], values: [1] }),
    TypeError,
    "[4, S, 6] once and [2, S, 6] twice",
  );
  assertEquals(layer.length, 0);
  assertThrows(
    () => new ReferenceLayer({ ...shape, queryHeads: 3 }),
    RangeError,
    "3 query heads must be a multiple of 2",
  );
  assertThrows(() => new ReferenceLayer({ ...shape, headSize: 0 }), RangeError, "headSize 0");
});
