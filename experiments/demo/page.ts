import type { DemoRow } from "../../lib/evaluation/mod.ts";
import { accuracyFigure, attendedSpans, type ReportSection, selectedSpansFigure } from "../../lib/viz/mod.ts";
import { renderReport } from "../../lib/viz/mod.ts";
import { NEEDLES } from "./plan.ts";
import type { DemoPicture } from "./run.ts";
import { rowCells, tableNotes, telling } from "./table.ts";

/** What the page shows. */
export interface DemoPage {
  /** The table's rows. */
  rows: readonly DemoRow[];
  /** One question's selection, where a method selected. */
  picture?: DemoPicture;
  /** Tokens the model was trained with. */
  trainedContext: number;
  /** The machine and its adapter, in words. */
  machine: string;
  /** The day, as 2026-01-31. */
  date: string;
  /** The text of plotly.js. */
  plotlySource: string;
}

/** Writes the demo's page. */
export function demoPage(page: DemoPage): string {
  const { rows, picture, trainedContext, machine, date, plotlySource } = page;
  return renderReport({
    title: `Needles in haystacks, with a model trained at ${trainedContext} tokens`,
    introduction: introduction(rows, trainedContext, `Measured on ${date} on ${machine}, seed ${rows[0]?.seed}.`),
    sections: [accuracySection(rows, trainedContext), ...(picture ? [pictureSection(picture)] : [])],
    plotlySource,
  });
}

function introduction(rows: readonly DemoRow[], trainedContext: number, measured: string): string {
  const longest = Math.max(...rows.map(({ length }) => length));
  return `Each context is prose of novels that the model never saw, with ${NEEDLES} needles such as "The secret code of Zena is ` +
    '482 913." in it, whose names and numbers it never saw either. It is read once by each method; each question is then ' +
    "asked from a fork of that session, and counts only if the answer is exactly right. The longest context here is " +
    `${thousands(longest)} tokens, ${
      (longest / trainedContext).toFixed(0)
    } times what the model was trained with.\n\n${measured}`;
}

function accuracySection(rows: readonly DemoRow[], trainedContext: number): ReportSection {
  const shown = telling(rows);
  return {
    heading: "Exact match against length",
    text:
      "Bars are 95 % intervals. Hollow marks are rows whose knobs let a step attend to more tokens than the model was " +
      `trained with. Dotted: the training's length, and what an answer with any one of the ${NEEDLES} values would reach.`,
    figure: accuracyFigure(rows.filter((row) => row.variant === "plain" && row.opening), {
      trainedContext,
      chance: 1 / NEEDLES,
    }),
    table: {
      columns: shown.map(({ label, align }) => ({ label, align })),
      rows: rows.map((row) => rowCells(row, shown)),
      note: tableNotes(rows, trainedContext).join("\n\n"),
    },
  };
}

/** One question's selection, as a section. */
export function pictureSection(picture: DemoPicture): ReportSection {
  const { method, length, cached, prompt, answer, needle, questionStart, text, layers } = picture;
  const share = (count: number) => `${count} of ${layers.length} layers`;
  const holding = layers.filter(({ groups }) =>
    groups.some((group) => attendedSpans(group).some((span) => span.start < needle.end && span.end > needle.start))
  );
  const scope = Math.max(...layers.flatMap(({ groups }) => groups.map((group) => group.indices.length)));
  return {
    heading: `What each layer selected for one question at ${thousands(length)} tokens`,
    text:
      `The question "${prompt}" was answered "${answer.answer}" by ${method}; right is "${answer.expected}". This is what ` +
      `the layers attended to when they wrote the value's first token: at most ${thousands(scope)} of ${
        thousands(cached)
      } tokens. ${share(holding.length)} attended to tokens of the needle, which stands at token ${
        thousands(needle.start)
      }.\n\n` +
      "Point at a span for its tokens, its votes and its text; drag to zoom, double-click to go back.",
    figure: selectedSpansFigure({
      layers,
      length: cached,
      needle,
      questionStart,
      text,
    }),
  };
}

function thousands(number: number): string {
  return number.toLocaleString("en-US");
}
