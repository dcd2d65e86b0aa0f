import { assertEquals } from "@std/assert";
import { statusLines } from "../../../experiments/ablate/runs/words.ts";
import type { RunPlan, TaskProgress } from "../../../lib/evaluation/mod.ts";

const createdAt = "2026-03-01T10:00:00.000Z";
const plan = { name: "spans", executor: "slurm", createdAt, trials: 40, tasks: 4, out: "results/spans.db" } as RunPlan;

function task(number: number, done: number, failed = 0, attempts = 1): TaskProgress {
  return { task: number, trials: 10, done, failed, attempts, lastEnded: undefined };
}

Deno.test("statusLines tells what ended, what runs, what waits, and which tasks need a resume, with their last words", () =>
  statusLines({
    run: { path: "results/runs/spans", plan },
    progress: [task(0, 9, 1), task(1, 4), task(2, 0, 0, 0), task(3, 6, 0, 2)],
    live: new Map([
      [1, { running: true, words: "running on node4" }],
      [2, { running: false, words: "waiting: Priority" }],
    ]),
    lastWords: (task) => Promise.resolve(`last words of ${task}`),
    now: Date.parse(createdAt) + 600_000,
  }).then((lines) =>
    assertEquals(lines, [
      "spans (slurm, planned 2026-03-01 10:00 UTC): 19 of 40 trials done, 1 failed, 20 missing",
      "4 tasks: 1 ended, 1 running, 1 waiting, 1 not running with trials missing",
      "2.0 trials a minute since it was planned; at that rate 10 min left",
      "  task 1: running on node4",
      "  task 2: waiting: Priority",
      "  task 3: 6 of 10 trials, begun 2 times; its log ends: last words of 3",
      "deno task ablate resume results/runs/spans runs what is missing.",
      "deno task ablate resume results/runs/spans --retry-failed runs failed trials again.",
      "deno task ablate collect results/runs/spans brings what ended into results/spans.db.",
    ])
  ));
