import { assertEquals, assertRejects } from "@std/assert";
import type { Answers, Bench } from "../../../experiments/compare/measure.ts";
import type { Job } from "../../../experiments/compare/plan.ts";
import type { CompareRow } from "../../../experiments/compare/rows.ts";
import { bestTrial, runJobs } from "../../../experiments/compare/run.ts";

const MADE = { machine: "a machine", date: "2026-01-31" };
const COSTS = { attended: 1, residentBytes: 2, readBytes: 3, secondsPerToken: 4, perplexity: 5 };
const job: Job = {
  contestant: { label: "streaming", method: "streaming", trials: [{ window: 1 }, { window: 2 }, { window: 3 }] },
  regime: "beyond",
  length: 2048,
  variant: "plain",
  haystacks: 3,
  needles: 4,
  questionsPerNeedle: 1,
  tuningLength: 2048,
  tuning: 2,
  judged: 256,
};

/** What the bench was asked to read: window, length, seed and number of a context. */
type Asked = [window: number | undefined, length: number, seed: number, haystack: number];

/** A bench on which one window is better than others; it takes down what it reads, and breaks down after so many contexts. */
function bench(asked: Asked[], { wins = 2, breaksAfter = Infinity, timed = true } = {}): Bench {
  return {
    timed,
    async *answers(
      _: unknown,
      knobs: { window?: number },
      { length, seed, haystacks }: { length: number; seed: number; haystacks: number },
      before: Pick<Answers, "correct"> = { correct: [] },
    ): AsyncGenerator<Answers> {
      const correct = [...before.correct];
      while (correct.length < haystacks) {
        if (asked.length >= breaksAfter) throw new Error("stopped");
        asked.push([knobs.window, length, seed, correct.length]);
        correct.push(knobs.window === wins ? 4 : 0);
        const exact = knobs.window === wins ? 1 : 0;
        yield { correct: [...correct], questions: 4 * correct.length, exact, low: 0, high: 1, peakBytes: 9 };
        await Promise.resolve();
      }
    },
    costs: () => Promise.resolve({ ...COSTS, secondsPerToken: timed ? COSTS.secondsPerToken : null }),
  } as unknown as Bench;
}

const EVERYTHING: readonly Asked[] = [
  ...[1, 2, 3].flatMap((window): Asked[] => [[window, 2048, 5001, 0], [window, 2048, 5001, 1]]),
  ...[0, 1, 2].map((haystack): Asked => [2, 2048, 1, haystack]),
];

Deno.test("runJobs tries each setting on contexts of its own and reports the best one on others", async () => {
  const asked: Asked[] = [];
  const seen: CompareRow[] = [];
  const rows = await runJobs(bench(asked), [job], { seed: 1, ...MADE, known: [], onRow: (row) => void seen.push(row) });
  assertEquals(asked, EVERYTHING);
  assertEquals(rows.map(({ part, trial, correct }) => [part, trial, correct]), [
    ["tuning", 0, [0, 0]],
    ["tuning", 1, [4, 4]],
    ["tuning", 2, [0, 0]],
    ["reported", 1, [4, 4, 4]],
  ]);
  // Each context is told once it was read; costs come with the last one.
  assertEquals(seen.map(({ correct, perplexity }) => [correct.length, perplexity]), [
    ...[[1, null], [2, null], [1, null], [2, null], [1, null], [2, null]],
    ...[[1, null], [2, null], [3, 5]],
  ]);
});

Deno.test("runJobs goes on from the context at which it was stopped, wherever that was", async () => {
  const whole = await runJobs(bench([]), [job], { seed: 1, ...MADE, known: [], onRow: () => {} });
  for (let breaksAfter = 0; breaksAfter <= EVERYTHING.length; breaksAfter++) {
    const kept = new Map<string, CompareRow>();
    const onRow = (row: CompareRow) => void kept.set(`${row.part} ${row.trial}`, row);
    const asked: Asked[] = [];
    const first = runJobs(bench(asked, { breaksAfter }), [job], { seed: 1, ...MADE, known: [], onRow });
    if (breaksAfter < EVERYTHING.length) await assertRejects(() => first, Error, "stopped");
    else await first;
    const again: Asked[] = [];
    const rows = await runJobs(bench(again), [job], { seed: 1, ...MADE, known: [...kept.values()], onRow });
    assertEquals([...asked, ...again], EVERYTHING);
    assertEquals(rows, whole);
  }
});

Deno.test("runJobs times what a run that shared the adapter left untimed, and reads nothing anew for it", async () => {
  const known = await runJobs(bench([], { timed: false }), [job], { seed: 1, ...MADE, known: [], onRow: () => {} });
  assertEquals(known.map(({ secondsPerToken }) => secondsPerToken), [null, null, null, null]);
  const times = async (options: { timed: boolean; machine: string }) => {
    const asked: Asked[] = [];
    const seen: CompareRow[] = [];
    const about = { seed: 1, ...MADE, ...options, known, onRow: (row: CompareRow) => void seen.push(row) };
    const rows = await runJobs(bench(asked, options), [job], about);
    assertEquals(asked, []);
    assertEquals(rows.map(({ correct }) => correct), known.map(({ correct }) => correct));
    return [seen.length, rows.at(-1)!.secondsPerToken];
  };
  assertEquals(await times({ timed: true, machine: "a machine" }), [1, 4]);
  assertEquals(await times({ timed: false, machine: "a machine" }), [0, null]);
  // The time of another machine says nothing beside this one's answers.
  assertEquals(await times({ timed: true, machine: "another machine" }), [0, null]);
});

Deno.test("runJobs takes the setting that was best at the length where settings are tried", async () => {
  const asked: Asked[] = [];
  const long = { ...job, length: 65536, haystacks: 1, tuningLength: 4096, tuning: 1 };
  const rows = await runJobs(bench(asked, { wins: 480 }), [long], { seed: 1, ...MADE, known: [], onRow: () => {} });
  // The settings of streaming in contestants.ts at 4,096 tokens; the one in second place is reported.
  assertEquals(asked, [[undefined, 4096, 5001, 0], [480, 4096, 5001, 0], [256, 4096, 5001, 0], [2, 65536, 1, 0]]);
  assertEquals(rows.at(-1)!.length, 65536);
});

Deno.test("bestTrial takes the first of equal settings", () => {
  assertEquals(bestTrial([{ trial: 0, exact: 0.5 }, { trial: 1, exact: 1 }, { trial: 2, exact: 1 }]), 1);
  assertEquals(bestTrial([]), 0);
});
