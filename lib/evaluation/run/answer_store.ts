import { Database, fileExists, readBytes, writeAside } from "../../platform.ts";
import { jsonLines } from "../data/json_lines.ts";
import { type FileKind, migrate } from "../sweep/migrations.ts";
import { WORKER_TABLE, Workers } from "../sweep/workers.ts";
import type { AnswerLine } from "../shards/answer_shard.ts";
import type { AnswerKeeper, KeptAnswers, UnansweredQuestion } from "./answer_keeper.ts";
import type { PredictionRow } from "./prediction_row.ts";

/** A file of answers ("ReAn"). */
const ANSWERS: FileKind = {
  application: 0x5265416e,
  steps: [
    `${WORKER_TABLE}
     CREATE TABLE question (
       file TEXT NOT NULL, id TEXT NOT NULL, place INTEGER NOT NULL,
       status TEXT NOT NULL CHECK (status IN ('pending', 'claimed', 'done', 'failed')), worker TEXT, row TEXT,
       PRIMARY KEY (file, id),
       CHECK ((status = 'claimed') = (worker IS NOT NULL)), CHECK ((status IN ('done', 'failed')) = (row IS NOT NULL))
     ) STRICT;`,
  ],
};

const LINE_END = 0x0a;

/**
 * A folder's answers, in an SQLite file with the worker table of the sweeps: each answer is committed before the next question
 * is asked. Several processes may work on one folder: a question is claimed before it is asked, and claims of a process that
 * died are taken over.
 *
 * @example
 * ```ts
 * import { AnswerStore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * {
 *   using store = await AnswerStore.open(folder);
 *   const answers = await store.set("pred/demo/hotpotqa.jsonl", [{ id: "1" }, { id: "2" }]);
 *   answers.claim(["1"]);
 *   answers.append({ question: "1", pred: "The mill", answers: ["a mill"] });
 *   assertEquals(store.counts(), { done: 1, failed: 0, open: 1 });
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class AnswerStore implements AnswerKeeper {
  readonly #folder: string;
  readonly #database: Database;
  readonly #workers: Workers;

  private constructor(folder: string, database: Database) {
    this.#folder = folder;
    this.#database = database;
    this.#workers = new Workers(database);
  }

  /**
   * Opens a folder's answers.db, which is made where it is missing.
   *
   * @throws {PlatformError} if it can't be opened.
   * @throws {RangeError} for a file of another program or a later toolkit.
   */
  static async open(folder: string): Promise<AnswerStore> {
    const path = `${folder}/answers.db`;
    const database = await Database.open(path);
    try {
      migrate(database, path, ANSWERS);
      return new AnswerStore(folder, database);
    } catch (error) {
      database[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * The answers of a prediction file, with those of its questions that are open. A file of answers that the store doesn't know
   * is taken in.
   *
   * @param file where predictions go, inside the folder
   * @throws {RangeError} for a prediction file with a line that is no answer, naming it.
   */
  async set(file: string, questions: readonly { readonly id: string }[]): Promise<AnswerSet> {
    const known = this.#database.get<{ count: number }>("SELECT count(*) AS count FROM question WHERE file = ?", file);
    const found = known!.count === 0 ? await answersIn(`${this.#folder}/${file}`) : [];
    this.#database.transaction(() => {
      const add = (id: string, place: number, status: string, row: string | null) =>
        this.#database.run(
          "INSERT INTO question VALUES (?, ?, ?, ?, NULL, ?) ON CONFLICT DO NOTHING",
          ...[file, id, place, status, row],
        );
      found.forEach((row, place) => add(row.question, place, "done", JSON.stringify(row)));
      questions.forEach(({ id }, place) => add(id, place, "pending", null));
      questions.forEach(({ id }, place) =>
        this.#database.run("UPDATE question SET place = ? WHERE file = ? AND id = ?", place, file, id)
      );
    });
    return new AnswerSet(`${this.#folder}/${file}`, file, this.#database, this.#workers);
  }

  /**
   * Takes in what tasks of a spread evaluation answered, and writes the prediction files of it. An answer that is there stays; one
   * goes before a failure.
   *
   * @returns how many questions ended by it
   */
  async takeIn(lines: readonly AnswerLine[]): Promise<number> {
    const sql = `INSERT INTO question VALUES (?, ?, ?, ?, NULL, ?) ON CONFLICT (file, id) DO UPDATE
      SET status = excluded.status, row = excluded.row, worker = NULL
      WHERE status = 'pending' OR (status = 'failed' AND excluded.status = 'done')`;
    const added = this.#database.transaction(() =>
      lines.map(({ file, id, place, status, row }) =>
        this.#database.run(sql, file, id, place, status, JSON.stringify(row))
      ).reduce((sum, count) => sum + count, 0)
    );
    for (const file of new Set(lines.map(({ file }) => file))) await (await this.set(file, [])).writePredictions();
    return added;
  }

  /** How many questions it knows of, by how they ended. */
  counts(): { readonly done: number; readonly failed: number; readonly open: number } {
    const count = (status: string) =>
      this.#database.get<{ count: number }>("SELECT count(*) AS count FROM question WHERE status = ?", status)!.count;
    return { done: count("done"), failed: count("failed"), open: count("pending") + count("claimed") };
  }

  /** Lets questions that failed be asked again; how many there are. */
  retryFailed(): number {
    return this.#database.run("UPDATE question SET status = 'pending', row = NULL WHERE status = 'failed'");
  }

  /** Questions of prediction files that other processes are, or were, at; those of dead ones are free from now on. */
  heldByOthers(files: readonly string[]): number {
    return this.#database.transaction(() => {
      const sql = "SELECT count(*) AS count FROM question WHERE status = 'claimed' AND worker <> ? AND file = ?";
      const held = files.map((file) => this.#database.get<{ count: number }>(sql, this.#workers.id, file)!.count);
      this.#workers.buryTheDead((worker) => free(this.#database, worker));
      return held.reduce((sum, count) => sum + count, 0);
    });
  }

  /** Says that this process is still there. */
  beat(): void {
    this.#workers.beat();
  }

  /** Gives its claims back and closes the file. */
  [Symbol.dispose](): void {
    this.#workers.leave((worker) => free(this.#database, worker));
    this.#database[Symbol.dispose]();
  }
}

function free(database: Database, worker: string): void {
  database.run("UPDATE question SET status = 'pending', worker = NULL WHERE worker = ?", worker);
}

/**
 * The answers of one prediction file.
 *
 * @example
 * ```ts
 * import { type AnswerSet, AnswerStore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * {
 *   using store = await AnswerStore.open(folder);
 *   const answers: AnswerSet = await store.set("hotpotqa.jsonl", [{ id: "1" }, { id: "2" }]);
 *   assertEquals(answers.claim(["1", "2"]), ["1", "2"]);
 *   answers.append({ question: "1", pred: "The mill" });
 *   answers.fail("2", "past memory");
 *   await answers.writePredictions();
 *   assertEquals(await Deno.readTextFile(answers.path), '{"question":"1","pred":"The mill"}\n');
 *   assertEquals(answers.failures(), [{ id: "2", message: "past memory" }]);
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class AnswerSet implements KeptAnswers {
  /** Where its predictions go. */
  readonly path: string;
  readonly #file: string;
  readonly #database: Database;
  readonly #workers: Workers;

  /** Answers of a store's file. */
  constructor(path: string, file: string, database: Database, workers: Workers) {
    this.path = path;
    this.#file = file;
    this.#database = database;
    this.#workers = workers;
  }

  /** Takes those of the questions that are open and that nobody is at. */
  claim(ids: readonly string[]): string[] {
    return this.#database.transaction(() => {
      this.#workers.register();
      this.#workers.buryTheDead((worker) => free(this.#database, worker));
      const sql = `UPDATE question SET status = 'claimed', worker = ? WHERE file = ? AND id = ? AND status = 'pending'`;
      return ids.filter((id) => this.#database.run(sql, this.#workers.id, this.#file, id) === 1);
    });
  }

  /** Keeps an answer to a claimed question. */
  append(row: PredictionRow): void {
    this.#end(row.question, "done", JSON.stringify(row));
  }

  /** Keeps why a claimed question has no answer. */
  fail(id: string, message: string): void {
    this.#end(id, "failed", JSON.stringify({ message }));
  }

  /** Gives claimed questions back. */
  release(ids: readonly string[]): void {
    const sql = "UPDATE question SET status = 'pending', worker = NULL WHERE file = ? AND id = ? AND worker = ?";
    for (const id of ids) this.#database.run(sql, this.#file, id, this.#workers.id);
  }

  /** How many of its questions are answered, and how many can't be. */
  counts(): { readonly done: number; readonly failed: number } {
    const count = (status: string) =>
      this.#database.get<{ count: number }>(
        "SELECT count(*) AS count FROM question WHERE file = ? AND status = ?",
        ...[this.#file, status],
      )!.count;
    return { done: count("done"), failed: count("failed") };
  }

  /** Its questions that got no answer. */
  failures(): UnansweredQuestion[] {
    const sql = "SELECT id, row FROM question WHERE file = ? AND status = 'failed' ORDER BY place";
    return this.#database.all<{ id: string; row: string }>(sql, this.#file)
      .map(({ id, row }) => ({ id, message: JSON.parse(row).message }));
  }

  /** Writes the answers as a prediction file of the official layout, in the order of the questions. */
  async writePredictions(): Promise<void> {
    const sql = "SELECT row FROM question WHERE file = ? AND status = 'done' ORDER BY place, id";
    const rows = this.#database.all<{ row: string }>(sql, this.#file);
    if (rows.length > 0) await writeAside(this.path, rows.map(({ row }) => `${row}\n`).join(""));
  }

  #end(id: string, status: "done" | "failed", row: string): void {
    const sql = "UPDATE question SET status = ?, worker = NULL, row = ? WHERE file = ? AND id = ? AND worker = ?";
    this.#database.run(sql, status, row, this.#file, id, this.#workers.id);
  }
}

/** Answers of an earlier run's file; a last line that was cut off in the middle is dropped. */
async function answersIn(path: string): Promise<PredictionRow[]> {
  if (!await fileExists(path)) return [];
  const bytes = await readBytes(path);
  return [...jsonLines(bytes.subarray(0, bytes.lastIndexOf(LINE_END) + 1))].map((read) => {
    const row = "value" in read ? read.value as PredictionRow | null : undefined;
    if (typeof row?.question === "string") return row;
    throw new RangeError(
      `${path}:${read.line} is no answer of an earlier run: move the file away, or give another --out`,
    );
  });
}
