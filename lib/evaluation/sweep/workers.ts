import { type Database, isRunning, type ProcessName, thisProcess } from "../../platform.ts";

/** Milliseconds after which a process of another machine that says nothing counts as dead. */
const SILENCE = 120_000;

/** The table that `Workers` needs. */
export const WORKER_TABLE =
  "CREATE TABLE worker (id TEXT PRIMARY KEY, process TEXT NOT NULL, beat INTEGER NOT NULL) STRICT;";

/** The processes that work on one SQLite file, by its table `worker`: who is there, and who died. */
export class Workers {
  /** This process's name in the file. */
  readonly id: string = crypto.randomUUID();
  readonly #database: Database;
  #registered = false;

  /** Works on a file that has the table. */
  constructor(database: Database) {
    this.#database = database;
  }

  /** Tells the others that this process is there; a second time does nothing. */
  register(): void {
    if (this.#registered) return;
    this.#registered = true;
    const process = JSON.stringify(thisProcess());
    this.#database.run("INSERT INTO worker VALUES (?, ?, ?)", this.id, process, Date.now());
  }

  /** Says that this process is still there, which only processes of other machines have to be told. */
  beat(): void {
    this.#database.run("UPDATE worker SET beat = ? WHERE id = ?", Date.now(), this.id);
  }

  /** Gives what dead processes held to `free`, and forgets them. */
  buryTheDead(free: (worker: string) => void): void {
    const others = this.#database.all<{ id: string; process: string; beat: number }>(
      "SELECT * FROM worker WHERE id <> ?",
      this.id,
    );
    for (const { id, process, beat } of others) {
      const running = isRunning(JSON.parse(process) as ProcessName) ?? Date.now() - beat < SILENCE;
      if (running) continue;
      free(id);
      this.#database.run("DELETE FROM worker WHERE id = ?", id);
    }
  }

  /** Leaves the file: what this process held goes to `free`. */
  leave(free: (worker: string) => void): void {
    if (!this.#registered) return;
    this.#database.transaction(() => {
      free(this.id);
      this.#database.run("DELETE FROM worker WHERE id = ?", this.id);
    });
  }
}
