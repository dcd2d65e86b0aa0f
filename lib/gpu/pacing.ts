/**
 * Learns how much work the adapter does in a millisecond, so that no submit holds the event loop for long.
 *
 * On a software adapter a second submit waits inside the call until the first is done: the time between the
 * two returns is then the time the first one took. On a discrete GPU submits return at once and nothing is learned.
 */
export class Pacing {
  /** Work units (about one multiply-add each) that one submit may hold. */
  budget: number;
  readonly #targetMilliseconds: number;
  readonly #adapts: boolean;
  #lastReturn = 0;
  #lastWork = 0;

  /** `software` adapters start low and adapt; others start at what a discrete GPU does in the target time. */
  constructor(software: boolean, targetMilliseconds = 40) {
    this.#targetMilliseconds = targetMilliseconds;
    this.#adapts = software;
    this.budget = targetMilliseconds * (software ? 2e6 : 1e9);
  }

  /** Longest time in milliseconds between two submits that was seen since the start. */
  longestMilliseconds = 0;

  /** Tells that a submit of `work` units was called at `before` and returned at `after` (milliseconds). */
  submitted(work: number, before: number, after: number): void {
    const waited = after - before;
    const took = after - this.#lastReturn;
    if (this.#adapts && waited > 3 && this.#lastWork > 0 && waited > took / 2) {
      this.longestMilliseconds = Math.max(this.longestMilliseconds, took);
      const measured = (this.#lastWork / took) * this.#targetMilliseconds;
      const next = this.budget + 0.2 * (measured - this.budget);
      this.budget = Math.min(
        4 * this.budget,
        Math.max(this.budget / 2, 1e5, next),
      );
    }
    this.#lastReturn = after;
    this.#lastWork = work;
  }
}
