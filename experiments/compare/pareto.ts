import { paretoFigure, type ReportSection } from "../../lib/viz/mod.ts";
import type { CompareRow } from "./rows.ts";

/** An axis of what a method takes. */
interface Axis {
  readonly heading: string;
  readonly xTitle: string;
  readonly value: (row: CompareRow) => number | null;
  /** Whether a row belongs there. Default: all do. */
  readonly holds?: (row: CompareRow) => boolean;
}

const mega = (bytes: number | null) => bytes === null ? null : bytes / 2 ** 20;
/** Methods that keep less than everything: only they compare at an equal cache. */
const FORGETS = /^(window|streaming|lm-infinite|h2o|snapkv)/;

/** Whether a row competes: the oracle is told what to find, so that a front with it would be its own. */
export function isRival({ method }: CompareRow): boolean {
  return method !== "oracle";
}

const axes: readonly Axis[] = [
  { heading: "attended tokens per query", xTitle: "attended tokens", value: ({ attended }) => attended },
  {
    heading: "bytes that stay, of the methods that forget, and full attention",
    xTitle: "keys, values and what is kept beside them (MiB)",
    value: ({ residentBytes }) => mega(residentBytes),
    holds: ({ method }) => FORGETS.test(method) || method === "full",
  },
  {
    heading: "bytes read for a token, scoring included",
    xTitle: "read for a token (MiB)",
    value: ({ readBytes }) => mega(readBytes),
  },
];

/** Exact match against each of the three costs, for every length. */
export function paretoSections(rows: readonly CompareRow[], variant: string): ReportSection[] {
  const lengths = [...new Set(rows.map(({ length }) => length))].sort((a, b) => a - b);
  return lengths.flatMap((length) =>
    axes.flatMap(({ heading, xTitle, value, holds = () => true }): ReportSection[] => {
      const points = rows.filter((row) => row.length === length && isRival(row) && holds(row)).flatMap((row) => {
        const x = value(row);
        if (x === null) return [];
        const { method: name, exact: y, low, high, questions } = row;
        return [{ name, x, y, low, high, text: `${name}: ${y.toFixed(2)} of ${questions} questions` }];
      });
      if (points.length < 2) return [];
      const title = `${length.toLocaleString("en-US")} tokens, needles ${variant}: ${heading}`;
      return [{
        heading: title,
        text:
          "Upper left is better; the line joins methods that no other one beats in both. The oracle, which is told where to look, is left out.",
        figure: paretoFigure({ title: "", xTitle, yTitle: "exact match (share)", xScale: "log", points }),
      }];
    })
  );
}
