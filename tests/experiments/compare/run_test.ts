import { assertEquals } from "@std/assert";
import type { Bench } from "../../../experiments/compare/measure.ts";
import type { Job } from "../../../experiments/compare/plan.ts";
import type { CompareRow } from "../../../experiments/compare/rows.ts";
import { bestTrial, runJobs } from "../../../experiments/compare/run.ts";

const COSTS = { attended: 1, residentBytes: 2, readBytes: 3, secondsPerToken: 4, perplexity: 5 };
const job: Job = {
  contestant: { label: "x", method: "streaming", trials: [{ window: 1 }, { window: 2 }, { window: 3 }] },
  regime: "beyond",
  length: 2048,
  variant: "plain",
  haystacks: 3,
  needles: 4,
  questionsPerNeedle: 1,
  tuningLength: 2048,
  tuning: 2,
};

/** A bench on which a larger window is better, and that takes down what it was asked. */
function bench(asked: unknown[][], wins = 2): Bench {
  return {
    answers: (_: unknown, knobs: { window: number }, { seed, haystacks }: { seed: number; haystacks: number }) => {
      asked.push([knobs.window, seed, haystacks]);
      const exact = knobs.window === wins ? 1 : 0;
      return Promise.resolve({ questions: 4 * haystacks, exact, low: 0, high: 1, peakBytes: 9 });
    },
    costs: () => Promise.resolve(COSTS),
  } as unknown as Bench;
}

Deno.test("runJobs tries each setting on contexts of its own and reports the best one on others", async () => {
  const asked: unknown[][] = [];
  const seen: CompareRow[] = [];
  const onRow = (row: CompareRow) => void seen.push(row);
  const rows = await runJobs(bench(asked), [job], { seed: 1, known: [], onRow });
  assertEquals(asked, [[1, 5001, 2], [2, 5001, 2], [3, 5001, 2], [2, 1, 3]]);
  assertEquals(rows.map(({ part, trial }) => [part, trial]), [
    ["tuning", 0],
    ["tuning", 1],
    ["tuning", 2],
    ["reported", 1],
  ]);
  assertEquals(seen, rows);
  // What was measured before is not measured again, and not told again.
  const again: unknown[][] = [];
  assertEquals(await runJobs(bench(again), [job], { seed: 1, known: rows.slice(0, 3), onRow }), rows);
  assertEquals(again, [[2, 1, 3]]);
});

Deno.test("bestTrial takes the first of equal settings", () => {
  assertEquals(bestTrial([{ trial: 0, exact: 0.5 }, { trial: 1, exact: 1 }, { trial: 2, exact: 1 }]), 1);
  assertEquals(bestTrial([]), 0);
});
