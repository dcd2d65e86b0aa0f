import { assertEquals, assertThrows } from "@std/assert";
import { type DemoRow, parseDemoRow } from "../../lib/evaluation/mod.ts";

const answer = { haystack: 0, name: "K1", depth: 0.5, expected: "001 002", answer: "001 002", correct: true };
const row: DemoRow = {
  method: "full",
  length: 512,
  haystacks: 1,
  questions: 2,
  exact: 0.5,
  low: 0.1,
  high: 0.9,
  scope: 511,
  seconds: 1.5,
  tokensPerSecond: 300,
  peakBytes: 1024,
  needlesPerContext: 8,
  variant: "plain",
  wording: "plain",
  opening: true,
  seed: 1,
  allowBeyondTrained: false,
  answers: [answer, { ...answer, answer: "secret code", correct: false }],
};

Deno.test("parseDemoRow takes a row as it was written", () => {
  assertEquals(parseDemoRow(JSON.parse(JSON.stringify(row))), row);
});

Deno.test("parseDemoRow names every field that is wrong", () => {
  const cases: [Partial<Record<keyof DemoRow, unknown>>, string][] = [
    [{ length: "512" }, "length"],
    [{ exact: 1.2 }, "exact"],
    [{ method: undefined }, "method"],
    [{ answers: [{ ...answer, correct: 1 }] }, "answers.0.correct"],
    [{ exact: 1, high: 1 }, "exact: 1 must be 1 of 2"],
    [{ low: 0.6 }, "the interval 0.6 to 0.9 must hold 0.5"],
    [{ questions: 3 }, "3 questions, but 2 answers"],
  ];
  for (const [change, message] of cases) {
    assertThrows(() => parseDemoRow({ ...row, ...change }), RangeError, message);
  }
  assertThrows(() => parseDemoRow(null), RangeError, "the row");
});
