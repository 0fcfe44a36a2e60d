import type { Database } from "../postgres/database.ts";
import { quoted, type NameTable } from "../postgres/table-names.ts";
import { compatIndexes, compatIndexNames, compatView, type LogColumn } from "./compat-view.ts";

/** The log that v4's web UI reads goes on: a view takes the place of its table, and has both the old rows and the router's. */

export interface CompatChange {
  /** False: the view goes, and the table has its name again. */
  readonly on: boolean;
  /** Schema of the old table. */
  readonly source: string;
  readonly table: NameTable;
  /** Only decisions of the router with this KEY_PREFIX; undefined: of all in the database. */
  readonly shard?: string | undefined;
}

/**
 * The statements that make or undo it, for one transaction; none when it is so already. The old router has to be stopped: it
 * cannot write to the view. @throws DatabaseError, or Error with what to do
 */
export async function compatStatements(
  query: Database["query"],
  { on, source, table, shard }: CompatChange,
): Promise<readonly string[]> {
  const { role, log, kept } = await readOldLog(query, source);
  const place = `${source}.${OLD_LOG}`;
  if (on ? log?.isView === true && kept !== undefined : log?.isView === false && kept === undefined)
    return [];
  const oldLog = on ? log : kept;
  if (oldLog === undefined || oldLog.isView)
    throw new Error(
      on
        ? `there is no table ${place}: name the schema of the old system's tables`
        : `there is no table ${place}_old that could get its name back: ${place} was not replaced by --compat on`,
    );
  if (on && kept !== undefined)
    throw new Error(
      `the name ${place}_old, which the table ${place} would get, is taken: rename or drop that relation`,
    );
  if (!on && log?.isView === false)
    throw new Error(`${place} is a table, so ${place}_old cannot get that name: rename one of them`);
  for (const relation of [log, kept]) {
    if (relation === undefined || relation.owned) continue;
    throw new Error(
      `${source}.${relation.name} belongs to role ${relation.owner}, and only its owner may rename or replace it; this connection has role ${role}: run the command as ${relation.owner}, or GRANT ${quoted(relation.owner)} TO ${quoted(role)}`,
    );
  }
  if (!oldLog.mayCreate)
    throw new Error(
      `role ${role} may not create relations in the schema ${source}: as its owner, GRANT CREATE ON SCHEMA ${quoted(source)} TO ${quoted(role)}`,
    );
  const view = `${quoted(source)}.${quoted(OLD_LOG)}`;
  const old = `${quoted(source)}.${quoted(KEPT_LOG)}`;
  if (!on)
    return [
      ...(log === undefined ? [] : [`DROP VIEW ${view}`]),
      `ALTER TABLE ${old} RENAME TO ${quoted(OLD_LOG)}`,
      `DROP INDEX IF EXISTS ${compatIndexNames(source, table).join(", ")}`,
    ];
  return [
    `ALTER TABLE ${view} RENAME TO ${quoted(KEPT_LOG)}`,
    ...compatIndexes({ old, columns: oldLog.columns, table }),
    compatView({ view, old, columns: oldLog.columns, table, shard }),
    ...oldLog.readers.map((reader) => `GRANT SELECT ON ${view} TO ${reader}`),
  ];
}

const OLD_LOG = "signals_v4_log";
const KEPT_LOG = "signals_v4_log_old";

interface OldLog {
  readonly name: string;
  readonly isView: boolean;
  readonly owner: string;
  /** Whether this role is its owner or may act as it. */
  readonly owned: boolean;
  /** Whether this role may create relations beside it. */
  readonly mayCreate: boolean;
  /** Who may read it, as GRANT names them. */
  readonly readers: readonly string[];
  readonly columns: readonly LogColumn[];
}

const RELATIONS = `
  SELECT c.relname::text AS name, c.relkind = 'v' AS "isView", pg_get_userbyid(c.relowner)::text AS owner,
    pg_has_role(c.relowner, 'USAGE') AS owned, has_schema_privilege(c.relnamespace, 'CREATE') AS "mayCreate",
    ARRAY(
      SELECT DISTINCT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END
      FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) WHERE privilege_type = 'SELECT' ORDER BY 1
    ) AS readers,
    (
      SELECT coalesce(json_agg(json_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'required', a.attnotnull,
        'indexed', EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indkey[0] = a.attnum AND i.indpred IS NULL)
      ) ORDER BY a.attnum), '[]')
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS columns
  FROM pg_class c
  WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND c.relname IN ($2, $3)`;

async function readOldLog(query: Database["query"], source: string) {
  const relations = await query<OldLog>(RELATIONS, [source, OLD_LOG, KEPT_LOG]);
  const [user] = await query<{ role: string }>("SELECT current_user::text AS role");
  const named = (name: string): OldLog | undefined => relations.find((each) => each.name === name);
  return { role: user?.role ?? "", log: named(OLD_LOG), kept: named(KEPT_LOG) };
}
