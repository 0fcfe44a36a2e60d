import type { ForeignRows } from "../../reference-document/plan-edit.ts";
import { storedRowsFrom, type ReadStoredRows } from "../../reference-document/stored-rows.ts";
import { buildReference, type BuiltReference } from "../../reference/build-reference.ts";
import type { Database } from "../postgres/database.ts";
import { readReferenceOrigin } from "../postgres/migration-history.ts";
import { readReferenceRows } from "../reference/reference-source.ts";
import { tryEditLock } from "./edit-lock.ts";
import { rowsHash, rowsJson, rowsOfScope, type RowsScope } from "./rows-json.ts";

/** The history of the reference in `reference_changes`: one row per change, with all rows as they were after it. */

export const CHANGE_KINDS = ["apply", "edit", "rollback", "seen"] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

export interface Change {
  readonly id: number;
  readonly at: string;
  readonly by: string;
  readonly reason: string | null;
  readonly kind: ChangeKind;
  /** Of the snapshot before; null: nothing was recorded before. */
  readonly versionBefore: string | null;
  readonly versionAfter: string;
}

type Tables = Pick<Database, "table">;

/** The rows as they are, and their hash, both of one moment; with those of another system, where the others are its. */
export async function readStored(
  query: Database["query"],
  { table }: Tables,
  scope: RowsScope,
): Promise<Stored> {
  const [row] = await query<{ rows: string; etag: string }>(
    `SELECT rows::text AS rows, ${rowsHash("rows")} AS etag FROM (SELECT ${rowsJson(table, scope)} AS rows) stored`,
  );
  if (row === undefined) throw new Error("the reference tables gave no rows");
  const stored = { ...storedRowsFrom(row.rows), etag: row.etag };
  if (!scope.isForeign) return stored;
  const { ticker_aliases: _, webhook_sources: __, ...foreign } = await readReferenceRows(query, table);
  return { ...stored, foreign };
}

export interface Stored extends ReadStoredRows {
  /** 32 hex digits of a hash of the rows that can be edited. */
  readonly etag: string;
  readonly foreign?: ForeignRows;
}

/** The reference of stored rows. */
export function builtOf({ rows, foreign }: Pick<Stored, "rows" | "foreign">): BuiltReference {
  return buildReference({ ...rows, ...foreign });
}

/**
 * Records the rows as they are, if they are still those of the hash and others than the last change left; only one session at a
 * time may do so. Answers the id, undefined when nothing was recorded.
 */
export async function recordChange(
  query: Database["query"],
  { table }: Tables,
  { by, reason, kind, version, etag, isForeign }: Recorded,
): Promise<number | undefined> {
  const changes = table("reference_changes");
  const last = `FROM ${changes} ORDER BY id DESC LIMIT 1`;
  const scope = { isForeign };
  const [row] = await query<{ id: number }>(
    `INSERT INTO ${changes} (by, reason, kind, version_before, version_after, rows)
     SELECT $1, $2, $3, (SELECT version_after ${last}), $4, rows FROM (SELECT ${rowsJson(table, scope)} AS rows OFFSET 0) stored
     WHERE ${rowsHash("stored.rows")} = $5 AND stored.rows IS DISTINCT FROM (SELECT ${rowsOfScope("rows", scope)} ${last})
     RETURNING id`,
    [by, reason, kind, version, etag],
  );
  return row?.id;
}

interface Recorded extends Pick<Change, "by" | "reason" | "kind">, RowsScope {
  /** Of the snapshot that is made of the rows. */
  readonly version: string;
  /** Hash of the rows. */
  readonly etag: string;
}

/** Who is named for changes that were made by SQL: Postgres does not say who they were. */
const BY_SQL = "sql";

/** Records rows that SQL has changed since the last change, if it has. */
export async function recordSeen(
  query: Database["query"],
  db: Tables,
  stored: Stored,
): Promise<number | undefined> {
  const { version } = builtOf(stored);
  const isForeign = stored.foreign !== undefined;
  const { etag } = stored;
  return recordChange(query, db, { by: BY_SQL, reason: null, kind: "seen", version, etag, isForeign });
}

/**
 * Records what was changed by SQL, if anything was. Several routers may do so at once: one records it. It does nothing while
 * another session edits or records, and for a user who may not write the history.
 * @throws DatabaseError
 */
export async function recordChangesBySql(db: Database): Promise<number | undefined> {
  const [may] = await db.query<{ may: boolean }>(
    `SELECT has_table_privilege(to_regclass($1), 'SELECT') AND has_table_privilege(to_regclass($1), 'INSERT') AS may`,
    [db.table("reference_changes")],
  );
  const origin = may?.may === true ? await readReferenceOrigin(db) : undefined;
  if (origin === undefined) return undefined;
  const scope = { isForeign: origin.kind !== "own" };
  if (!(await differsFromLast(db, scope))) return undefined;
  return db.transaction(async (query) =>
    (await tryEditLock(query)) ? recordSeen(query, db, await readStored(query, db, scope)) : undefined,
  );
}

async function differsFromLast(
  { query, table }: Pick<Database, "query" | "table">,
  scope: RowsScope,
): Promise<boolean> {
  const last = `SELECT ${rowsOfScope("rows", scope)} FROM ${table("reference_changes")} ORDER BY id DESC LIMIT 1`;
  const [row] = await query<{ differs: boolean }>(
    `SELECT ${rowsJson(table, scope)} IS DISTINCT FROM (${last}) AS differs`,
  );
  return row?.differs === true;
}

/** The newest changes first, those before an id. @throws DatabaseError */
export async function readChanges(
  { query, table }: Pick<Database, "query" | "table">,
  { countMax, before = null }: { readonly countMax: number; readonly before?: number | null | undefined },
): Promise<readonly Change[]> {
  const rows = await query<ChangeRow>(
    `SELECT ${CHANGE_COLUMNS} FROM ${table("reference_changes")}
     WHERE $1::int IS NULL OR id < $1 ORDER BY id DESC LIMIT $2`,
    [before, countMax],
  );
  return rows.map(changeOf);
}

/** One change with the rows after it; undefined when there is none of this id. @throws DatabaseError */
export async function readChange(
  query: Database["query"],
  { table }: Tables,
  id: number,
): Promise<{ readonly change: Change; readonly stored: ReadStoredRows } | undefined> {
  const [row] = await query<ChangeRow & { rows: string }>(
    `SELECT ${CHANGE_COLUMNS}, rows::text AS rows FROM ${table("reference_changes")} WHERE id = $1`,
    [id],
  );
  return row === undefined ? undefined : { change: changeOf(row), stored: storedRowsFrom(row.rows) };
}

/** Changes after the last one that left rows of this hash, the oldest first; empty when no change did. @throws DatabaseError */
export async function changesSince(
  query: Database["query"],
  { table }: Tables,
  etag: string,
): Promise<readonly Change[]> {
  const changes = table("reference_changes");
  const rows = await query<ChangeRow>(
    `SELECT ${CHANGE_COLUMNS} FROM ${changes} WHERE id > (
       SELECT max(id) FROM (SELECT id, rows FROM ${changes} ORDER BY id DESC LIMIT ${LOOKED_BACK_MAX}) recent
       WHERE ${rowsHash("recent.rows")} = $1
     ) ORDER BY id`,
    [etag],
  );
  return rows.map(changeOf);
}

/** What is older is in the history. */
const LOOKED_BACK_MAX = 100;

const CHANGE_COLUMNS = "id, at, by, reason, kind, version_before, version_after";

interface ChangeRow {
  readonly id: number;
  readonly at: Date;
  readonly by: string;
  readonly reason: string | null;
  readonly kind: ChangeKind;
  readonly version_before: string | null;
  readonly version_after: string;
}

function changeOf({ at, version_before, version_after, ...row }: ChangeRow): Change {
  const { id, by, reason, kind } = row;
  return {
    id,
    at: at.toISOString(),
    by,
    reason,
    kind,
    versionBefore: version_before,
    versionAfter: version_after,
  };
}
