import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type AttentionWatch, createMethod, resolveKnobs } from "../../../lib/attention/mod.ts";
import type { Device, KernelName } from "../../../lib/gpu/mod.ts";
import type { Tensor } from "../../../lib/tensor/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals, TestLayer } from "../layer.ts";

const QUESTIONS = ["prefill selection", "decode selection"];

interface Case {
  k: number;
  heads: readonly [number, number];
  share: "layer" | "kvHead";
  batch: number;
  first: number;
  rows: number;
  spanSize: number;
  recallClip: number;
  /** Default 8. */
  headSize?: number;
  /** Keys of few values, so that scores and votes are often equal. */
  coarse: boolean;
  seed: number;
}

const cases = fc.record<Case>({
  k: fc.constantFrom(1, 2, 4, 8),
  heads: fc.constantFrom<(readonly [number, number])[]>([1, 1], [2, 1], [3, 3], [6, 2], [32, 8]),
  share: fc.constantFrom("layer", "kvHead"),
  batch: fc.constantFrom(1, 2),
  first: fc.integer({ min: 20, max: 1800 }),
  rows: fc.constantFrom(1, 1, 2, 3),
  spanSize: fc.constantFrom(1, 2, 3, 8, 32),
  recallClip: fc.constantFrom(-1, 0, 1, 5, 40),
  coarse: fc.boolean(),
  seed: fc.nat(1e6),
});

interface Listed {
  output: Float32Array;
  /** Per list: the tokens attended to. */
  lists: number[][];
  scope: number;
  kernels: Set<KernelName>;
}

/** Runs a step after a first one, traced (separate kernels) or not (in one). */
async function attend(device: Device, each: Case, traced: boolean): Promise<Listed> {
  const { k, heads: [queryHeads, keyValueHeads], share, batch, first, rows, spanSize, recallClip, coarse, seed } = each;
  const shape = { layers: 1, queryHeads, keyValueHeads, headSize: each.headSize ?? 8 };
  const small = { globalSize: 3, window: 9, chunkSize: 8, positions: "compact" as const };
  const knobs = resolveKnobs({ ...small, k, share, spanSize, recallClip, allowBeyondTrained: true });
  let seen: { indices: Tensor; counts: Tensor } | undefined;
  const watch: AttentionWatch = {
    attend({ attended }) {
      seen = { indices: attended.indices.share(), counts: attended.counts.share() };
      return undefined;
    },
  };
  using layer = new TestLayer(device, shape, createMethod("reattention", knobs, shape), { batch, watch, traced });
  const numbers = (count: number, part: number) =>
    normals(seed + part, count).map((value) => coarse ? Math.round(value) : value);
  let output = new Float32Array();
  const kernels = new Set<KernelName>();
  const { commands } = device;
  for (const [index, count] of [first, rows].entries()) {
    for (const tensor of seen ? [seen.indices, seen.counts] : []) tensor[Symbol.dispose]();
    kernels.clear();
    commands.dispatch = (call) => {
      kernels.add(call.kernel);
      Object.getPrototypeOf(commands).dispatch.call(commands, call);
    };
    const size = batch * count * shape.headSize;
    try {
      output = await layer.run({
        rows: count,
        queries: numbers(size * queryHeads, 7 * index),
        keys: numbers(size * keyValueHeads, 7 * index + 1),
        values: numbers(size * keyValueHeads, 7 * index + 2),
      }) as Float32Array<ArrayBuffer>;
    } finally {
      Reflect.deleteProperty(commands, "dispatch");
    }
  }
  using indices = seen!.indices;
  using counts = seen!.counts;
  const bound = indices.shape[2];
  const places = await indices.read() as Uint32Array;
  const lists = [...await counts.read() as Uint32Array].map((count, list) => {
    return [...places.subarray(list * bound, list * bound + count)];
  });
  return { output, lists, scope: await layer.scope(), kernels };
}

async function withWorkgroups(device: Device, act: () => Promise<void>): Promise<void> {
  for (const question of QUESTIONS) device.choices.pick(question, "workgroups");
  try {
    await act();
  } finally {
    for (const question of QUESTIONS) device.choices.pick(question, undefined);
  }
}

gpuTest(
  "pick_best and pick_tokens (parts/list_votes) list what cast_votes, clip_votes and collect_indices list",
  async (device) => {
    await withWorkgroups(device, async () => {
      await fc.assert(
        fc.asyncProperty(cases, async (each) => {
          const apart = await attend(device, each, true);
          const atOnce = await attend(device, each, false);
          assertEquals(atOnce.lists, apart.lists);
          assertEquals(atOnce.scope, apart.scope);
          assertEquals(atOnce.output, apart.output);
        }),
        { seed: 71, numRuns: 16 },
      );
    });
  },
);

gpuTest(
  "a step that nothing looks at takes two calls from queries to tokens; what is too long for one workgroup, more",
  async (device) => {
    const each: Case = {
      k: 4,
      heads: [6, 2],
      share: "layer",
      batch: 1,
      first: 300,
      rows: 1,
      spanSize: 8,
      recallClip: 5,
      coarse: false,
      seed: 3,
    };
    await withWorkgroups(device, async () => {
      const { kernels } = await attend(device, each, false);
      const selecting: KernelName[] = [
        "scan_groups",
        "rescore_groups",
        "rescore_short_groups",
        "pick_best",
        "pick_tokens",
        "cast_votes",
        "clip_votes",
        "collect_indices",
      ];
      assertEquals(selecting.filter((kernel) => kernels.has(kernel)), ["scan_groups", "pick_best"]);
      // Many queries are scored by tiles, which leave lists to pick from.
      const many = await attend(device, { ...each, heads: [32, 1], headSize: 16, first: 200 }, false);
      assertEquals(selecting.filter((kernel) => many.kernels.has(kernel)), ["rescore_short_groups", "pick_tokens"]);
      const long = await attend(device, { ...each, k: 17 }, false);
      assert(!long.kernels.has("pick_tokens") && long.kernels.has("collect_indices"));
    });
  },
);
