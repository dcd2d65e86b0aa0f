import type { Device } from "../../lib/gpu/mod.ts";
import { writeAside } from "../../lib/platform.ts";
import type { Limits } from "./limits.ts";
import { type BenchFile, benchSchema, type Row } from "./row.ts";
import { rowLine } from "./table.ts";

/** Rows that come while the file is being written wait for the next time, at least so much later. */
const WRITTEN_EVERY = 10_000;

/** A run's rows: each is printed as it comes, and the file has what came so far, so that a run that is cut has told what it saw. */
export class BenchRecord {
  readonly #path: string;
  readonly #device: Device;
  readonly #limits: Limits;
  readonly #rows: Row[] = [];
  #written = performance.now();
  #writing: Promise<void> = Promise.resolve();

  /** A record that will lie at `path`. */
  constructor(path: string, device: Device, limits: Limits) {
    this.#path = path;
    this.#device = device;
    this.#limits = limits;
  }

  /** Takes rows down. */
  add(...rows: readonly Row[]): void {
    for (const row of rows) console.log(rowLine(row));
    this.#rows.push(...rows);
    if (performance.now() - this.#written < WRITTEN_EVERY) return;
    this.#written = performance.now();
    this.#write();
  }

  /** Writes all of it. */
  async end(): Promise<void> {
    this.#write();
    await this.#writing;
    console.log(`rows: ${this.#path}`);
  }

  #write(): void {
    const file: BenchFile = benchSchema.parse({
      schema: 1,
      adapter: this.#device.info.name,
      date: new Date().toISOString(),
      versions: { ...Deno.version },
      rows: [this.#limits.row, ...this.#rows],
    });
    const text = JSON.stringify(file, null, 1) + "\n";
    // What fails now is tried again with more rows; the last time tells.
    this.#writing = this.#writing.catch(() => {}).then(() => writeAside(this.#path, text));
    this.#writing.catch(() => {});
  }
}
