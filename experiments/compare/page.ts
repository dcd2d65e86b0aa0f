import { accuracyFigure, renderReport, type ReportSection } from "../../lib/viz/mod.ts";
import { paretoSections } from "./pareto.ts";
import { type CompareRow, isWhole } from "./rows.ts";
import { settingText } from "./setting.ts";
import { columnLabels, remarks, rowCells } from "./table.ts";

/** What the page shows. */
export interface ComparePage {
  /** Rows, tuning ones too. */
  readonly rows: readonly CompareRow[];
  /** The machine and its adapter, in words. */
  readonly machine: string;
  /** The day, as 2026-01-31. */
  readonly date: string;
  /** The text of plotly.js. */
  readonly plotlySource: string;
}

/** Writes the page. */
export function comparePage({ rows, machine, date, plotlySource }: ComparePage): string {
  const whole = rows.filter(isWhole);
  const reported = whole.filter(({ part }) => part === "reported");
  return renderReport({
    title: "Attention methods side by side",
    introduction: `${remarks.join("\n\n")}\n\nMeasured on ${date} on ${machine}.`,
    sections: [...variantsOf(reported).flatMap((variant) => sections(reported, variant)), ...sweep(whole)],
    plotlySource,
  });
}

function sections(reported: readonly CompareRow[], variant: string): ReportSection[] {
  const own = reported.filter((row) => row.variant === variant);
  const beyond = own.filter(({ regime }) => regime === "beyond");
  return [
    {
      heading: `Needles: ${variant}`,
      text: "Every method at every length, knobs as tuned.",
      ...(beyond.length > 0 && { figure: accuracyFigure(beyond, { chance: 1 / 4 }) }),
      table: { columns: [...columnLabels], rows: own.map(rowCells), note: "" },
    },
    ...paretoSections(own, variant),
  ];
}

/** The settings that were tried. */
function sweep(rows: readonly CompareRow[]): ReportSection[] {
  const tried = rows.filter(({ part }) => part === "tuning");
  if (tried.length === 0) return [];
  return [{
    heading: "The settings that were tried",
    text:
      "Each method's settings on the tuning contexts, which no reported figure uses; the best one is reported on others.",
    table: {
      columns: [
        { label: "method", align: "left" },
        { label: "length", align: "right" },
        { label: "needles", align: "left" },
        { label: "setting", align: "left" },
        { label: "exact", align: "right" },
        { label: "of", align: "right" },
      ],
      rows: tried.map(({ method, length, variant, knobs, exact, questions }) => [
        method,
        length.toLocaleString("en-US"),
        variant,
        settingText(knobs),
        exact.toFixed(2),
        `${questions}`,
      ]),
      note: "",
    },
  }];
}

function variantsOf(rows: readonly CompareRow[]): string[] {
  return [...new Set(rows.map(({ variant }) => variant))];
}
