import { fewTies, NEAR_TIE } from "./golden_file.ts";

/** How one golden came out. */
export interface Verdict {
  /** Steps whose selection agrees, or tokens that do. */
  agree: number;
  /** Steps (or tokens) compared. */
  compared: number;
  /** Steps whose selection differs where the golden itself has near ties. */
  ties: number;
  /** Largest difference of an output. */
  absolute: number;
  /** Largest difference over the size of what was expected, among those of at least a thousandth of the largest. */
  relative: number;
  /** Whether all of it is as it has to be. */
  pass: boolean;
  /** What went wrong, where something did. */
  problem?: string;
}

/** Largest differences so far. */
export class Differences {
  /** Largest difference. */
  absolute = 0;
  /** Largest difference over the expected size. */
  relative = 0;

  /** Compares what came out with what was expected; a number that is none counts as infinitely far off. */
  add(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
    if (actual.length !== expected.length) {
      throw new RangeError(`${actual.length} numbers came out where the golden has ${expected.length}`);
    }
    let largest = 0;
    for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]));
    for (let i = 0; i < expected.length; i++) {
      const off = Math.abs(actual[i] - expected[i]);
      const difference = Number.isNaN(off) ? Infinity : off;
      this.absolute = Math.max(this.absolute, difference);
      const size = Math.abs(expected[i]);
      if (size >= largest / 1000 && size > 0) this.relative = Math.max(this.relative, difference / size);
    }
  }
}

/** Counts agreeing steps (or tokens), and keeps the first thing that went wrong. */
export class Tally {
  /** Differences of the outputs. */
  readonly differences: Differences = new Differences();
  readonly #minScoreGap: number;
  #agree = 0;
  #compared = 0;
  #ties = 0;
  #problem: string | undefined;

  /** `minScoreGap` is the golden's own; near zero, it excuses steps that differ. */
  constructor(minScoreGap = Infinity) {
    this.#minScoreGap = minScoreGap;
  }

  /** Counts a step; `problem` says what differs, undefined where nothing does. */
  count(problem: string | undefined): void {
    this.#compared++;
    if (problem === undefined) this.#agree++;
    else if (this.#minScoreGap < NEAR_TIE) this.#ties++;
    else this.fail(problem);
  }

  /** Notes a problem; only the first is told. */
  fail(problem: string): void {
    this.#problem ??= problem;
  }

  /** The verdict, where outputs may differ by `limit`. */
  verdict(limit: number, outputs: string): Verdict {
    const { absolute, relative } = this.differences;
    if (!fewTies(this.#ties, this.#compared)) {
      this.fail(`${this.#ties} of ${this.#compared} steps differ at near ties, more than 1 %`);
    }
    if (absolute > limit) this.fail(`${outputs} differ by more than ${limit}`);
    const problem = this.#problem;
    return {
      agree: this.#agree,
      compared: this.#compared,
      ties: this.#ties,
      absolute,
      relative,
      pass: problem === undefined,
      ...(problem !== undefined && { problem }),
    };
  }
}

const LABELS = ["case", "compared", "agree", "near ties", "largest difference", "relative", ""];
const WIDTHS = [52, 20, 14, 9, 18, 9, 5];

/** The table's head. */
export function verdictHead(): string {
  return `${line(LABELS)}\n${WIDTHS.map((width) => "-".repeat(width)).join("  ")}`;
}

/** A row of the table, and below it the problem, if any. `kind` says what was compared, such as "attention". */
export function verdictLine(name: string, kind: string, verdict: Verdict): string {
  const { agree, compared, ties, absolute, relative, pass, problem } = verdict;
  const figures = compared > 0
    ? [`${agree} of ${compared}`, `${ties}`, absolute.toExponential(1), relative.toExponential(1)]
    : ["", "", "", ""];
  const row = line([name, kind, ...figures, pass ? "pass" : "FAIL"]);
  return problem === undefined ? row : `${row}\n  ${problem}`;
}

function line(cells: readonly string[]): string {
  const left = (index: number) => index < 2 || index === 6;
  return cells.map((cell, index) => left(index) ? cell.padEnd(WIDTHS[index]) : cell.padStart(WIDTHS[index])).join("  ")
    .trimEnd();
}

/** Whether two lists of tokens are the same. */
export function sameTokens(actual: ArrayLike<number>, expected: ArrayLike<number>): boolean {
  return actual.length === expected.length && Array.from(actual).every((token, index) => token === expected[index]);
}
