// SQLite files, through the module that Deno and Node carry.

import { failure, PlatformError, shown } from "./error.ts";
import { deno } from "./runtime.ts";

/** What a cell of a table holds. */
export type Cell = string | number | null;

interface Statement {
  all(...values: Cell[]): unknown[];
  run(...values: Cell[]): { changes: number | bigint };
}

interface DatabaseSync {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** Milliseconds that a transaction waits for those of other processes. */
const PATIENCE = 60_000;

/** An SQLite file, open. Statements of several processes on one file wait for each other. */
export class Database {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Statement>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Opens a file, which is made where it is missing, with a write-ahead log: readers don't wait for writers, and what was
   * committed outlives the process.
   *
   * @param path a local path, or ":memory:"
   * @param options `mustExist`: a missing file is an error
   * @throws {PlatformError} if it can't be opened, is no database, or in a browser.
   */
  static async open(path: string, { mustExist = false } = {}): Promise<Database> {
    if (!deno) throw new PlatformError("an SQLite file needs Deno, which this platform is not");
    // A name in a variable keeps bundlers for browsers from looking for the module.
    const name = "node:sqlite";
    const { DatabaseSync } = await import(name) as { DatabaseSync: new (path: string) => DatabaseSync };
    try {
      if (mustExist) await deno.stat(path);
      const folder = path.slice(0, path.lastIndexOf("/"));
      if (folder) await deno.mkdir(folder, { recursive: true });
      const database = new DatabaseSync(path);
      try {
        database.exec(`PRAGMA busy_timeout = ${PATIENCE}`);
        await withLog(database);
        database.exec("PRAGMA synchronous = FULL");
      } catch (error) {
        database.close();
        throw error;
      }
      return new Database(database);
    } catch (error) {
      throw failure(`cannot open ${shown(path)}`, error);
    }
  }

  /** Runs statements that give no rows and take no values. */
  execute(sql: string): void {
    this.#database.exec(sql);
  }

  /** Runs a statement with values for its question marks; how many rows changed. */
  run(sql: string, ...values: Cell[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** The rows that a query finds. */
  all<Row>(sql: string, ...values: Cell[]): Row[] {
    return this.#prepared(sql).all(...values) as Row[];
  }

  /** The first row that a query finds. */
  get<Row>(sql: string, ...values: Cell[]): Row | undefined {
    return this.all<Row>(sql, ...values)[0];
  }

  /** Does all of it or, where it throws, nothing; nobody else writes meanwhile. */
  transaction<T>(act: () => T): T {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      const result = act();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#database.close();
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) this.#statements.set(sql, statement = this.#database.prepare(sql));
    return statement;
  }
}

/** Turning the log on needs the file alone, and SQLite does not wait for that: several processes may start at once. */
async function withLog(database: DatabaseSync): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      return database.exec("PRAGMA journal_mode = WAL");
    } catch (error) {
      if (tries === 100 || !/locked|busy/i.test((error as Error).message)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20 + 30 * Math.random()));
    }
  }
}
