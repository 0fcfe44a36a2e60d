import { quoted, type NameTable } from "../postgres/table-names.ts";

/** The SQL of the view that unites the old log with the router's, in the old columns and their order. */

/** A column of the old log. */
export interface LogColumn {
  readonly name: string;
  /** As SQL writes it. */
  readonly type: string;
  readonly required: boolean;
  /** Whether an index begins with it. */
  readonly indexed: boolean;
}

interface CompatView {
  readonly view: string;
  readonly old: string;
  readonly columns: readonly LogColumn[];
  readonly table: NameTable;
  readonly shard: string | undefined;
}

/**
 * Both halves are without WHERE, and `shown` is asked outside: so Postgres merges them by their indexes, and the newest rows are
 * read without the others.
 */
export function compatView({ view, old, columns, table, shard }: CompatView): string {
  const names = columns.map(({ name }) => quoted(name));
  const halves = columns.map((column) => halvesOf(column, table));
  const log = table("signal_log");
  const ofShard = (row: string): string =>
    shard === undefined ? "" : ` AND ${row}.shard = ${textLiteral(shard)}`;
  const needsSignal = columns.some(({ name, required }) => name === "signal_id" && required);
  // As in the old log, a uid has one row: a repetition of what was dispatched or ignored has none.
  const shown = `s.invocation = 'live'${ofShard("s")}${needsSignal ? " AND s.signal_id IS NOT NULL" : ""} AND (
      s.status = 'dispatched'
      OR s.status = 'ignored' AND s.reason IS DISTINCT FROM 'shadow' AND NOT EXISTS (
        SELECT FROM ${log} AS o
        WHERE o.uid = s.uid AND o.invocation = 'live'${ofShard("o")} AND (
          o.status = 'dispatched'
          OR o.status = 'ignored' AND o.reason IS DISTINCT FROM 'shadow' AND (o.shard, o.entry_id) < (s.shard, s.entry_id)
        )
      )
    )`;
  return `CREATE VIEW ${view} AS
SELECT ${names.join(", ")} FROM (
  SELECT ${halves.map(({ ofOld }, at) => `${ofOld} AS ${names[at]}`).join(", ")}, true AS shown
  FROM ${old} AS l
  UNION ALL
  SELECT ${halves.map(({ ofRouter }, at) => `${ofRouter} AS ${names[at]}`).join(", ")},
    ${shown} AS shown
  FROM ${log} AS s
) AS logs
WHERE shown`;
}

/**
 * Indexes of the router's rows by what the UI may sort by, and of the old ones, so that Postgres can merge both. By name; of the
 * old ones only what is missing.
 */
export function compatIndexes({ old, columns, table }: Omit<CompatView, "view" | "shard">): string[] {
  const log = table("signal_log");
  const ofOld = columns.flatMap((column) => {
    const { name, type, indexed } = column;
    const isAsInView = type === "bigint" || type === "timestamp without time zone";
    if ((name !== "id" && name !== "logged_at") || (isAsInView && indexed)) return [];
    const expression = halvesOf(column, table).ofOld.replace("l.", "");
    return [`CREATE INDEX signals_v4_log_compat_${name} ON ${old} ((${expression}))`];
  });
  return [
    `CREATE INDEX signal_log_compat_id ON ${log} ((${routerId("")})) WHERE invocation = 'live'`,
    `CREATE INDEX signal_log_compat_logged_at ON ${log} ((logged_at AT TIME ZONE 'UTC')) WHERE invocation = 'live'`,
    ...ofOld,
  ];
}

/** All names that {@link compatIndexes} may have given, as DROP takes them. */
export function compatIndexNames(source: string, table: NameTable): string[] {
  const schema = table("signal_log").slice(0, -"signal_log".length);
  return ["id", "logged_at"].flatMap((column) => [
    `${schema}signal_log_compat_${column}`,
    `${quoted(source)}.signals_v4_log_compat_${column}`,
  ]);
}

/** Unique and rising like the entries, as long as no stream gets 1,000 signals in a millisecond; JavaScript has such numbers. */
function routerId(from: string): string {
  return `split_part(${from}entry_id, '-', 1)::bigint * 1000 + split_part(${from}entry_id, '-', 2)::bigint`;
}

interface Halves {
  readonly ofOld: string;
  readonly ofRouter: string;
}

/** How both halves give a column: of the same type, or Postgres could not merge them by index. */
function halvesOf({ name, type, required }: LogColumn, table: NameTable): Halves {
  const old = `l.${quoted(name)}`;
  const time = (column: string): Halves => ({
    ofOld: type === "timestamp with time zone" ? `(${old} AT TIME ZONE 'UTC')` : `${old}::timestamp`,
    ofRouter: `(${column} AT TIME ZONE 'UTC')`,
  });
  const text = (expression: string): Halves => ({ ofOld: `${old}::text`, ofRouter: expression });
  const orEmpty = (column: string): Halves => text(required ? `coalesce(${column}, '')` : column);
  switch (name) {
    case "id":
      return { ofOld: `${old}::bigint`, ofRouter: `(${routerId("s.")})` };
    case "signal_id":
      return { ofOld: `${old}::bigint`, ofRouter: "s.signal_id::bigint" };
    case "symbol":
    case "direction":
    case "source":
    case "message":
      return orEmpty(`s.${name}`);
    case "uid":
      return text("s.uid");
    case "status":
      return text("CASE WHEN s.status = 'dispatched' THEN 'dispatched' ELSE 'ignored' END");
    case "raw_message":
      return text(`(s.raw || jsonb_build_object('strategies', ARRAY(
      SELECT e.strategy_id FROM ${table("signal_log_entries")} AS e
      WHERE e.shard = s.shard AND e.entry_id = s.entry_id AND e.invocation = 'live' AND e.stage = 'routing'
        AND e.status = 'dispatched'
      ORDER BY e.strategy_id
    )))::text`);
    case "sent_at":
      return time(required ? "coalesce(s.sent_at, s.received_at)" : "s.sent_at");
    case "bar_time":
    case "received_at":
    case "logged_at":
      return time(`s.${name}`);
    default:
      return { ofOld: old, ofRouter: `NULL::${type}` };
  }
}

function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
