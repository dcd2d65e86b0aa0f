import { clusteredInterval, type DemoRow } from "../../lib/evaluation/mod.ts";

/**
 * Rows of the same method and length as one: other seeds have other haystacks, so their answers add up. Of rows of one seed,
 * which have the same haystacks, the one with most of them counts.
 */
export function poolRows<Row extends DemoRow>(rows: readonly Row[]): Row[] {
  const groups = Map.groupBy(rows, ({ method, length }) => JSON.stringify([method, length]));
  return [...groups.values()].map((group) => pooled(group)).sort((a, b) => a.length - b.length);
}

function pooled<Row extends DemoRow>(rows: readonly Row[]): Row {
  const bySeed = Map.groupBy(rows, ({ seed }) => seed);
  const seeds = [...bySeed.values()].map((same) =>
    same.reduce((most, row) => row.questions > most.questions ? row : most)
  );
  if (seeds.length === 1) return seeds[0];
  let haystacks = 0;
  const answers = seeds.flatMap((row) => {
    const first = haystacks;
    haystacks += row.haystacks;
    return row.answers.map((answer) => ({ ...answer, haystack: first + answer.haystack }));
  });
  const scores = Array.from({ length: haystacks }, (_, haystack) => {
    const here = answers.filter((answer) => answer.haystack === haystack);
    return { correct: here.filter(({ correct }) => correct).length, total: here.length };
  });
  const sum = (value: (row: Row) => number) => seeds.reduce((total, row) => total + value(row), 0);
  const most = (value: (row: Row) => number) => Math.max(...seeds.map(value));
  return {
    ...seeds[0],
    haystacks,
    answers,
    questions: answers.length,
    exact: answers.filter(({ correct }) => correct).length / answers.length,
    ...clusteredInterval(scores, { agreeing: "haystack" }),
    scope: most(({ scope }) => scope),
    seconds: sum(({ seconds }) => seconds),
    peakBytes: most(({ peakBytes }) => peakBytes),
    tokensPerSecond: haystacks / sum((row) => row.haystacks / row.tokensPerSecond),
  };
}
