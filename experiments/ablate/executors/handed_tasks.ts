import { TextLineStream } from "./text_lines.ts";

/** Task numbers that another process hands to this one, line by line, the next one after each that was done. */
export class HandedTasks {
  readonly #input: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #orphaned: () => void;
  #busy = false;

  /** Reads them from `input`; where that ends while a task is in hand, its writer died: `orphaned` is called. */
  constructor(input: ReadableStream<Uint8Array<ArrayBuffer>>, orphaned: () => void) {
    this.#input = input;
    this.#orphaned = orphaned;
  }

  /** Says that the task in hand is done. */
  done(): void {
    this.#busy = false;
  }

  /** The numbers. */
  async *[Symbol.asyncIterator](): AsyncGenerator<number, void, void> {
    const lines = this.#input.pipeThrough(new TextLineStream()).getReader();
    let next = lines.read();
    try {
      for (;;) {
        const { done, value } = await next;
        if (done) return;
        this.#busy = true;
        next = lines.read();
        next.then(({ done }) => {
          if (done && this.#busy) this.#orphaned();
        });
        yield Number(value);
      }
    } finally {
      // A read that waits would keep the process from ending.
      this.#busy = false;
      await lines.cancel();
    }
  }
}
