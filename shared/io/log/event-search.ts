import { EVENT_LEVELS, type EventLevel } from "../../events.ts";
import type { Database } from "../postgres/database.ts";
import type { NameTable } from "../postgres/table-names.ts";
import { microseconds, timedSearch } from "./timed-search.ts";

/** The operational events in `system_log`, which all routers of a database share, and what people have done about them. */

/** Conditions; all that are given must hold. */
export interface EventSearch {
  /** This level or a worse one. */
  readonly level?: EventLevel | undefined;
  readonly source?: string | undefined;
  /** Only those that ask for action and are not done yet. */
  readonly toDo?: boolean | undefined;
  /** Part of the message, in any case. */
  readonly text?: string | undefined;
  /** Milliseconds since 1970. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** The position of an event among all, the newest first. */
export interface EventKey {
  /** ISO 8601, UTC, to the microsecond. */
  readonly at: string;
  readonly eventId: string;
}

export interface LoggedEvent {
  readonly eventId: string;
  /** ISO 8601, UTC, to the microsecond. */
  readonly at: string;
  readonly level: EventLevel;
  readonly source: string;
  readonly message: string;
  readonly details: Record<string, unknown>;
  readonly actionFlag: boolean;
  readonly done: EventDone | null;
}

export interface EventDone {
  readonly at: string;
  readonly by: string;
  readonly note: string | null;
}

export interface EventPage {
  readonly countMax: number;
  /** The last one of the page before. */
  readonly after?: EventKey | undefined;
}

/** The levels that are at least as bad as this one. */
export function levelsFrom(level: EventLevel): readonly EventLevel[] {
  return EVENT_LEVELS.slice(EVENT_LEVELS.indexOf(level));
}

/** Finds events, the newest first. @throws DatabaseError, SearchTooSlowError */
export async function searchEvents(
  db: Database,
  search: EventSearch,
  { countMax, after }: EventPage,
): Promise<LoggedEvent[]> {
  const params: unknown[] = [];
  const given = (value: unknown): string => `$${params.push(value)}`;
  const { level, source, toDo, text, from, to } = search;
  const conditions = ["true"];
  if (level !== undefined) conditions.push(`level IN (${levelsFrom(level).map(given).join(", ")})`);
  if (source !== undefined) conditions.push(`source = ${given(source)}`);
  if (toDo === true) conditions.push("action_flag AND done_at IS NULL");
  if (text !== undefined) conditions.push(`strpos(lower(message), lower(${given(text)})) > 0`);
  if (from !== undefined) conditions.push(`at >= ${given(new Date(from).toISOString())}::timestamptz`);
  if (to !== undefined) conditions.push(`at < ${given(new Date(to).toISOString())}::timestamptz`);
  if (after !== undefined)
    conditions.push(`(at, event_id) < (${given(after.at)}::timestamptz, ${given(after.eventId)}::uuid)`);
  const sql = `${selectEvents(db.table)} WHERE ${conditions.join(" AND ")}
    ORDER BY at DESC, event_id DESC LIMIT ${given(countMax)}`;
  return (await timedSearch<StoredEvent>(db, { sql, params })).map(eventOf);
}

/** Those of these events that are in the log. */
export async function loggedAmong(db: Database, eventIds: readonly string[]): Promise<Set<string>> {
  if (eventIds.length === 0) return new Set();
  const rows = await db.query<{ event_id: string }>(
    `SELECT event_id::text FROM ${db.table("system_log")}
    WHERE event_id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::jsonb)::uuid))`,
    [JSON.stringify(eventIds)],
  );
  return new Set(rows.map(({ event_id }) => event_id));
}

/** Marks an event as done, unless it is already or asks for nothing; `marked`: it was this call. Undefined: it is not in the log. */
export async function markDone(
  db: Database,
  eventId: string,
  { by, note }: { readonly by: string; readonly note: string | null },
): Promise<{ readonly event: LoggedEvent; readonly marked: boolean } | undefined> {
  return db.transaction(async (query) => {
    const changed = await query<{ event_id: string }>(
      `UPDATE ${db.table("system_log")} SET done_at = now(), done_by = $2, done_note = $3
      WHERE event_id = $1::uuid AND action_flag AND done_at IS NULL RETURNING event_id`,
      [eventId, by, note],
    );
    const [found] = await query<StoredEvent>(`${selectEvents(db.table)} WHERE event_id = $1::uuid`, [
      eventId,
    ]);
    return found && { event: eventOf(found), marked: changed.length > 0 };
  });
}

const selectEvents = (table: NameTable): string => `
  SELECT event_id::text, ${microseconds("at")} AS at_us, level, source, message, details, action_flag, done_at, done_by, done_note
  FROM ${table("system_log")}`;

interface StoredEvent {
  readonly event_id: string;
  readonly at_us: string;
  readonly level: EventLevel;
  readonly source: string;
  readonly message: string;
  readonly details: unknown;
  readonly action_flag: boolean;
  readonly done_at: Date | null;
  readonly done_by: string | null;
  readonly done_note: string | null;
}

function eventOf(row: StoredEvent): LoggedEvent {
  const { done_at, done_by } = row;
  return {
    eventId: row.event_id,
    at: row.at_us,
    level: row.level,
    source: row.source,
    message: row.message,
    details: { ...Object(row.details) } as Record<string, unknown>,
    actionFlag: row.action_flag,
    done: done_at === null ? null : { at: done_at.toISOString(), by: done_by ?? "", note: row.done_note },
  };
}
