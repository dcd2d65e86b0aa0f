import { textTable } from "../../lib/evaluation/mod.ts";
import type { Published, PublishedRow } from "../evaluate/compare.ts";
import { averageTable, partLines, type ScoredSet, scoreTable } from "../evaluate/report.ts";

/** Tables of a run with published scores beside: by task, averages, by length, and what fits no row. */
export function renderTables(scored: readonly ScoredSet[], published: readonly Published[]): string {
  const rows = published.flatMap((source) => source.rows);
  const together = rows.length > 0 ? { source: "", rows } : undefined;
  const tasks = new Set(scored.map(({ task }) => task));
  const parts = [
    scoreTable(scored, together),
    averageTable(scored, together && { source: "", rows: rows.map((row) => onlyTasks(row, tasks)) }),
    lengthTable(scored, rows),
    partLines(scored).join("\n"),
    otherLines(rows, tasks).join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

const isLength = (name: string) => /^\d+$/.test(name);

function onlyTasks({ name, scores }: PublishedRow, tasks: ReadonlySet<string>): PublishedRow {
  return { name, scores: Object.fromEntries(Object.entries(scores).filter(([task]) => tasks.has(task))) };
}

/** Means over tasks by length, as RULER's tables state them. */
function lengthTable(scored: readonly ScoredSet[], rows: readonly PublishedRow[]): string {
  const ruler = scored.filter(({ score }) => score.benchmark === "ruler");
  const lengths = [...new Set(ruler.map(({ length }) => length ?? 0))].sort((a, b) => a - b);
  if (lengths.length === 0) return "";
  const columns = [...new Set(ruler.map(({ column, method }) => column ?? method))];
  const theirs = rows.filter(({ scores }) => Object.keys(scores).some(isLength));
  const tasks = new Set(ruler.map(({ task }) => task)).size;
  const cells = lengths.map((length) => {
    const ours = columns.map((name) => {
      const own = ruler.filter((set) => (set.column ?? set.method) === name && set.length === length);
      return own.length === 0 ? "" : (own.reduce((sum, { score }) => sum + score.score, 0) / own.length).toFixed(2);
    });
    return [length.toLocaleString("en-US"), ...ours, ...theirs.map(({ scores }) => scores[length]?.toFixed(2) ?? "")];
  });
  const head = [`mean of ${tasks} tasks at`, ...columns, ...theirs.map(({ name }) => `${name} (published, 13 tasks)`)];
  return textTable(head, cells);
}

/** Published figures that are of no task and no length. */
function otherLines(rows: readonly PublishedRow[], tasks: ReadonlySet<string>): string[] {
  return rows.flatMap(({ name, scores }) => {
    const others = Object.entries(scores).filter(([key]) => !tasks.has(key) && !isLength(key));
    if (others.length === 0) return [];
    return [`${name} (published): ${others.map(([key, score]) => `${key} ${score.toFixed(2)}`).join(", ")}`];
  });
}
