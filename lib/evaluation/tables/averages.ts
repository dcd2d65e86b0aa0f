import { levalClosedTasks } from "../metrics/leval.ts";
import { longBenchTask, longBenchTasks } from "../metrics/longbench.ts";
import type { PredictedBenchmark } from "../predictions/official_layouts.ts";
import { meanOf } from "../statistics.ts";

/** A mean over tasks, with what it is a mean of. */
export interface Average {
  /** What it is, with the tasks or groups it has. */
  readonly label: string;
  /** On the tasks' scale. */
  readonly value: number;
}

/** A mean over those of the wanted tasks that were run; undefined where none was. */
function over(label: string, scores: ReadonlyMap<string, number>, wanted: readonly string[]): Average[] {
  const found = wanted.filter((task) => scores.has(task));
  if (found.length === 0) return [];
  const of = found.length === wanted.length ? `all ${wanted.length}` : `${found.length} of ${wanted.length}`;
  return [{ label: `${label} (${of})`, value: meanOf(found.map((task) => scores.get(task)!)) }];
}

function longBench(scores: ReadonlyMap<string, number>): Average[] {
  const tasks = Object.keys(longBenchTasks);
  const groups = [...new Set(Object.values(longBenchTasks).map(({ group }) => group))];
  const english = tasks.filter((task) => !longBenchTask(task).chinese);
  const chinese = tasks.filter((task) => longBenchTask(task).chinese);
  const byGroup = (part: readonly string[]) =>
    groups.flatMap((group) => over(group, scores, part.filter((task) => longBenchTask(task).group === group)));
  const [inEnglish, inAll] = [byGroup(english), byGroup(tasks)];
  const macro = (label: string, means: readonly Average[]): Average[] => {
    if (means.length === 0) return [];
    return [{ label: `${label}: mean of ${means.length} of 6 groups`, value: meanOf(means.map(({ value }) => value)) }];
  };
  return [
    ...inEnglish.map(({ label, value }) => ({ label: `English, ${label}`, value })),
    ...macro("English, the leaderboard's Avg", inEnglish),
    ...over("English and code, flat mean (OpenCompass longbench_en)", scores, english),
    ...over("Chinese and code, flat mean (OpenCompass longbench_zh)", scores, [...chinese, "lcc", "repobench-p"]),
    ...macro("English and Chinese", inAll),
    ...over("flat mean", scores, tasks),
  ];
}

const infiniteBenchPaper = ["longbook_choice_eng", "longbook_qa_eng", "longbook_sum_eng"];

/**
 * The averages that a benchmark's tables state, each with what it is a mean of; tasks that were not run are left out and
 * counted.
 *
 * @param scores by official task name
 *
 * @example
 * ```ts
 * import { averagesOf } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const [average] = averagesOf("leval", new Map([["tpo", 80], ["quality", 60]]));
 * assertEquals(average, { label: "closed tasks (2 of 7: quality, tpo)", value: 70 });
 * ```
 */
export function averagesOf(benchmark: PredictedBenchmark, scores: ReadonlyMap<string, number>): Average[] {
  const all = [...scores.keys()];
  switch (benchmark) {
    case "longbench":
      return longBench(scores);
    case "leval": {
      const closed = Object.keys(levalClosedTasks);
      const ran = closed.filter((task) => scores.has(task));
      const label = `closed tasks (${ran.length} of ${closed.length}: ${ran.join(", ")})`;
      const opened = all.filter((task) => !closed.includes(task));
      return [
        ...(ran.length > 0 ? [{ label, value: meanOf(ran.map((task) => scores.get(task)!)) }] : []),
        ...(opened.length > 0 ? over("open tasks", scores, opened) : []),
        ...over("flat mean", scores, all),
      ];
    }
    case "infinitebench":
      return [
        ...over("En.MC, En.QA and En.Sum, as the ReAttention paper averages", scores, infiniteBenchPaper),
        ...over("flat mean", scores, all),
      ];
    default:
      return over("flat mean", scores, all);
  }
}

/**
 * RULER's means over lengths: plain, and weighted linearly towards longer or shorter ones (wAvg inc and dec of its tables).
 *
 * @param byLength mean of the tasks by length
 *
 * @example
 * ```ts
 * import { rulerAverages } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const values = rulerAverages(new Map([[4096, 90], [8192, 60]])).map(({ value }) => value);
 * assertEquals(values, [75, 70, 80]);
 * ```
 */
export function rulerAverages(byLength: ReadonlyMap<number, number>): Average[] {
  const lengths = [...byLength.keys()].sort((a, b) => a - b);
  if (lengths.length === 0) return [];
  const weighted = (weight: (index: number) => number) => {
    const weights = lengths.map((_, index) => weight(index));
    const sum = lengths.reduce((sum, length, index) => sum + weights[index] * byLength.get(length)!, 0);
    return sum / weights.reduce((a, b) => a + b, 0);
  };
  return [
    { label: `mean over ${lengths.length} lengths`, value: weighted(() => 1) },
    { label: "weighted towards longer ones (wAvg inc)", value: weighted((index) => index + 1) },
    { label: "weighted towards shorter ones (wAvg dec)", value: weighted((index) => lengths.length - index) },
  ];
}
