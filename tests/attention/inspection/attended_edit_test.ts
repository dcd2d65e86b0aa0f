import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  AttendedEdit,
  type AttentionWatch,
  createMethod,
  resolveKnobs,
  type TokenSpan,
} from "../../../lib/attention/mod.ts";
import { attendSelected, completeKnobs, dense, ReferenceLayer, rotaryFrequencies } from "../../../lib/reference/mod.ts";
import { assertClose } from "../../assert_close.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { normals, swapAxes, TestLayer } from "../layer.ts";

const span: fc.Arbitrary<TokenSpan> = fc.record({ start: fc.nat(150), size: fc.integer({ min: 1, max: 40 }) }).map((
  { start, size },
) => ({ start, end: start + size }));

const cases = fc.record({
  method: fc.constantFrom("full", "reattention", "reattention"),
  headSize: fc.constantFrom(2, 10, 16),
  group: fc.constantFrom(1, 3),
  positions: fc.constantFrom("compact", "original"),
  share: fc.constantFrom("layer", "kvHead"),
  first: fc.integer({ min: 40, max: 160 }),
  rows: fc.constantFrom(1, 7),
  force: fc.array(span, { maxLength: 2 }),
  forbid: fc.array(span, { maxLength: 2 }),
  head: fc.option(fc.constantFrom(0, 1), { nil: undefined }),
  layer: fc.constantFrom(undefined, 0, 1),
  seed: fc.nat(1e6),
});

const contains = (spans: readonly TokenSpan[], token: number) =>
  spans.some(({ start, end }) => token >= start && token < end);

gpuTest("AttendedEdit attends as the oracle does over the changed list (kernel edit_attended)", async (device) => {
  let changes = 0;
  const property = fc.asyncProperty(cases, async (input) => {
    const { headSize, group, positions, share, first, rows, force, forbid, head, layer: where, seed } = input;
    const keyValueHeads = 2;
    const queryHeads = keyValueHeads * group;
    const shape = { layers: 1, queryHeads, keyValueHeads, headSize };
    const knobs = { globalSize: 3, window: 12, chunkSize: 8, spanSize: 2, k: 5, recallClip: 9, positions, share };
    using edit = new AttendedEdit(device, {
      ...{ force, forbid },
      ...(head !== undefined && { heads: [head] }),
      ...(where !== undefined && { layers: [where] }),
    });
    const method = createMethod(input.method, resolveKnobs(knobs), shape);
    const watch: AttentionWatch = { attend: (call) => on ? edit.attend(call) : undefined };
    let on = false;
    using layer = new TestLayer(device, shape, method, { pageTokens: 32, watch });
    const oracle = new ReferenceLayer({
      queryHeads,
      keyValueHeads,
      headSize,
      method: input.method,
      knobs: completeKnobs(knobs),
    });
    const all = [queryHeads, keyValueHeads, keyValueHeads].map((heads, part) => {
      return normals(seed + part, (first + rows) * heads * headSize);
    });
    const length = first + rows;
    for (const [from, count] of [[0, first], [first, rows]]) {
      const [queries, keys, values] = [queryHeads, keyValueHeads, keyValueHeads].map((heads, part) => {
        return all[part].slice(from * heads * headSize, (from + count) * heads * headSize);
      });
      on = from > 0;
      const output = await layer.run({ rows: count, queries, keys, values });
      const asked = swapAxes(queries, count, queryHeads, headSize);
      const usual = oracle.step({
        queries: asked,
        keys: swapAxes(keys, count, keyValueHeads, headSize),
        values: swapAxes(values, count, keyValueHeads, headSize),
      });
      if (from === 0) continue;
      const groups = usual.groups.map((group) => {
        const listed = new Set(group.indices);
        const indices = Uint32Array.from({ length }, (_, token) => token).filter((token) => {
          if (token >= first) return true;
          return (listed.has(token) || contains(force, token)) && !contains(forbid, token);
        });
        if (indices.join() !== group.indices.join()) changes++;
        return {
          indices,
          positions: method.knobs.positions === "original" ? indices : Uint32Array.from(indices.keys()),
        };
      });
      const edited = attendSelected({
        queries: dense(asked, [queryHeads, rows, headSize]),
        keys: dense(swapAxes(all[1], length, keyValueHeads, headSize), [keyValueHeads, length, headSize]),
        values: dense(swapAxes(all[2], length, keyValueHeads, headSize), [keyValueHeads, length, headSize]),
        groups,
        frequencies: rotaryFrequencies(headSize),
      }).data;
      const expected = usual.out.map((value, place) => {
        const own = Math.floor(place / (rows * headSize));
        return where === 1 || (head !== undefined && own !== head) ? value : edited[place];
      });
      // f32 sums of up to 200 terms of size 1 against f64.
      assertClose(swapAxes(output, rows, queryHeads, headSize), expected, {
        absolute: 2e-5,
        label: JSON.stringify(input),
      });
      // What was selected is recorded as it was.
      const { groups: traced } = (await layer.readTrace()).at(-1)!.layers[0];
      assertEquals(traced.map(({ indices }) => [...indices]), usual.groups.map(({ indices }) => [...indices]));
    }
  });
  await fc.assert(property, { seed: 17, numRuns: 24 });
  assert(changes >= 10, `${changes} lists changed`);
});
