import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  AttentionStep,
  createMethod,
  KeyValueCache,
  type Knobs,
  listAttended,
  resolveKnobs,
  rotaryFrequencies,
  RotationTable,
  type StorageType,
} from "../../../lib/attention/mod.ts";
import { picksAtOnce, pickTokens } from "../../../lib/attention/selection/pick_tokens.ts";
import { planGroups } from "../../../lib/attention/selection/score_groups.ts";
import { ScoreSource } from "../../../lib/attention/selection/score_source.ts";
import { selectTokens } from "../../../lib/attention/selection/select.ts";
import { type AttendedTokens, disposeAttended, disposeSelection } from "../../../lib/attention/step.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { Tensor } from "../../../lib/tensor/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

const QUESTIONS = ["prefill selection", "decode selection"];
const LEADING = 3;
const WINDOW = 9;

interface Shape {
  readonly k: number;
  readonly heads: readonly [number, number];
  readonly headSize: number;
  readonly share: "layer" | "kvHead";
  readonly length: number;
  readonly spanSize: number;
  readonly recallClip: number;
  readonly keyType: StorageType;
}

/** Whole numbers, few of them: their products are exact, and many scores are equal. */
type NumbersOf = (token: number, head: number, channel: number) => number;

/** A decode step behind a filled cache, and what it picks in one layer. */
class Decoding implements Disposable {
  readonly step: AttentionStep;
  readonly queries: Tensor;
  readonly #shape: Shape;
  readonly #bound: number;
  readonly #owned: Disposable[];

  constructor(device: Device, shape: Shape, queriesOf: NumbersOf, keysOf: NumbersOf) {
    const { heads: [queryHeads, keyValueHeads], headSize, length, keyType, k, share, spanSize, recallClip } = shape;
    const sizes = { layers: 1, queryHeads, keyValueHeads, headSize };
    const knobs: Partial<Knobs> = { globalSize: LEADING, window: WINDOW, chunkSize: 8, k, share, spanSize, recallClip };
    const method = createMethod("reattention", resolveKnobs({ ...knobs, allowBeyondTrained: true }), sizes);
    const cache = new KeyValueCache(device, sizes, { keyType });
    const rotation = new RotationTable(device, rotaryFrequencies(headSize, { base: 10000 }));
    const scope = Tensor.zeros(device, [1], "u32", "scope");
    cache.extend(length);
    const layout = Tensor.from(device, new Uint32Array([length, 0, 0, 0]), [1, 4]);
    const keys = tensorOf(device, length, keyValueHeads, headSize, keysOf);
    cache.store(0, keys, keys, layout);
    this.queries = tensorOf(device, 1, queryHeads, headSize, queriesOf);
    this.step = new AttentionStep({ cache, method, rotation, scope }, 1, { phase: "decode", first: false });
    this.#shape = shape;
    this.#bound = method.scopeBound(this.step.shapes[0]);
    this.#owned = [this.step, this.queries, keys, layout, scope, rotation, cache];
  }

  /** By as few calls as can be. */
  async picked(): Promise<number[][]> {
    assert(picksAtOnce(this.step, 1));
    return await this.#listsOf(pickTokens(this.step, 0, this.queries, this.#bound));
  }

  /** By kernels that leave more. */
  async selected(): Promise<number[][]> {
    const selection = selectTokens(this.step, 0, this.queries);
    const listed = listAttended(this.step, selection.marks.shape[1], this.#bound, selection.marks);
    disposeSelection(selection);
    return await this.#listsOf(listed);
  }

  /** Groups and tokens of each. */
  groups(): { groups: number; groupTokens: number } {
    using source = new ScoreSource(this.step, 0, this.queries);
    return planGroups(this.step, source, true);
  }

  /** By sorting all scores. */
  expected(queriesOf: NumbersOf, keysOf: NumbersOf): number[][] {
    const { heads: [queryHeads, keyValueHeads], share } = this.#shape;
    const sharing = queryHeads / keyValueHeads;
    const best = Array.from({ length: queryHeads }, (_, head) => {
      return this.#bestTokens((channel) => queriesOf(0, head, channel), Math.floor(head / sharing), keysOf);
    });
    if (share === "layer") return [this.#listed(best.flat())];
    return Array.from({ length: keyValueHeads }, (_, head) => {
      return this.#listed(best.slice(head * sharing, (head + 1) * sharing).flat());
    });
  }

  #bestTokens(queryOf: (channel: number) => number, head: number, keysOf: NumbersOf): number[] {
    const query = Float32Array.from({ length: this.#shape.headSize }, (_, channel) => queryOf(channel));
    const scores = Float32Array.from({ length: this.step.middleLength }, (_, token) => {
      let score = 0;
      for (const [channel, value] of query.entries()) score += value * keysOf(LEADING + token, head, channel);
      return score;
    });
    return [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, this.#shape.k);
  }

  #listed(voted: readonly number[]): number[] {
    const { spanSize, recallClip, length } = this.#shape;
    const votes = new Map<number, number>();
    for (const token of voted) votes.set(token, (votes.get(token) ?? 0) + 1);
    const kept = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])
      .slice(0, recallClip < 0 ? undefined : recallClip);
    const picked = new Set<number>();
    for (const [center] of kept) {
      for (let offset = -Math.floor(spanSize / 2); offset < Math.ceil(spanSize / 2); offset++) {
        picked.add(LEADING + Math.min(Math.max(center + offset, 0), this.step.middleLength - 1));
      }
    }
    for (let token = 0; token < LEADING; token++) picked.add(token);
    for (let token = LEADING + this.step.middleLength; token < length; token++) picked.add(token);
    return [...picked].sort((a, b) => a - b);
  }

  async #listsOf(attended: AttendedTokens): Promise<number[][]> {
    const places = await attended.indices.read() as Uint32Array;
    const counts = await attended.counts.read() as Uint32Array;
    const bound = attended.indices.shape[2];
    disposeAttended(attended);
    return [...counts].map((count, list) => [...places.subarray(list * bound, list * bound + count)]);
  }

  [Symbol.dispose](): void {
    for (const each of this.#owned) each[Symbol.dispose]();
  }
}

function tensorOf(device: Device, tokens: number, heads: number, channels: number, numbersOf: NumbersOf): Tensor {
  const values = Float32Array.from({ length: tokens * heads * channels }, (_, i) => {
    return numbersOf(Math.floor(i / (heads * channels)), Math.floor(i / channels) % heads, i % channels);
  });
  return Tensor.from(device, values, [1, tokens, heads, channels]);
}

/** Whole numbers from -most to most. */
function numbersFrom(seed: number, most: number): NumbersOf {
  return (token, head, channel) => {
    let bits = Math.imul(seed ^ Math.imul(token, 0x9e3779b1) ^ Math.imul(head, 0x85ebca6b) ^ channel, 0xc2b2ae35);
    bits = Math.imul(bits ^ bits >>> 15, 0x2c1b3c6d);
    return (bits ^ bits >>> 13) % (most + 1);
  };
}

async function withWorkgroups(device: Device, act: () => Promise<void>): Promise<void> {
  for (const question of QUESTIONS) device.choices.pick(question, "workgroups");
  try {
    await act();
  } finally {
    for (const question of QUESTIONS) device.choices.pick(question, undefined);
  }
}

const shapes = fc.record<Shape>({
  k: fc.constantFrom(1, 2, 3, 4, 8, 17),
  heads: fc.constantFrom<(readonly [number, number])[]>([1, 1], [2, 1], [6, 2], [8, 2], [20, 1], [32, 8]),
  headSize: fc.constantFrom(4, 8, 12, 64),
  share: fc.constantFrom("layer", "kvHead"),
  length: fc.oneof(fc.integer({ min: 14, max: 400 }), fc.integer({ min: 400, max: 4000 })),
  spanSize: fc.constantFrom(1, 2, 3, 32),
  recallClip: fc.constantFrom(-1, 0, 1, 5, 31, 127),
  keyType: fc.constantFrom("f32", "int8"),
});

gpuTest("scan_groups and pick_best list what sorting all scores does, equal ones included", async (device) => {
  const types = device.info.f16 ? (["f32", "f16"] as const) : (["f32"] as const);
  await withWorkgroups(device, async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1e6), fc.constantFrom(1, 9), fc.nat(1), async (shape, seed, most, type) => {
        const [queriesOf, keysOf] = [numbersFrom(seed, 3), numbersFrom(seed + 1, most)];
        const float = { ...shape, keyType: types[type % types.length] };
        using decoding = new Decoding(device, float, queriesOf, keysOf);
        const expected = decoding.expected(queriesOf, keysOf);
        // Longer lists than eight go the longer route.
        if (shape.k <= 8) assertEquals(await decoding.picked(), expected);
        assertEquals(await decoding.selected(), expected);
      }),
      { seed: 81, numRuns: 10 },
    );
  });
});

gpuTest("pick_best picks of int8 keys what rescore_short_groups picks of them", async (device) => {
  await withWorkgroups(device, async () => {
    await fc.assert(
      fc.asyncProperty(shapes.filter(({ k }) => k <= 8), fc.nat(1e6), async (shape, seed) => {
        using decoding = new Decoding(
          device,
          { ...shape, keyType: "int8" },
          numbersFrom(seed, 3),
          numbersFrom(seed, 9),
        );
        assertEquals(await decoding.picked(), await decoding.selected());
      }),
      { seed: 82, numRuns: 4 },
    );
  });
});

gpuTest(
  "pick_best (parts/bound_groups) picks right where all scores are equal, rise or fall, and where more groups reach its bound than it has room for",
  async (device) => {
    const shape: Shape = {
      ...{ k: 4, heads: [2, 1], headSize: 8, share: "layer", length: 4200 },
      ...{ spanSize: 2, recallClip: -1, keyType: "f32" },
    };
    await withWorkgroups(device, async () => {
      using plain = new Decoding(device, shape, () => 1, () => 1);
      const { groups, groupTokens } = plain.groups();
      // The column of threads, of eight, that looks at a group, as pick_best.wgsl turns its rows.
      const columnOf = (group: number) => {
        const turned = Math.imul(Math.floor(group / 256), 0x9e3779b9) >>> 24;
        return ((group % 256 - turned) % 8 + 8) % 8;
      };
      const high = (token: number) => columnOf(Math.floor((token - LEADING) / groupTokens)) < 3;
      const many = Array.from({ length: groups }, (_, group) => columnOf(group)).filter((column) => column < 3);
      assert(many.length > 128, `${many.length} groups of ${groupTokens} tokens`);
      const ways: Record<string, (token: number) => number> = {
        equal: () => 1,
        rising: (token) => token,
        falling: (token) => 5000 - token,
        "three columns": (token) => high(token) ? 5000 + token % 997 : token % 89,
        "three columns, equal": (token) => high(token) ? 2 : 1,
        "all zero": () => 0,
      };
      for (const [name, valueOf] of Object.entries(ways)) {
        const queriesOf: NumbersOf = (_token, head, channel) => channel ? 0 : 1 - 2 * head;
        const keysOf: NumbersOf = (token, _head, channel) => channel ? 1 : valueOf(token);
        using decoding = new Decoding(device, shape, queriesOf, keysOf);
        assertEquals(await decoding.picked(), decoding.expected(queriesOf, keysOf), name);
      }
    });
  },
);
