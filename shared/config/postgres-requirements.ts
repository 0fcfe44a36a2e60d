import type { Config } from "./config.ts";
import { READ_ONLY_REMEDY } from "./postgres-refusal.ts";
import { fault, ok, type Remark } from "./remark.ts";

/** Checks whether a database is fit for the router. */
export function postgresRemarks(
  { version, isStandby, readOnly, pending, denied }: DatabaseFacts,
  { embedded }: { readonly embedded: boolean },
): readonly Remark[] {
  return [
    isStandby
      ? fault(
          `Postgres ${version} is a standby, which cannot be written to: point DATABASE_URL to its primary`,
        )
      : ok(`Postgres ${version}${embedded ? ", embedded" : ""}`),
    ...(readOnly && !isStandby ? [fault(`Postgres is read-only for this user: ${READ_ONLY_REMEDY}`)] : []),
    schemaRemark(pending, embedded),
    ...(pending.length > 0 && !embedded ? [] : [privilegeRemark(denied)]),
  ];
}

export interface DatabaseFacts extends DatabaseRights {
  readonly version: string;
  readonly isStandby: boolean;
  /** Migrations that were not applied yet. */
  readonly pending: readonly string[];
}

export interface DatabaseRights {
  /** True on a standby, and where the user or the database is set to read-only. */
  readonly readOnly: boolean;
  /** What the user of DATABASE_URL needs and may not do. */
  readonly denied: readonly TablePrivilege[];
}

/** What keeps the router from its work in Postgres, as a clause; undefined when nothing does. */
export function rightsFault({ readOnly, denied }: DatabaseRights): string | undefined {
  if (readOnly) return `Postgres is read-only: ${READ_ONLY_REMEDY}`;
  return denied.length > 0 ? deniedText(denied) : undefined;
}

export interface TablePrivilege {
  readonly table: string;
  readonly privilege: "SELECT" | "INSERT" | "UPDATE" | "DELETE";
}

function schemaRemark(pending: readonly string[], embedded: boolean): Remark {
  if (pending.length === 0) return ok("its schema is up to date");
  const list = pending.join(", ");
  if (embedded) return ok(`the next start applies its missing migrations (${list})`);
  return fault(`the database of DATABASE_URL lacks migrations (${list}): run \`npm run migrate\``);
}

function privilegeRemark(denied: readonly TablePrivilege[]): Remark {
  if (denied.length === 0) return ok("its user may read the reference and write the log");
  return fault(deniedText(denied));
}

function deniedText(denied: readonly TablePrivilege[]): string {
  const list = denied.map(({ table, privilege }) => `${privilege} on ${table}`).join(", ");
  return `the user of DATABASE_URL may not ${list}: GRANT it, and look whether its search_path has the tables' schema`;
}

const READ = ["tickers", "signals", "strategies", "strategy_signals", "strategy_tickers"];
/** With SELECT: ON CONFLICT reads. */
const WRITE: Readonly<Record<string, readonly TablePrivilege["privilege"][]>> = {
  reference_snapshots: ["SELECT", "INSERT"],
  signal_log: ["SELECT", "INSERT"],
  signal_log_entries: ["SELECT", "INSERT", "UPDATE"],
  invocations: ["SELECT", "INSERT", "UPDATE"],
  system_log: ["SELECT", "INSERT"],
};
const REMOVED_FROM = ["signal_log", "signal_log_entries", "system_log"];

/** What the router does with each table. */
export function neededPrivileges(config: Pick<Config, "logRetentionDays">): TablePrivilege[] {
  return [...READ.map((table): TablePrivilege => ({ table, privilege: "SELECT" })), ...logPrivileges(config)];
}

/** What it does with the tables that it writes to. */
export function logPrivileges({ logRetentionDays }: Pick<Config, "logRetentionDays">): TablePrivilege[] {
  return [
    ...Object.entries(WRITE).flatMap(([table, privileges]) =>
      privileges.map((privilege): TablePrivilege => ({ table, privilege })),
    ),
    ...(logRetentionDays === 0
      ? []
      : REMOVED_FROM.map((table): TablePrivilege => ({ table, privilege: "DELETE" }))),
  ];
}
