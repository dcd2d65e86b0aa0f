import { Database } from "../../platform.ts";
import type { ClaimedTrial, Ledger, LedgerCounts } from "./ledger.ts";
import { migrate } from "./migrations.ts";
import { parseTrialRecord, type TrialRecord } from "./record.ts";
import { parseSweepSpec, specFields, type SweepSpec } from "./spec.ts";
import { specChanges } from "./spec_changes.ts";
import { canonicalJson, digestOf, prefillKeyOf, type Trial } from "./trial.ts";
import { Workers } from "./workers.ts";

/**
 * The file holds another spec than the one that was to run.
 *
 * @example
 * ```ts
 * import { OtherSpecError, parseSweepSpec, planSweep, SweepFile } from "@reattention/toolkit/evaluation";
 * import { assertRejects } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const open = async (k: number[]) => {
 *   const spec = parseSweepSpec({ sweep: { k }, seeds: [0] });
 *   using _file = await SweepFile.open(`${folder}/sweep.db`, spec, (await planSweep(spec)).trials);
 * };
 * await open([1, 4]);
 * await assertRejects(() => open([1, 8]), OtherSpecError, "holds another spec");
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class OtherSpecError extends Error {
  /** The class's own name, as shown in stack traces. */
  override readonly name = "OtherSpecError";
}

/** How a sweep's file is opened for running. */
export interface SweepFileOptions {
  /** Adds a spec's trials to a file of another spec; finished ones stay. Default false: an error says what differs. */
  extend?: boolean;
}

interface TrialRow {
  readonly id: string;
  readonly trial: string;
  readonly prefill: string;
}

/**
 * A sweep's SQLite file: its spec, its trials, who runs them, and their records. Several processes may work on one file; each
 * trial is claimed and finished in a transaction, so no trial is run twice and a process that dies loses only what it had in
 * hand. Claims of a process that died are taken over.
 *
 * @example
 * ```ts
 * import { parseSweepSpec, planSweep, SweepFile } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const spec = parseSweepSpec({ sweep: { k: [1, 4] }, seeds: [0] });
 * const { trials } = await planSweep(spec);
 * {
 *   using file = await SweepFile.open(`${folder}/sweep.db`, spec, trials);
 *   file.claim();
 *   assertEquals(file.counts(), { done: 0, failed: 0, pending: 1, claimed: 1 });
 * }
 * {
 *   using file = await SweepFile.read(`${folder}/sweep.db`);
 *   // Who closes the file gives back what it had claimed.
 *   assertEquals(file.counts().pending, 2);
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class SweepFile implements Ledger {
  readonly #database: Database;
  readonly #workers: Workers;
  #spec: string;

  private constructor(database: Database, spec: string) {
    this.#database = database;
    this.#workers = new Workers(database);
    this.#spec = spec;
  }

  /**
   * Opens a file to read it.
   *
   * @throws {PlatformError} where there is none, or it is no database.
   * @throws {RangeError} for one of another program or a later toolkit, or without a spec.
   */
  static async read(path: string): Promise<SweepFile> {
    const database = await Database.open(path, { mustExist: true });
    return disposedUnless(database, () => {
      migrate(database, path);
      const newest = database.get<{ digest: string }>("SELECT digest FROM spec ORDER BY rowid DESC LIMIT 1");
      if (!newest) throw new RangeError(`${path} holds no sweep yet`);
      return new SweepFile(database, newest.digest);
    });
  }

  /**
   * Opens a file to run a spec's trials, those that are not in it yet being added.
   *
   * @throws {OtherSpecError} where the file holds another spec, saying what differs.
   * @throws {PlatformError} where it can't be opened.
   */
  static async open(
    path: string,
    spec: SweepSpec,
    trials: readonly Trial[],
    { extend = false }: SweepFileOptions = {},
  ): Promise<SweepFile> {
    const digest = await digestOf(specIdentity(spec));
    const keys = await Promise.all(trials.map((trial) => digestOf(prefillKeyOf(trial))));
    const database = await Database.open(path);
    return disposedUnless(database, () => {
      migrate(database, path);
      const file = new SweepFile(database, digest);
      database.transaction(() => file.#add(path, spec, trials, keys, extend));
      return file;
    });
  }

  /** The spec that was added last. */
  get spec(): SweepSpec {
    return parseSweepSpec(JSON.parse(this.#specText(this.#spec)!));
  }

  /** Trials of earlier specs that the spec hasn't; they keep their records. */
  get otherTrials(): number {
    return this.#database.get<{ count: number }>("SELECT count(*) AS count FROM trial WHERE spec <> ?", this.#spec)!
      .count;
  }

  /** Takes a trial that nobody has: of the same reading first, then of one that nobody else is at. */
  claim(preferred?: string): ClaimedTrial | "wait" | undefined {
    return this.#database.transaction(() => {
      this.#workers.register();
      const next = this.#waiting(preferred);
      if (next) {
        this.#database.run("UPDATE trial SET status = 'claimed', worker = ? WHERE id = ?", this.#workers.id, next.id);
        return { trial: JSON.parse(next.trial), prefill: next.prefill };
      }
      return this.counts().claimed > 0 ? "wait" : undefined;
    });
  }

  /** Keeps a claimed trial's record. False where the claim was lost, and nothing was kept. */
  finish(record: TrialRecord, trace?: unknown): boolean {
    return this.#database.transaction(() => {
      const { id } = record.trial;
      const kept = this.#database.run(
        "UPDATE trial SET status = ?, worker = NULL, record = ? WHERE id = ? AND status = 'claimed' AND worker = ?",
        record.status,
        JSON.stringify(record),
        id,
        this.#workers.id,
      ) === 1;
      if (kept && trace !== undefined) {
        this.#database.run("INSERT OR REPLACE INTO trace VALUES (?, ?)", id, JSON.stringify(trace));
      }
      return kept;
    });
  }

  /** Gives a claimed trial back. */
  release(id: string): void {
    const sql = "UPDATE trial SET status = 'pending', worker = NULL WHERE id = ? AND worker = ?";
    this.#database.run(sql, id, this.#workers.id);
  }

  /** Says that this process still holds its claims, which only processes of other machines have to be told. */
  beat(): void {
    this.#workers.beat();
  }

  /** Lets failed trials run again; how many there are. */
  retryFailed(): number {
    const sql = "UPDATE trial SET status = 'pending', record = NULL WHERE status = 'failed' AND spec = ?";
    return this.#database.run(sql, this.#spec);
  }

  /**
   * Takes over records that were made elsewhere, such as on other machines. Finished trials stay as they are; trials that the
   * sweep hasn't are left out.
   *
   * @param traces what first questions selected, by trial, where it was kept
   * @returns how many records were new
   */
  absorb(records: readonly TrialRecord[], traces: ReadonlyMap<string, unknown> = new Map()): number {
    const sql = `UPDATE trial SET status = ?, worker = NULL, record = ?
      WHERE id = ? AND status <> 'done' AND (status <> 'failed' OR ? = 'done')`;
    return this.#database.transaction(() => {
      let count = 0;
      for (const record of records) {
        const { status, trial: { id } } = record;
        const isNew = this.#database.run(sql, status, JSON.stringify(record), id, status) === 1;
        if (!isNew) continue;
        count++;
        const trace = traces.get(id);
        if (trace !== undefined) {
          this.#database.run("INSERT OR REPLACE INTO trace VALUES (?, ?)", id, JSON.stringify(trace));
        }
      }
      return count;
    });
  }

  /** How far the spec's trials are. */
  counts(): LedgerCounts {
    const rows = this.#database.all<{ status: keyof LedgerCounts; count: number }>(
      "SELECT status, count(*) AS count FROM trial WHERE spec = ? GROUP BY status",
      this.#spec,
    );
    const none = { done: 0, failed: 0, pending: 0, claimed: 0 };
    return { ...none, ...Object.fromEntries(rows.map(({ status, count }) => [status, count])) };
  }

  /** Records of the spec's trials that ended, in its order. */
  records(): TrialRecord[] {
    return this.#database.all<{ record: string }>(
      "SELECT record FROM trial WHERE record IS NOT NULL AND spec = ? ORDER BY place",
      this.#spec,
    ).map(({ record }) => parseTrialRecord(JSON.parse(record)));
  }

  /** What a trial's first question selected, where it was kept. */
  traces(): Map<string, unknown> {
    const rows = this.#database.all<{ trial: string; json: string }>("SELECT trial, json FROM trace");
    return new Map(rows.map(({ trial, json }) => [trial, JSON.parse(json)]));
  }

  /** Gives its claims back and closes the file. */
  [Symbol.dispose](): void {
    this.#workers.leave((worker) => this.#free(worker));
    this.#database[Symbol.dispose]();
  }

  #add(path: string, spec: SweepSpec, trials: readonly Trial[], keys: readonly string[], extend: boolean): void {
    const newest = this.#database.get<{ digest: string; json: string }>(
      "SELECT * FROM spec ORDER BY rowid DESC LIMIT 1",
    );
    const json = canonicalJson(specFields(spec));
    if (newest?.digest === this.#spec) {
      this.#database.run("UPDATE spec SET json = ? WHERE digest = ?", json, this.#spec);
      return;
    }
    if (newest && !extend) {
      const before = specIdentity(parseSweepSpec(JSON.parse(newest.json)));
      const changes = specChanges(before, specIdentity(spec)).join("; ");
      throw new OtherSpecError(
        `${path} holds another spec (${changes}): give another --out, or add to it with --extend`,
      );
    }
    this.#database.run("DELETE FROM spec WHERE digest = ?", this.#spec);
    this.#database.run("INSERT INTO spec VALUES (?, ?, ?)", this.#spec, json, new Date().toISOString());
    trials.forEach((trial, place) => {
      // The same trial under another spec's axes keeps its record, and is told by the axes of this one in reports.
      this.#database.run(
        `INSERT INTO trial VALUES (?, ?, ?, ?, ?, 'pending', NULL, NULL) ON CONFLICT (id) DO UPDATE SET
          spec = excluded.spec, place = excluded.place, trial = excluded.trial,
          record = CASE WHEN record IS NULL THEN NULL ELSE json_set(record, '$.trial', json(excluded.trial)) END`,
        trial.id,
        this.#spec,
        place,
        keys[place],
        JSON.stringify(trial),
      );
    });
  }

  #waiting(preferred: string | undefined): TrialRow | undefined {
    const first = (condition: string, ...values: string[]) =>
      this.#database.get<TrialRow>(
        `SELECT id, trial, prefill FROM trial WHERE status = 'pending' AND spec = ? ${condition} ORDER BY place LIMIT 1`,
        this.#spec,
        ...values,
      );
    const same = preferred === undefined ? undefined : first("AND prefill = ?", preferred);
    if (same) return same;
    this.#workers.buryTheDead((worker) => this.#free(worker));
    return first("AND prefill NOT IN (SELECT prefill FROM trial WHERE status = 'claimed')") ?? first("");
  }

  #free(worker: string): void {
    this.#database.run("UPDATE trial SET status = 'pending', worker = NULL WHERE worker = ?", worker);
  }

  #specText(digest: string): string | undefined {
    return this.#database.get<{ json: string }>("SELECT json FROM spec WHERE digest = ?", digest)?.json;
  }
}

/** What tells specs apart: not what only reports show. */
function specIdentity(spec: SweepSpec): Record<string, unknown> {
  const { name: _name, description: _description, baseline: _baseline, ...fields } = specFields(spec);
  return fields;
}

function disposedUnless(database: Database, make: () => SweepFile): SweepFile {
  try {
    return make();
  } catch (error) {
    database[Symbol.dispose]();
    throw error;
  }
}
