import { textTable } from "../../lib/evaluation/mod.ts";
import { type CompareRow, isWhole } from "./rows.ts";
import { settingText } from "./setting.ts";
import { columnLabels, remarks, rowCells } from "./table.ts";

/** Reported rows that were measured to their end, those of one method together, in the order of the first one's coming. */
export function reportedRows(rows: readonly CompareRow[]): CompareRow[] {
  return rows.filter((row) => isWhole(row) && row.part === "reported");
}

/** Exact match of each method in each test: a line for a method, a column for a length and a kind of needle. */
export function exactGrid(rows: readonly CompareRow[]): {
  methods: string[];
  tests: { length: number; variant: string; label: string }[];
  at: (method: string, test: { length: number; variant: string }) => CompareRow | undefined;
} {
  const reported = reportedRows(rows);
  const lengths = [...new Set(reported.map(({ length }) => length))].sort((a, b) => a - b);
  const variants = [...new Set(reported.map(({ variant }) => variant))];
  const at = (method: string, { length, variant }: { length: number; variant: string }) =>
    reported.find((row) => row.method === method && row.length === length && row.variant === variant);
  const tests = lengths.flatMap((length) =>
    variants.map((variant) => ({ length, variant, label: `${length.toLocaleString("en-US")} ${variant}` }))
  ).filter((test) => reported.some(({ method }) => at(method, test)));
  const last = lengths.filter((length) => length > 512);
  // Best first, by what was found beyond the trained window, then inside it.
  const worth = (method: string) => {
    const of = (some: typeof tests) => some.reduce((sum, test) => sum + (at(method, test)?.exact ?? 0), 0);
    return of(tests.filter(({ length }) => last.includes(length))) + of(tests) / 1000;
  };
  const methods = [...new Set(reported.map(({ method }) => method))].sort((a, b) => worth(b) - worth(a));
  return { methods, tests, at };
}

/** The grid as a table; a method that has no row there has an empty cell. */
export function gridTable(rows: readonly CompareRow[]): string {
  const { methods, tests, at } = exactGrid(rows);
  const cells = methods.map((method) => [method, ...tests.map((test) => at(method, test)?.exact.toFixed(2) ?? "")]);
  return textTable(["method", ...tests.map(({ label }) => label)], cells);
}

/** All that a file of rows holds, as a page of Markdown: the grid, every row, and every setting that was tried. */
export function recordMarkdown(rows: readonly CompareRow[]): string {
  const reported = reportedRows(rows);
  const made = [...new Set(reported.map(({ machine, date }) => `${machine}, ${date}`))];
  const order = exactGrid(rows).methods;
  const sorted = reported.toSorted((a, b) =>
    a.length - b.length || a.variant.localeCompare(b.variant) * -1 || order.indexOf(a.method) - order.indexOf(b.method)
  );
  const tried = rows.filter((row) => isWhole(row) && row.part === "tuning");
  const settings = [...new Set(tried.map(({ method, length, variant }) => JSON.stringify([method, length, variant])))]
    .map((key) => {
      const [method, length, variant] = JSON.parse(key) as [string, number, string];
      const own = tried.filter((row) => row.method === method && row.length === length && row.variant === variant)
        .sort((a, b) => a.trial - b.trial);
      const words = own.map(({ knobs, exact }) => `${settingText(knobs)}: ${exact.toFixed(2)}`);
      return [method, length.toLocaleString("en-US"), variant, `${own[0].questions}`, words.join("; ")];
    });
  return [
    "# Attention methods side by side",
    "Written by `deno task compare --report FILE` from the rows beside it; do not edit.",
    `Measured on ${made.join("; on ")}.`,
    ...remarks,
    "## Exact match",
    gridTable(rows),
    "## Every figure",
    textTable(columnLabels.map(({ label }) => label), sorted.map(rowCells)),
    "## The settings that were tried",
    "Each on contexts of its own, which no figure above rests on; the first is the usual one. The best one is reported, of equal " +
    "ones the first. Where contexts are longer than 2,048 tokens, the setting is the one that was best at 2,048.",
    textTable(["method", "length", "needles", "questions", "settings and exact match"], settings),
    "",
  ].join("\n\n");
}
