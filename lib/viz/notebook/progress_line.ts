import { jupyterDisplay, PlatformError } from "../../platform.ts";
import { escapeHtml } from "../../notebook/mod.ts";
import { grouped } from "../figure.ts";

/** A line below a cell that tells how far its work is. */
export interface ProgressLine {
  /** Tells how much is done; fits `onProgress` of `session.append`. */
  readonly report: (done: number, total: number) => void;
  /** Tells in words instead. */
  readonly say: (words: string) => void;
  /** The last words, and the end. */
  readonly end: (words?: string) => Promise<void>;
}

/** Options of a progress line. */
export interface ProgressLineOptions {
  /** What is counted. Default "tokens". */
  unit?: string;
  /** Least milliseconds between two updates. Default 250. */
  every?: number;
  /** Milliseconds since any moment. Default: the machine's clock. */
  now?: () => number;
  /** Where the line goes; with `update` it takes the place of the one of the same id. Default: below the running cell. */
  display?: (bundle: Record<string, unknown>, output: { id: string; update: boolean }) => Promise<void>;
}

/**
 * One progress line below the running cell that is updated in place. Outside a notebook it does nothing, so that the same
 * code runs as a script.
 *
 * @param what the work, such as "reading the context"
 *
 * @example
 * ```ts
 * import { progressLine } from "@reattention/toolkit/viz";
 *
 * const progress = progressLine("reading the context");
 * for (let done = 0; done <= 8192; done += 64) progress.report(done, 8192);
 * await progress.end();
 * ```
 */
export function progressLine(what: string, options: ProgressLineOptions = {}): ProgressLine {
  const { unit = "tokens", every = 250, now = () => performance.now(), display = below } = options;
  const id = `reattention-${crypto.randomUUID()}`;
  const start = now();
  let shown = -Infinity;
  let said = "";
  // Updates go out one after the other: an early one must not overtake a later one.
  let queue: Promise<void> = Promise.resolve();
  let begun = false;
  const put = (words: string, share?: number) => {
    said = words;
    shown = now();
    const update = begun;
    begun = true;
    queue = queue.then(() => display(lineBundle(words, share), { id, update }));
  };
  return {
    report(done, total) {
      said = counted(what, unit, done, total, now() - start);
      if (now() - shown >= every) put(said, total > 0 ? done / total : undefined);
    },
    say(words) {
      said = `${what}: ${words}`;
      if (now() - shown >= every) put(said);
    },
    async end(words) {
      const seconds = ((now() - start) / 1000).toFixed(1);
      put(words ?? `${what}: done in ${seconds} s`, 1);
      await queue;
    },
  };
}

function counted(what: string, unit: string, done: number, total: number, milliseconds: number): string {
  const left = done > 0 ? milliseconds * (total - done) / done / 1000 : NaN;
  const wait = Number.isFinite(left) && done < total ? `, ${left < 10 ? left.toFixed(1) : left.toFixed(0)} s left` : "";
  return `${what}: ${grouped(done)} of ${grouped(total)} ${unit}${wait}`;
}

function lineBundle(words: string, share: number | undefined): Record<string, unknown> {
  const bar = share === undefined ? "" : `<progress max="1" value="${share.toFixed(4)}"></progress> `;
  return { "text/plain": words, "text/html": `<div>${bar}${escapeHtml(words)}</div>` };
}

async function below(bundle: Record<string, unknown>, output: { id: string; update: boolean }): Promise<void> {
  try {
    await jupyterDisplay(bundle, output);
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
  }
}
