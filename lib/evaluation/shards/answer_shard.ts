import * as z from "../../zod.ts";
import { LineFile } from "../../platform.ts";
import type { AnswerKeeper, KeptAnswers, UnansweredQuestion } from "../run/answer_keeper.ts";
import type { PredictionRow } from "../run/prediction_row.ts";
import { attemptFiles, attemptName, keepBetter } from "./attempts.ts";
import { readLines } from "./record_lines.ts";

/** A question that ended, as tasks of an evaluation write it. */
export interface AnswerLine {
  /** The prediction file it belongs to, inside the folder of all answers. */
  readonly file: string;
  /** Its name in the task. */
  readonly id: string;
  /** Its place among the file's questions. */
  readonly place: number;
  /** Whether it has an answer. */
  readonly status: "done" | "failed";
  /** The answer's row, or why there is none. */
  readonly row: Readonly<Record<string, unknown>>;
}

const lineSchema: z.ZodMiniType<AnswerLine> = z.strictObject({
  file: z.string().check(z.minLength(1)),
  id: z.string(),
  place: z.int().check(z.minimum(0)),
  status: z.enum(["done", "failed"]),
  row: z.record(z.string(), z.unknown()),
});

/** What a task's attempts answered so far, also while one of them runs. */
export interface TaskAnswers {
  /** One line for each question that ended; of several the first that is done, or else the first. */
  readonly lines: AnswerLine[];
  /** How often the task was begun. */
  readonly attempts: number;
  /** Damaged lines, which count as not there. */
  readonly faults: readonly string[];
}

const keyOf = ({ file, id }: Pick<AnswerLine, "file" | "id">) => JSON.stringify([file, id]);

/**
 * Reads what a task's attempts answered.
 *
 * @example
 * ```ts
 * import { AnswerShard, readTaskAnswers } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * using shard = await AnswerShard.begin(folder, { part: 0, parts: 1 });
 * const answers = await shard.set("hotpotqa.jsonl", [{ id: "1" }]);
 * answers.claim(["1"]);
 * answers.append({ question: "1", pred: "The mill" });
 * const { lines: [line], attempts } = await readTaskAnswers(folder);
 * await Deno.remove(folder, { recursive: true });
 * assertEquals([line.id, line.status, line.row.pred, attempts], ["1", "done", "The mill", 1]);
 * ```
 */
export async function readTaskAnswers(folder: string): Promise<TaskAnswers> {
  const files = await attemptFiles(folder, "answers");
  const ended = new Map<string, AnswerLine>();
  const faults: string[] = [];
  for (const file of files) {
    const read = await readLines(file, (value) => lineSchema.parse(value));
    faults.push(...read.faults);
    for (const line of read.values) keepBetter(ended, keyOf(line), line);
  }
  return { lines: [...ended.values()], attempts: files.length, faults };
}

/** Which part of an evaluation a task is. */
export interface ShardOfAnswers {
  /** Its number, from 0. */
  readonly part: number;
  /** How many parts there are. */
  readonly parts: number;
}

/**
 * One task's part of an evaluation's questions, for the one process that answers them: each answer is a line in a file of this
 * attempt's own and on the disk before the next question is asked. Nothing needs a lock, so the folder may lie on a disk that
 * many machines share. Questions of one context stay together: they are claimed together, and each part gets every
 * `parts`-th of what is claimed.
 *
 * @example
 * ```ts
 * import { AnswerShard } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const questions = [{ id: "1" }, { id: "2" }];
 * using shard = await AnswerShard.begin(folder, { part: 1, parts: 2 });
 * const answers = await shard.set("hotpotqa.jsonl", questions);
 * // Every second claim belongs to this part.
 * assertEquals(questions.map(({ id }) => answers.claim([id])), [[], ["2"]]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class AnswerShard implements AnswerKeeper {
  readonly #folder: string;
  readonly #shard: ShardOfAnswers;
  readonly #file: LineFile;
  readonly #ended: Map<string, AnswerLine>;
  #sets = 0;

  private constructor(folder: string, shard: ShardOfAnswers, file: LineFile, ended: Map<string, AnswerLine>) {
    this.#folder = folder;
    this.#shard = shard;
    this.#file = file;
    this.#ended = ended;
  }

  /**
   * Begins an attempt at a task, which goes on where earlier ones ended.
   *
   * @throws {PlatformError} where its files can't be read or written.
   */
  static async begin(folder: string, shard: ShardOfAnswers): Promise<AnswerShard> {
    const { lines } = await readTaskAnswers(folder);
    const file = await LineFile.create(`${folder}/answers.${attemptName()}.jsonl`);
    return new AnswerShard(folder, shard, file, new Map(lines.map((line) => [keyOf(line), line])));
  }

  /** This part of a prediction file's answers; they become that file when all parts are collected. */
  set(file: string, questions: readonly { readonly id: string }[]): Promise<KeptAnswers> {
    const places = new Map(questions.map(({ id }, place) => [id, place]));
    const first = this.#sets++;
    return Promise.resolve(
      new ShardSet(`${this.#folder}/${file}`, file, places, {
        ended: this.#ended,
        file: this.#file,
        // Parts begin at another place in each file, so that short files don't all go to the first part.
        mine: (turn) => (first + turn) % this.#shard.parts === this.#shard.part,
      }),
    );
  }

  /** Lets questions that failed be asked again. */
  retryFailed(): number {
    const failed = [...this.#ended].filter(([, { status }]) => status === "failed");
    for (const [key] of failed) this.#ended.delete(key);
    return failed.length;
  }

  /** Nobody else is at this part. */
  heldByOthers(): number {
    return 0;
  }

  /** Nobody else looks. */
  beat(): void {}

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

interface ShardState {
  readonly ended: Map<string, AnswerLine>;
  readonly file: LineFile;
  readonly mine: (turn: number) => boolean;
}

class ShardSet implements KeptAnswers {
  readonly path: string;
  readonly #name: string;
  readonly #places: ReadonlyMap<string, number>;
  readonly #state: ShardState;
  #turn = 0;

  constructor(path: string, name: string, places: ReadonlyMap<string, number>, state: ShardState) {
    this.path = path;
    this.#name = name;
    this.#places = places;
    this.#state = state;
  }

  claim(ids: readonly string[]): string[] {
    if (!this.#state.mine(this.#turn++)) return [];
    return ids.filter((id) => !this.#state.ended.has(keyOf({ file: this.#name, id })));
  }

  append(row: PredictionRow): void {
    this.#end(row.question, "done", row as unknown as Record<string, unknown>);
  }

  fail(id: string, message: string): void {
    this.#end(id, "failed", { message });
  }

  release(): void {}

  counts(): { done: number; failed: number } {
    const lines = this.#lines();
    const done = lines.filter(({ status }) => status === "done").length;
    return { done, failed: lines.length - done };
  }

  failures(): UnansweredQuestion[] {
    return this.#lines().filter(({ status }) => status === "failed")
      .map(({ id, row }) => ({ id, message: String(row.message) }));
  }

  /** Prediction files are written where all parts are collected. */
  async writePredictions(): Promise<void> {}

  #lines(): AnswerLine[] {
    return [...this.#state.ended.values()].filter(({ file }) => file === this.#name);
  }

  #end(id: string, status: "done" | "failed", row: Readonly<Record<string, unknown>>): void {
    const line = { file: this.#name, id, place: this.#places.get(id) ?? 0, status, row };
    this.#state.file.append(line);
    this.#state.ended.set(keyOf(line), line);
  }
}
