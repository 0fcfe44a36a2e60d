import type { InvocationRecord } from "../../records.ts";
import type { Database } from "../postgres/database.ts";
import { microseconds, timedSearch } from "./timed-search.ts";

/** The runs on demand in `invocations`, which all routers of a database share. */

/** A run, with `startedAt` to the microsecond. */
export interface LoggedInvocation extends InvocationRecord {
  readonly position: string;
}

export interface InvocationSearch {
  readonly id?: string | undefined;
  readonly kind?: InvocationRecord["kind"] | undefined;
  readonly by?: string | undefined;
}

export interface InvocationPage {
  readonly countMax: number;
  /** Position and id of the last one of the page before. */
  readonly after?: { readonly position: string; readonly id: string } | undefined;
}

/** Finds runs, the newest first. @throws DatabaseError, SearchTooSlowError */
export async function searchInvocations(
  db: Database,
  { id, kind, by }: InvocationSearch,
  { countMax, after }: InvocationPage,
): Promise<LoggedInvocation[]> {
  const params: unknown[] = [];
  const given = (value: unknown): string => `$${params.push(value)}`;
  const conditions = ["true"];
  if (id !== undefined) conditions.push(`id = ${given(id)}`);
  if (kind !== undefined) conditions.push(`kind = ${given(kind)}`);
  if (by !== undefined) conditions.push(`requested_by = ${given(by)}`);
  if (after !== undefined)
    conditions.push(
      `(started_at, id COLLATE "C") < (${given(after.position)}::timestamptz, ${given(after.id)})`,
    );
  const sql = `
    SELECT id, kind, mode, snapshot, requested_by, reason, selection, started_at, finished_at, counts,
      ${microseconds("started_at")} AS position
    FROM ${db.table("invocations")} WHERE ${conditions.join(" AND ")}
    ORDER BY started_at DESC, id COLLATE "C" DESC LIMIT ${given(countMax)}`;
  const rows = await timedSearch<StoredInvocation>(db, { sql, params });
  return rows.map((row) => ({
    ...row,
    started_at: row.started_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
  }));
}

type StoredInvocation = Omit<LoggedInvocation, "started_at" | "finished_at"> & {
  readonly started_at: Date;
  readonly finished_at: Date | null;
};
