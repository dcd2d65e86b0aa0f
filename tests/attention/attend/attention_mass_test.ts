import { assert } from "@std/assert";
import fc from "fast-check";
import type { AttentionMethod, AttentionStep, StepLayout, StepShape } from "../../../lib/attention/mod.ts";
import { type Knobs, resolveKnobs } from "../../../lib/attention/mod.ts";
import { listOuter } from "../../../lib/attention/attend/attend.ts";
import { attentionMass } from "../../../lib/attention/attend/attention_mass.ts";
import { type RelativeOptions, runRelative } from "../../../lib/attention/attend/relative.ts";
import { attendPairs, ntkFrequencies } from "../../../lib/reference/mod.ts";
import type { Tensor } from "../../../lib/tensor/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { PairLayer, type PairStep } from "../pair_layer.ts";

// f32 sums of some dozen exponentials of size 1, and angles rounded to f32, against f64.
const CLOSE = { absolute: 5e-5, relative: 0 };

/** Leading tokens and window, and what each of them weighed in the last step. */
class Weighing implements AttentionMethod {
  readonly name = "weighing";
  readonly cacheGrowth = "every token stays";
  readonly knobs: Readonly<Knobs>;
  mass: Tensor | undefined;

  constructor(readonly options: RelativeOptions, readonly leading: number, readonly window: number) {
    this.knobs = resolveKnobs({ positions: options.positions });
  }

  layout({ length, rows }: StepShape): StepLayout {
    const windowStart = Math.max(0, length - rows - this.window);
    return { mode: "window", leading: Math.min(this.leading, windowStart), windowStart };
  }

  scopeBound({ length }: StepShape): number {
    return length;
  }

  attend(step: AttentionStep, layer: number, queries: Tensor): Tensor {
    const attended = listOuter(step, layer);
    const { output, sums, keys } = runRelative(step, layer, queries, attended, this.options);
    this.mass?.[Symbol.dispose]();
    this.mass = attentionMass(step, { queries, attended, keys, sums, options: this.options });
    for (const tensor of [sums, keys]) tensor[Symbol.dispose]();
    return output;
  }

  [Symbol.dispose](): void {
    this.mass?.[Symbol.dispose]();
  }
}

/** What each listed token weighs by the definition: softmax weights, added over heads and rows. */
function expected({ queries, keys, values }: PairStep, list: readonly number[], compact: boolean): number[] {
  const size = keys.shape[2];
  const place = new Map(list.map((token, index) => [token, index]));
  const { weights } = attendPairs({
    ...{ queries, keys, values, frequencies: ntkFrequencies(size, 10000, 1) },
    distance: (m, n) => !place.has(n) ? undefined : compact ? place.get(m)! - place.get(n)! : m - n,
  });
  return list.map((token) => weights.flat().reduce((sum, row) => sum + row[token], 0));
}

/** The same where every row sees the whole list, and nothing is turned. */
function uncausal({ queries, keys }: PairStep, list: readonly number[]): number[] {
  const [queryHeads, rows, size] = queries.shape;
  const group = queryHeads / keys.shape[0];
  const sums = list.map(() => 0);
  for (let pair = 0; pair < queryHeads * rows; pair++) {
    const query = Array.from(queries.data.slice(pair * size, (pair + 1) * size));
    const scores = list.map((token) => {
      const start = (Math.floor(pair / rows / group) * keys.shape[1] + token) * size;
      return query.reduce((sum, value, c) => sum + value * keys.data[start + c], 0) / Math.sqrt(size);
    });
    const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
    scores.forEach((score, index) => sums[index] += Math.exp(score) / total);
  }
  return sums;
}

for (const [positions, causal] of [["original", true], ["compact", true], ["original", false]] as const) {
  gpuTest(
    `attention_mass adds up what rows that see a token give it: ${positions}, causal ${causal}`,
    async (device) => {
      const cases = fc.record({
        keyValueHeads: fc.constantFrom(1, 2),
        group: fc.constantFrom(1, 2, 3),
        headSize: fc.constantFrom(4, 6, 16),
        // Steps of several rows: each row's last token is its own, and one row on it is another's.
        steps: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
        leading: fc.integer({ min: 0, max: 3 }),
        window: fc.integer({ min: 0, max: 6 }),
        seed: fc.nat(1_000_000),
      });
      const property = fc.asyncProperty(
        cases,
        async ({ keyValueHeads, group, headSize, steps, leading, window, seed }) => {
          const shape = { layers: 1, queryHeads: group * keyValueHeads, keyValueHeads, headSize };
          const options = { relative: { rule: "capped", near: Infinity }, positions, causal } as const;
          using method = new Weighing(options, leading, window);
          using layer = new PairLayer(device, shape, method, seed, 5);
          for (const rows of steps) {
            const input = await layer.step(rows);
            const layout = method.layout({
              length: input.keys.shape[1],
              rows,
              phase: "prefill",
              first: false,
              questionStart: 0,
            });
            const list = Array.from({ length: input.keys.shape[1] }, (_, token) => token)
              .filter((token) => token < layout.leading || token >= layout.windowStart);
            const found = await method.mass!.read() as Float32Array;
            const wanted = causal ? expected(input, list, positions === "compact") : uncausal(input, list);
            assertClose(found.slice(0, list.length), wanted, {
              ...CLOSE,
              label: `${rows} rows, list of ${list.length}`,
            });
            assert(found.slice(list.length).every((value) => value === 0), "nothing weighs what is past a list's end");
          }
        },
      );
      await fc.assert(property, { seed: 77, numRuns: 12 });
    },
  );
}

gpuTest("attention_mass adds up weights whose sums were joined from splits of a long list", async (device) => {
  const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 6 };
  for (const causal of [true, false]) {
    const options = { relative: { rule: "capped", near: Infinity }, positions: "compact", causal } as const;
    using method = new Weighing(options, 3, 5000);
    using layer = new PairLayer(device, shape, method, 9, 32);
    await layer.step(1500);
    const input = await layer.step(2);
    const list = Array.from({ length: 1502 }, (_, token) => token);
    const found = await method.mass!.read() as Float32Array;
    const wanted = causal ? expected(input, list, true) : uncausal(input, list);
    assertClose(found, wanted, { ...CLOSE, label: `causal ${causal}` });
  }
});
