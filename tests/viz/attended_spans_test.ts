import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { attendedSpans } from "../../lib/viz/mod.ts";

Deno.test("attendedSpans splits at holes and where the reason changes", () => {
  const spans = attendedSpans({
    indices: Uint32Array.of(0, 1, 2, 3, 10, 11, 20, 21, 22, 23),
    centers: Uint32Array.of(2, 3, 11),
    votes: Uint32Array.of(4, 1, 7),
    globalCount: 2,
    windowStart: 22,
  });
  assertEquals(spans, [
    { kind: "global", start: 0, end: 2, votes: 0 },
    { kind: "selected", start: 2, end: 4, votes: 5 },
    { kind: "selected", start: 10, end: 12, votes: 7 },
    { kind: "selected", start: 20, end: 22, votes: 0 },
    { kind: "window", start: 22, end: 24, votes: 0 },
  ]);
});

Deno.test("attendedSpans holds every token once and every vote", () => {
  const tokens = fc.uniqueArray(fc.nat(200), { minLength: 1 }).map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(tokens, fc.nat(10), fc.integer({ min: 150, max: 210 }), (indices, globalCount, windowStart) => {
      const centers = indices.filter((token) => token >= globalCount && token < windowStart && token % 3 === 0);
      const votes = centers.map((token) => token + 1);
      const spans = attendedSpans({ indices, centers, votes, globalCount, windowStart });
      const back = spans.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i));
      assertEquals(back, indices);
      assertEquals(spans.reduce((sum, span) => sum + span.votes, 0), votes.reduce((sum, vote) => sum + vote, 0));
    }),
    { seed: 5, numRuns: 100 },
  );
});

Deno.test("attendedSpans of nothing is nothing", () => {
  assertEquals(attendedSpans({ indices: [], centers: [], votes: [], globalCount: 4, windowStart: 9 }), []);
});
