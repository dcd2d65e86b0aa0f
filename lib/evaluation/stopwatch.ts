/** Adds up the stretches of time between calls. */
export class Stopwatch {
  readonly #now: () => number;
  #milliseconds = 0;

  /** Reads a clock of milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** All stretches together. */
  get seconds(): number {
    return this.#milliseconds / 1000;
  }

  /** Counts the time until the promise is settled. */
  async time<T>(act: () => Promise<T>): Promise<T> {
    const start = this.#now();
    try {
      return await act();
    } finally {
      this.#milliseconds += this.#now() - start;
    }
  }
}
