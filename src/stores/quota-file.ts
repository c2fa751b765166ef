/**
 * Counts of quotas on disk. Loaded only where a configuration names a file. SQLite works in the thread that asks, so little
 * is asked at a time, and by the control thread alone.
 */
import { chmodSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { QuotaEntry } from './quota-entries.ts';

/** Results of SQLite (https://sqlite.org/rescode.html). */
const BUSY = 5;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const OWNER_ONLY = 0o600;
const SCHEMA_VERSION = 1;

/** For operators. */
class QuotaFileUnusable extends Error {
  override readonly name = 'QuotaFileUnusable';
}

export class QuotaFile {
  readonly #database: DatabaseSync;
  readonly #save: StatementSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
    this.#save = database.prepare(
      'INSERT INTO quota_counts (low, high, until, used, max, name, key) VALUES (?, ?, ?, ?, ?, ?, ?) ' +
        'ON CONFLICT (low, high) DO UPDATE SET used = excluded.used, max = excluded.max, until = excluded.until',
    );
  }

  /** Nobody else can open the file until it is closed. The problem is one that an operator understands. */
  static open(path: string): QuotaFile | { readonly problem: string } {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path);
      // Two gateways that count in one file would each write over what the other has counted. The system takes the lock
      // away from a process that dies.
      database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
      database.exec('BEGIN EXCLUSIVE');
      prepareTables(database);
      database.exec('COMMIT');
      chmodSync(path, OWNER_ONLY);
      return new QuotaFile(database);
    } catch (error) {
      database?.close();
      return { problem: explain(error) };
    }
  }

  /** What hashes of keys are made with, which have to stay the same. `undefined`: the file is new. */
  readSeed(): readonly number[] | undefined {
    const row = this.#database.prepare('SELECT seed0, seed1 FROM quota_meta').get();
    return row === undefined ? undefined : [Number(row['seed0']), Number(row['seed1'])];
  }

  writeSeed([seed0, seed1]: readonly [number, number]): void {
    this.#database.prepare('INSERT INTO quota_meta (version, seed0, seed1) VALUES (?, ?, ?)').run(SCHEMA_VERSION, seed0, seed1);
  }

  /** All that count for windows that are not over. */
  *read(nowS: number): Generator<QuotaEntry, void, void> {
    const rows = this.#database.prepare('SELECT * FROM quota_counts WHERE until > ?').iterate(nowS);
    for (const { low, high, until, used, max, name, key } of rows) {
      yield {
        low: Number(low),
        high: Number(high),
        until: Number(until),
        used: Number(used),
        max: Number(max),
        name: String(name),
        key: String(key),
      };
    }
  }

  /** All of them or none. */
  save(entries: readonly QuotaEntry[]): void {
    this.#inTransaction(() => {
      for (const { low, high, until, used, max, name, key } of entries) this.#save.run(low, high, until, used, max, name, key);
    });
  }

  /** Windows that are over are of no use. At most so many at a time; returns how many. */
  dropEnded(nowS: number, max: number): number {
    const { changes } = this.#database
      .prepare('DELETE FROM quota_counts WHERE (low, high) IN (SELECT low, high FROM quota_counts WHERE until <= ? LIMIT ?)')
      .run(nowS, max);
    return Number(changes);
  }

  close(): void {
    this.#database.close();
  }

  #inTransaction(run: () => void): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      run();
      this.#database.exec('COMMIT');
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function prepareTables(database: DatabaseSync): void {
  // A page that is damaged would otherwise show when a count is needed.
  const problem = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0];
  if (problem !== 'ok') throw new QuotaFileUnusable(`it is damaged (${String(problem)})`);
  database.exec(`
    CREATE TABLE IF NOT EXISTS quota_meta (version INTEGER NOT NULL, seed0 INTEGER NOT NULL, seed1 INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS quota_counts (
      low INTEGER NOT NULL, high INTEGER NOT NULL, until INTEGER NOT NULL, used INTEGER NOT NULL, max INTEGER NOT NULL,
      name TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (low, high)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS quota_counts_until ON quota_counts (until);
  `);
  const version = database.prepare('SELECT version FROM quota_meta').get()?.['version'];
  if (version !== undefined && version !== SCHEMA_VERSION)
    throw new QuotaFileUnusable(`it was written by another version of the gateway (${String(version)})`);
}

function explain(error: unknown): string {
  if (error instanceof QuotaFileUnusable) return error.message;
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  switch (code) {
    case BUSY:
      return 'another process uses it; each gateway needs a file of its own';
    case CORRUPT:
      return 'it is damaged';
    case NOT_A_DATABASE:
      return 'it is not a database, or is damaged';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
