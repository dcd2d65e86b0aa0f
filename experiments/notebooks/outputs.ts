import type { Notebook, NotebookCell, NotebookOutput } from "./notebook_file.ts";

/** Plotly's own type of output. */
const PLOTLY = "application/vnd.plotly.v1+json";
/** The most that the stored outputs of one cell may hold, as text. */
const MOST_BYTES = 2_000_000;

/** A notebook's fault, said with its cell's number, counted from 1 over all cells. */
export interface OutputFault {
  /** `missing` may be the kernel's doing and is tried again; the others are the notebook's. */
  readonly kind: "missing" | "error" | "large";
  /** What is wrong. */
  readonly text: string;
}

/** Shows that a cell's code makes: each call stands for one figure at least. */
function callsOfShow({ source }: NotebookCell): number {
  const code = source.replace(/\/\/.*$/gm, "");
  return code.match(/\bawait show\(/g)?.length ?? 0;
}

const hasFigure = ({ data }: NotebookOutput) => data !== undefined && (PLOTLY in data || "text/html" in data);

/**
 * What is wrong with the outputs of a notebook that was executed: errors, figures and printed lines that its code asks
 * for and that aren't there, and outputs too large to keep.
 */
export function outputFaults({ cells }: Notebook): OutputFault[] {
  return cells.flatMap((cell, index): OutputFault[] => {
    if (cell.cell_type !== "code") return [];
    const outputs = cell.outputs ?? [];
    const where = `cell ${index + 1}`;
    const faults: OutputFault[] = outputs.filter(({ output_type }) => output_type === "error")
      .map(({ ename, evalue }) => ({ kind: "error", text: `${where}: ${ename}: ${evalue}` }));
    const figures = outputs.filter(hasFigure).length;
    const asked = callsOfShow(cell);
    if (figures < asked) faults.push({ kind: "missing", text: `${where}: ${figures} of ${asked} figures` });
    if (
      /\b(console\.log|await print)\(/.test(cell.source) && !outputs.some(({ output_type }) => output_type === "stream")
    ) {
      faults.push({ kind: "missing", text: `${where}: nothing of what it prints` });
    }
    const bytes = JSON.stringify(storedOutputs(outputs)).length;
    if (bytes > MOST_BYTES) {
      faults.push({ kind: "large", text: `${where}: outputs of ${bytes} bytes, over ${MOST_BYTES}` });
    }
    return faults;
  });
}

/**
 * A notebook as it is stored: printed lines put together; HTML that brings plotly.js, or draws with it, left out. The figures
 * stay, in plotly's own type.
 */
export function storedNotebook(notebook: Notebook): Notebook {
  return {
    ...notebook,
    cells: notebook.cells.map((cell) => cell.outputs ? { ...cell, outputs: storedOutputs(cell.outputs) } : cell),
  };
}

function storedOutputs(outputs: readonly NotebookOutput[]): NotebookOutput[] {
  const stored: NotebookOutput[] = [];
  for (const output of outputs) {
    const last = stored.at(-1);
    if (output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name) {
      stored[stored.length - 1] = { ...last, text: (last.text ?? "") + (output.text ?? "") };
    } else {
      stored.push(output.data ? { ...output, data: withoutLibrary(output.data) } : output);
    }
  }
  return stored;
}

/** HTML of more than this is plotly.js itself, which the first figure of a notebook brings along. */
const LIBRARY_BYTES = 500_000;

/** Beside plotly's own type a figure's HTML says the same once more, and draws nothing without plotly.js. */
function withoutLibrary(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const html = data["text/html"];
  const length = (Array.isArray(html) ? html.join("") : String(html ?? "")).length;
  if (!(PLOTLY in data) && length < LIBRARY_BYTES) return { ...data };
  return Object.fromEntries(Object.entries(data).filter(([type]) => type !== "text/html"));
}
