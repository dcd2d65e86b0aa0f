import { openPartial, type PartialFile } from "../../platform.ts";
import { jsonLines } from "../data/json_lines.ts";

const LINE_END = 0x0a;

/**
 * A file of answers in an official layout that grows line by line: each answer is on the disk before the next question is
 * asked, and a run that goes on skips what is there. A last line that was cut off in the middle is dropped.
 */
export class AnswerFile {
  /** Its path. */
  readonly path: string;
  readonly #file: PartialFile;
  readonly #answered = new Set<string>();

  private constructor(path: string, file: PartialFile) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Opens a file, with what earlier runs left in it.
   *
   * @throws {PlatformError} if it can't be opened.
   * @throws {RangeError} for a file with a line that is none of ours, naming it.
   */
  static async open(path: string): Promise<AnswerFile> {
    const file = await openPartial(path);
    try {
      const answers = new AnswerFile(path, file);
      await answers.#takeStock();
      return answers;
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  /** Questions that have an answer. */
  get size(): number {
    return this.#answered.size;
  }

  /** Whether a question has an answer. */
  has(question: string): boolean {
    return this.#answered.has(question);
  }

  /** Adds a row; its field `question` is the question's name. */
  async append(row: Readonly<Record<string, unknown>> & { readonly question: string }): Promise<void> {
    await this.#file.append(new TextEncoder().encode(`${JSON.stringify(row)}\n`));
    await this.#file.sync();
    this.#answered.add(row.question);
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }

  async #takeStock(): Promise<void> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#file.pieces()) pieces.push(piece.slice());
    const bytes = new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
    const whole = bytes.subarray(0, bytes.lastIndexOf(LINE_END) + 1);
    for (const read of jsonLines(whole)) {
      const question = "value" in read ? (read.value as { question?: unknown } | null)?.question : undefined;
      if (typeof question !== "string") {
        throw new RangeError(
          `${this.path}:${read.line} is no answer of an earlier run: move the file away, or give another --out`,
        );
      }
      this.#answered.add(question);
    }
    if (whole.length === bytes.length) return;
    await this.#file.clear();
    await this.#file.append(whole);
  }
}
