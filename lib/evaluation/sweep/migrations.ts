import type { Database } from "../../platform.ts";
import { WORKER_TABLE } from "./workers.ts";

/** A kind of SQLite files of ours. */
export interface FileKind {
  /** Marks them among SQLite's (application_id). */
  readonly application: number;
  /** What makes a file of each version out of one of the version before; a new file goes through all of them. */
  readonly steps: readonly string[];
}

const steps: readonly string[] = [
  `CREATE TABLE spec (digest TEXT PRIMARY KEY, json TEXT NOT NULL, added TEXT NOT NULL) STRICT;
   ${WORKER_TABLE}
   CREATE TABLE trial (
     id TEXT PRIMARY KEY, spec TEXT NOT NULL, place INTEGER NOT NULL, prefill TEXT NOT NULL, trial TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('pending', 'claimed', 'done', 'failed')), worker TEXT, record TEXT,
     CHECK ((status = 'claimed') = (worker IS NOT NULL)), CHECK ((status IN ('done', 'failed')) = (record IS NOT NULL))
   ) STRICT;
   CREATE INDEX trial_waiting ON trial (status, spec, place);`,
  `CREATE TABLE trace (trial TEXT PRIMARY KEY REFERENCES trial (id), json TEXT NOT NULL) STRICT;`,
];

/** A sweep's file ("ReAt"). */
const SWEEP: FileKind = { application: 0x52654174, steps };

/**
 * Brings a file to the present version.
 *
 * @throws {RangeError} for a file of a later version, or of another program.
 */
export function migrate(database: Database, path: string, { application, steps }: FileKind = SWEEP): void {
  const pragma = (name: string) => Object.values(database.get<Record<string, number>>(`PRAGMA ${name}`)!)[0];
  database.transaction(() => {
    const version = pragma("user_version");
    const tables = database.get<{ count: number }>("SELECT count(*) AS count FROM sqlite_schema")!.count;
    if (tables > 0 && pragma("application_id") !== application) {
      throw new RangeError(`${path} is a database of another program; give another file`);
    }
    if (version > steps.length) {
      throw new RangeError(
        `${path} was written by a later toolkit (version ${version} of such files, this one knows ${steps.length}): update it`,
      );
    }
    if (version === steps.length) return;
    for (const sql of steps.slice(version)) database.execute(sql);
    database.execute(`PRAGMA application_id = ${application}; PRAGMA user_version = ${steps.length}`);
  });
}
