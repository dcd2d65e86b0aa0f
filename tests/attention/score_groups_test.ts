import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { appendRandom, AttentionStep, createMethod, KeyValueCache, resolveKnobs } from "../../lib/attention/mod.ts";
import { rotaryFrequencies, RotationTable } from "../../lib/attention/mod.ts";
import { selectTokens } from "../../lib/attention/selection/select.ts";
import { disposeSelection } from "../../lib/attention/step.ts";
import type { Device, Dispatch } from "../../lib/gpu/mod.ts";
import { Tensor } from "../../lib/tensor/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";

const NONE = 0xffffffff;
const LEADING = 5;
const QUESTIONS = ["prefill selection", "decode selection"];

interface Case {
  k: number;
  headSize: number;
  heads: readonly [number, number];
  tokens: number;
  rows: number;
  pageTokens: number;
  /** Tokens appended at a time: small numbers make many slabs. */
  chunk: number;
  /** Numbers are whole, from -size to size: few sizes make many ties. */
  size: number;
  seed: number;
  /** Whether pages that another cache had are among the later ones: slabs' parts of the middle then lie between each other. */
  reused?: boolean;
}

const cases = fc.record<Case>({
  k: fc.integer({ min: 1, max: 64 }),
  headSize: fc.constantFrom(4, 12, 16, 64, 80, 128),
  heads: fc.constantFrom<(readonly [number, number])[]>([1, 1], [4, 2], [6, 2]),
  tokens: fc.integer({ min: 200, max: 3500 }),
  rows: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 24, max: 70 })),
  pageTokens: fc.constantFrom(48, 64, 100, 256),
  chunk: fc.constantFrom(300, 5000),
  size: fc.constantFrom(0, 1, 40),
  seed: fc.nat(1e6),
});

/** Whole numbers, whose products f32 sums exactly in any order. */
function wholes(count: number, size: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * (2 * size + 1)) - size;
  });
}

/** What the device's kernels pick for each query of a step. */
async function picked(device: Device, each: Case, keys: Float32Array, queries: Float32Array<ArrayBuffer>) {
  const { k, headSize, heads: [queryHeads, keyValueHeads], tokens, rows, pageTokens, chunk } = each;
  const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
  const knobs = resolveKnobs({ globalSize: LEADING, window: 84, chunkSize: 80, k, allowBeyondTrained: true });
  using cache = new KeyValueCache(device, shape, { pageTokens });
  using rotation = new RotationTable(device, rotaryFrequencies(headSize, { base: 10000 }));
  using scope = Tensor.zeros(device, [1], "u32", "scope");
  const context = { cache, method: createMethod("reattention", knobs, shape), rotation, scope };
  const width = keyValueHeads * headSize;
  const other = cache.another();
  if (each.reused) other.extend(300);
  for (let done = 0; done < tokens; done += chunk) {
    const count = Math.min(chunk, tokens - done);
    if (done >= 2 * chunk) other.truncate(0);
    cache.extend(count);
    using step = new AttentionStep(context, count, { phase: "prefill", first: true });
    using part = Tensor.from(device, keys.slice(done * width, (done + count) * width), [
      1,
      count,
      keyValueHeads,
      headSize,
    ]);
    cache.store(0, part, part, step.layout);
  }
  other[Symbol.dispose]();
  using asked = Tensor.from(device, queries, [1, rows, queryHeads, headSize]);
  using step = new AttentionStep(context, rows, { phase: "prefill", first: false });
  for (const question of QUESTIONS) device.choices.pick(question, "workgroups");
  try {
    const selection = selectTokens(step, 0, asked);
    const { scores, tokens: best } = selection.top!;
    const found = { scores: await scores.read() as Float32Array, tokens: await best.read() as Uint32Array };
    disposeSelection(selection);
    return { ...found, middle: step.middleLength };
  } finally {
    for (const question of QUESTIONS) device.choices.pick(question, undefined);
  }
}

/** The k best of each query, one after the other; ties to the lower token. */
function bestOf(
  { k, headSize, heads: [queryHeads, keyValueHeads], rows }: Case,
  keys: Float32Array,
  queries: Float32Array,
  middle: number,
) {
  const share = queryHeads / keyValueHeads;
  const scores: number[] = [], tokens: number[] = [];
  for (let head = 0; head < keyValueHeads; head++) {
    for (let pair = 0; pair < rows * share; pair++) {
      const query = (Math.floor(pair / share) * queryHeads + head * share + pair % share) * headSize;
      const all = Float64Array.from({ length: middle }, (_, token) => {
        const key = ((token + LEADING) * keyValueHeads + head) * headSize;
        let score = 0;
        for (let c = 0; c < headSize; c++) score += queries[query + c] * keys[key + c];
        return score;
      });
      for (let i = 0; i < k; i++) {
        const best = all.reduce((best, score, token) => score > all[best] ? token : best, 0);
        tokens.push(i < middle ? best : NONE);
        if (i < middle) scores.push(all[best]);
        all[best] = -Infinity;
      }
    }
  }
  return { scores, tokens };
}

async function check(
  device: Device,
  each: Case,
  keysOf = (count: number) => wholes(count, each.size, each.seed),
  queriesOf = (count: number) => wholes(count, Math.max(1, each.size), each.seed + 1),
) {
  const { headSize, heads: [queryHeads, keyValueHeads], tokens, rows } = each;
  const keys = keysOf(tokens * keyValueHeads * headSize);
  const queries = queriesOf(rows * queryHeads * headSize);
  const found = await picked(device, each, keys, queries);
  const expected = bestOf(each, keys, queries, found.middle);
  assertEquals([...found.tokens], expected.tokens);
  assertEquals(
    [...found.scores.filter((_, i) => found.tokens[i] !== NONE)].map((score) => score + 0),
    expected.scores.map((score) => score + 0),
  );
}

gpuTest(
  "queries find their k best tokens exactly, few and many: any k up to 64, ties, ragged lengths, pages and slabs",
  async (device) => {
    await fc.assert(fc.asyncProperty(cases, (each) => check(device, each)), { seed: 71, numRuns: 14 });
  },
);

gpuTest(
  "many queries' short lists go on from slab to slab, each slab scoring its part of the middle",
  async (device) => {
    const more = { k: fc.integer({ min: 1, max: 8 }), rows: fc.integer({ min: 24, max: 70 }), reused: fc.boolean() };
    let between = 0;
    const property = fc.asyncProperty(fc.record({ cases, ...more }), async ({ cases, k, rows, reused }) => {
      const calls = watchCalls(device);
      try {
        // Lists of more than a slab: of 48 to 256 tokens a page, 700 a time make several.
        await check(device, { ...cases, k, rows, reused, headSize: 64, tokens: 1500 + cases.tokens, chunk: 700 });
      } finally {
        calls.stop();
      }
      const scored = calls.seen.filter(({ kernel }) => kernel === "score_groups");
      assert(scored.length > 1, "several slabs");
      assertEquals(calls.seen.filter(({ kernel }) => kernel === "rescore_short_groups").length, scored.length);
      assert(
        reused || scored.slice(1).every(({ params }) => params.first_token > 0),
        "later slabs begin where the middle comes to them",
      );
      between += Number(calls.seen.some(({ kernel }) => kernel === "fill"));
    });
    await fc.assert(property, { seed: 72, numRuns: 6 });
    assert(between > 0 && between < 6, `${between} of 6 with parts between each other`);
  },
);

gpuTest(
  "sequences side by side, whose pages lie in slabs by turns, find what threads on their own find",
  async (device) => {
    const shape = { layers: 1, queryHeads: 4, keyValueHeads: 2, headSize: 64 };
    const knobs = resolveKnobs({ globalSize: LEADING, window: 84, chunkSize: 80, k: 4, allowBeyondTrained: true });
    using first = new KeyValueCache(device, shape, { pageTokens: 64 });
    const caches = [first, first.another(), first.another()];
    // The third has no middle.
    const lengths = [3000, 1700, 80];
    for (const part of [1, 2, 3]) {
      for (const [index, cache] of caches.entries()) {
        await appendRandom(cache, Math.floor(part * lengths[index] / 3) - cache.lengths[0], 7 * part + index);
      }
    }
    using cache = KeyValueCache.beside(caches);
    using rotation = new RotationTable(device, rotaryFrequencies(64, { base: 10000 }));
    using scope = Tensor.zeros(device, [1], "u32", "scope");
    const context = { cache, method: createMethod("reattention", knobs, shape), rotation, scope };
    for (const rows of [2, 40]) {
      using asked = Tensor.from(device, wholes(3 * rows * 4 * 64, 40, 9), [3, rows, 4, 64]);
      const found = [];
      for (const way of ["lanes", "workgroups"]) {
        for (const question of QUESTIONS) device.choices.pick(question, way);
        const calls = watchCalls(device);
        try {
          using step = new AttentionStep(context, rows, { phase: "prefill", first: false });
          const selection = selectTokens(step, 0, asked);
          found.push([...await selection.top!.tokens.read()]);
          disposeSelection(selection);
        } finally {
          calls.stop();
          for (const question of QUESTIONS) device.choices.pick(question, undefined);
        }
        const tiled = way === "workgroups" && rows === 40;
        assertEquals(calls.seen.filter(({ kernel }) => kernel === "score_groups").length > 1, tiled);
      }
      assertEquals(found[1], found[0]);
    }
    for (const each of caches.slice(1)) each[Symbol.dispose]();
  },
);

/** What is dispatched from now on. */
function watchCalls({ commands }: Device): { seen: Dispatch[]; stop(): void } {
  const seen: Dispatch[] = [];
  commands.dispatch = (call) => {
    seen.push(call);
    Object.getPrototypeOf(commands).dispatch.call(commands, call);
  };
  // deno-lint-ignore no-explicit-any
  return { seen, stop: () => delete (commands as any).dispatch };
}

gpuTest("more groups than workgroups have room for at a time are joined in turns", async (device) => {
  // With k 64 the bound that 64 threads find is the worst of their bests: most of 1,200 groups reach it.
  const each: Case = {
    ...{ k: 64, headSize: 16, heads: [1, 1] as const, tokens: 9700, rows: 24 },
    ...{ pageTokens: 256, chunk: 9700, size: 1, seed: 3 },
  };
  await check(device, each);
  const rising = (count: number) =>
    Float32Array.from({ length: count }, (_, i) => i % 16 === 0 ? Math.floor(i / 16) : 0);
  await check(device, each, rising);
  await check(device, each, (count) => rising(count).map((value) => -value));
});

gpuTest(
  "blocks that hold several turns of groups keep the best of all of them, few queries and many",
  async (device) => {
    // So many KV heads that a workgroup takes more tokens than one turn has.
    const few: Case = {
      ...{ k: 3, headSize: 4, heads: [64, 32] as const, tokens: 9300, rows: 1 },
      ...{ pageTokens: 256, chunk: 9300, size: 40, seed: 4 },
    };
    const many: Case = { ...few, headSize: 16, heads: [32, 32], tokens: 4700, rows: 24, chunk: 4700 };
    for (const each of [few, many]) {
      await check(device, each);
      await check(device, { ...each, size: 0 });
    }
  },
);

gpuTest(
  "where one column of a team (parts/best_in_groups) has all high scores, groups are chosen one after the other",
  async (device) => {
    const [TEAM, COLUMNS, width] = [32, 4, 4];
    const each: Case = {
      ...{ k: 2, headSize: width, heads: [1, 1] as const, tokens: 2600, rows: 1 },
      ...{ pageTokens: 256, chunk: 2600, size: 1, seed: 3 },
    };
    // More than the 32 items that find room. As parts/best_in_groups.wgsl turns its rows.
    await check(device, each, (count) =>
      Float32Array.from({ length: count }, (_, i) => {
        const group = Math.floor((i / width - LEADING) / 8);
        const turn = Math.imul(Math.floor(group / TEAM), 0x9e3779b9) >>> 24;
        return (((group - turn) % COLUMNS) + COLUMNS) % COLUMNS === 0 && i % width === 0 ? 1000 - group : 0;
      }), (count) => new Float32Array(count).fill(1));
  },
);
