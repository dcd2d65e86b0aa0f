/** Workgroups that a large GPU runs at a time: fewer of them take as long as all of these, so a call is not cut into less. */
const FEWEST_GROUPS = 512;
/**
 * What a discrete GPU is believed to do in a millisecond at first, and how far from that it may turn out to be: a call that is cut
 * leaves processors idle at the end of each piece, and a card of a fifth of that holds its first submit for 200 ms.
 */
const HARDWARE = { work: 6e9, slower: 24, faster: 6 };
/** The same of a software adapter. */
const SOFTWARE_WORK = 2e6;

/**
 * Learns how much work the adapter does in a millisecond, so that no submit holds the event loop for long.
 *
 * On a software adapter a second submit waits inside the call until the first is done: the time between the two returns is then
 * the time the first one took. On a discrete GPU submits return at once, and what counts is when work is heard to be done.
 *
 * @example
 * ```ts
 * import { Pacing } from "@reattention/toolkit/gpu";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const pacing = new Pacing(true, 40);
 * const first = pacing.budget;
 * pacing.submitted(first, 0, 1);
 * pacing.submitted(first, 1, 401); // the first submit took 400 ms, ten times what it should
 * assert(pacing.budget < first);
 * assertEquals(pacing.longestMilliseconds, 400);
 * ```
 */
export class Pacing {
  /** Work units (about one multiply-add each) that one submit may hold. */
  budget: number;
  /** Workgroups that a piece of a call has at least. */
  readonly fewestGroups: number;
  readonly #targetMilliseconds: number;
  readonly #software: boolean;
  readonly #first: number;
  #lastReturn = 0;
  #lastWork = 0;
  #done: { work: number; at: number } | undefined;

  /** `software` adapters start low. */
  constructor(software: boolean, targetMilliseconds = 40) {
    this.#targetMilliseconds = targetMilliseconds;
    this.#software = software;
    this.fewestGroups = software ? 1 : FEWEST_GROUPS;
    this.#first = this.budget = targetMilliseconds * (software ? SOFTWARE_WORK : HARDWARE.work);
  }

  /** Longest time in milliseconds between two submits that was seen since the start. */
  longestMilliseconds = 0;

  /** Tells that a submit of `work` units was called at `before` and returned at `after` (milliseconds). */
  submitted(work: number, before: number, after: number): void {
    const waited = after - before;
    const took = after - this.#lastReturn;
    if (this.#software && waited > 3 && this.#lastWork > 0 && waited > took / 2) {
      this.longestMilliseconds = Math.max(this.longestMilliseconds, took);
      const next = this.#nearer(this.#lastWork / took);
      this.budget = Math.min(4 * this.budget, Math.max(this.budget / 2, 1e5, next));
    }
    this.#lastReturn = after;
    this.#lastWork = work;
  }

  /**
   * Tells that a discrete GPU was waited for from `before` until it was done at `after` (milliseconds) with all of `work` units
   * since the start.
   */
  finished(work: number, before: number, after: number): void {
    const last = this.#done;
    this.#done = { work, at: after };
    // Where nobody had to wait, the GPU had idled, and the time says nothing of its speed.
    if (this.#software || !last || after - before < 1 || after <= last.at) return;
    const { slower, faster } = HARDWARE;
    const next = this.#nearer((work - last.work) / (after - last.at));
    this.budget = Math.min(faster * this.#first, Math.max(this.#first / slower, next));
  }

  /** The budget, a fifth nearer to what so much work a millisecond makes of it. */
  #nearer(workPerMillisecond: number): number {
    return this.budget + 0.2 * (workPerMillisecond * this.#targetMilliseconds - this.budget);
  }
}
