import { assertEquals } from "@std/assert";
import { clusteredInterval, type DemoRow } from "../../../lib/evaluation/mod.ts";
import { poolRows } from "../../../experiments/needle/pool.ts";

function row(seed: number, correct: readonly boolean[][]): DemoRow {
  const answers = correct.flatMap((list, haystack) =>
    list.map((right) => ({
      haystack,
      name: "Zena",
      depth: 0.5,
      expected: "1",
      answer: right ? "1" : "2",
      correct: right,
    }))
  );
  const [questions, haystacks] = [answers.length, correct.length];
  const exact = answers.filter((answer) => answer.correct).length / questions;
  const figures = { scope: 512, seconds: seed, tokensPerSecond: 100 * seed, peakBytes: seed, low: exact, high: exact };
  const task = {
    method: "reattention",
    length: 1024,
    needlesPerContext: 2,
    variant: "plain",
    wording: "varied",
    opening: true,
  };
  return { ...task, ...figures, haystacks, questions, exact, seed, allowBeyondTrained: false, answers };
}

Deno.test("poolRows adds up seeds, and counts one seed's haystacks once", () => {
  const one = row(1, [[true, true]]);
  const more = row(1, [[true, true], [true, false]]);
  const other = row(4, [[true, true]]);
  const longer = { ...row(2, [[false, true]]), length: 4096 };
  const [pooled, alone] = poolRows([longer, one, more, other]);
  assertEquals(alone, longer);
  assertEquals([pooled.haystacks, pooled.questions, pooled.exact, pooled.seconds, pooled.peakBytes], [
    3,
    6,
    5 / 6,
    5,
    4,
  ]);
  assertEquals(pooled.answers.map(({ haystack }) => haystack), [0, 0, 1, 1, 2, 2]);
  const scores = [{ correct: 2, total: 2 }, { correct: 1, total: 2 }, { correct: 2, total: 2 }];
  assertEquals({ low: pooled.low, high: pooled.high }, clusteredInterval(scores, { agreeing: "haystack" }));
  // Two haystacks at 100 tokens a second and one at 400.
  assertEquals(pooled.tokensPerSecond, 3 / (2 / 100 + 1 / 400));
});
