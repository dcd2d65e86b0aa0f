import { assert, assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { needleRecall, needleRecallFigure } from "../../../lib/viz/mod.ts";
import { plain } from "../plain.ts";

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);

Deno.test("needleRecall is the share of the value's tokens in the front of each head's list", () => {
  const list = fc.uniqueArray(fc.nat(99), { minLength: 20, maxLength: 20 });
  const values = fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(list, values, (tokens, valueTokens) => {
      const points = needleRecall({ layer: 2, picks: [{ head: 3, tokens }], valueTokens, ks: [1, 5, 20], middle: 100 });
      for (const { layer, head, k, recall, chance } of points) {
        const held = valueTokens.filter((token) => tokens.indexOf(token) >= 0 && tokens.indexOf(token) < k).length;
        assertEquals([layer, head, recall, chance], [2, 3, held / valueTokens.length, k / 100]);
      }
    }),
    { seed: 6, numRuns: 100 },
  );
});

Deno.test("needleRecall says when a list is too short for k, and takes a whole middle shorter than k", () => {
  const input = { layer: 0, picks: [{ head: 1, tokens: [4, 5] }], valueTokens: [4], middle: 50 };
  assertThrows(
    () => needleRecall({ ...input, ks: [8] }),
    RangeError,
    "head 1 has a list of 2 tokens, too short for k 8",
  );
  assertEquals(needleRecall({ ...input, ks: [8], middle: 2 })[0].chance, 1);
  assertThrows(() => needleRecall({ ...input, ks: [1], valueTokens: [] }), RangeError, "valueTokens is empty");
});

Deno.test("needleRecallFigure has a picture per layer with heads, their mean and chance", () => {
  const points = range(0, 3).flatMap((layer) =>
    [0, 1].flatMap((head) => [1, 4, 16].map((k) => ({ layer, head, k, recall: head * k / 16, chance: k / 1600 })))
  );
  const { data, layout } = plain(needleRecallFigure({ points }));
  assertEquals(data.slice(0, 4).map(({ name }: { name: string }) => name), [
    "head 0",
    "head 1",
    "mean of heads",
    "chance",
  ]);
  assertEquals([data[1].y, data[2].y], [[0.0625, 0.25, 1], [0.03125, 0.125, 0.5]]);
  assertAlmostEquals(data[3].y[2], 0.01, 1e-12);
  assertEquals([data[4].xaxis, layout.xaxis3.type], ["x2", "log"]);
  assertStringIncludes(data[3].hovertemplate, "1,600 tokens");
  assertEquals(data.filter(({ showlegend }: { showlegend: boolean }) => showlegend).length, 4);
});

Deno.test("needleRecallFigure averages over questions, and draws many heads without names", () => {
  const twice = [0, 1].map((recall) => ({ layer: 0, head: 0, k: 4, recall, chance: 0.1 }));
  assertEquals(plain(needleRecallFigure({ points: twice }).data)[0].y, [0.5]);
  const many = range(0, 32).map((head) => ({ layer: 0, head, k: 4, recall: 0, chance: 0.1 }));
  const { data } = plain(needleRecallFigure({ points: many }));
  assertEquals(data.filter(({ showlegend }: { showlegend: boolean }) => showlegend).length, 2);
  assert(data.length === 34);
});

Deno.test("needleRecallFigure refuses what is no share or no k", () => {
  const point = { layer: 0, head: 1, k: 4, recall: 0.5, chance: 0.1 };
  assertThrows(
    () => needleRecallFigure({ points: [{ ...point, recall: 2 }] }),
    RangeError,
    "recall of layer 0, head 1 is 2",
  );
  assertThrows(() => needleRecallFigure({ points: [{ ...point, k: 0 }] }), RangeError, "k of layer 0, head 1 is 0");
});
