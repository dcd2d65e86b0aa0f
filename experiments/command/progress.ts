/** Where progress goes. */
export interface ProgressOptions {
  /** Writes text as it is. */
  write: (text: string) => void;
  /** Whether a line can be drawn over. */
  terminal: boolean;
  /** Characters of a line. Default 80. */
  columns?: number;
  /** The clock in milliseconds. Default `performance.now`. */
  now?: () => number;
}

/** Short enough for the longest text to fit 80 characters. */
const BAR = 16;
const DRAW_EVERY = 100;
const PRINT_EVERY = 15_000;

/** A bar that is drawn over in a terminal; elsewhere a line whenever the label changes, and every quarter of a minute. */
export class Progress {
  readonly #write: (text: string) => void;
  readonly #terminal: boolean;
  readonly #columns: number;
  readonly #now: () => number;
  readonly #start: number;
  #last = -Infinity;
  #label = "";
  #drawn = false;

  constructor({ write, terminal, columns = 80, now = () => performance.now() }: ProgressOptions) {
    this.#write = write;
    this.#terminal = terminal;
    this.#columns = columns;
    this.#now = now;
    this.#start = now();
  }

  /** Tells how far things are, from 0 to 1, and what is going on. */
  update(share: number, label: string, detail: string): void {
    const now = this.#now();
    const fresh = label !== this.#label;
    if (!fresh && now - this.#last < (this.#terminal ? DRAW_EVERY : PRINT_EVERY)) return;
    this.#last = now;
    this.#label = label;
    const seconds = Math.round((now - this.#start) / 1000);
    const percent = `${Math.floor(100 * share)} %`.padStart(5);
    if (!this.#terminal) return this.#write(`${percent}  ${label}, ${detail}, ${seconds} s\n`);
    const filled = Math.round(BAR * share);
    const bar = `[${"#".repeat(filled)}${"-".repeat(BAR - filled)}]`;
    // A line that wraps could not be drawn over.
    const text = `${bar}${percent}  ${label}, ${detail}, ${seconds} s`.slice(0, this.#columns - 1);
    this.#write(`\r\x1b[2K${text}`);
    this.#drawn = true;
  }

  /** Takes the bar away, so that something else can be printed. */
  clear(): void {
    if (this.#drawn) this.#write("\r\x1b[2K");
    this.#drawn = false;
  }
}
