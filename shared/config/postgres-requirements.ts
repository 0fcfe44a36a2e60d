import type { Config } from "./config.ts";
import { READ_ONLY_REMEDY, WRITTEN_TABLES } from "./postgres-refusal.ts";
import { fault, ok, type Remark } from "./remark.ts";

/** Checks whether a database is fit for the router. */
export function postgresRemarks(
  { version, isStandby, pending, ...rights }: DatabaseFacts,
  { embedded }: { readonly embedded: boolean },
): readonly Remark[] {
  return [
    isStandby
      ? fault(
          `Postgres ${version} is a standby, which cannot be written to: point DATABASE_URL to its primary`,
        )
      : ok(`Postgres ${version}${embedded ? ", embedded" : ""}`),
    ...(rights.readOnly && !isStandby
      ? [fault(`Postgres is read-only for this user: ${READ_ONLY_REMEDY}`)]
      : []),
    schemaRemark(pending, embedded),
    ...(pending.length > 0 && !embedded ? [] : [privilegeRemark(rights)]),
  ];
}

export interface DatabaseFacts extends DatabaseRights {
  readonly version: string;
  readonly isStandby: boolean;
  /** Migrations that were not applied yet. */
  readonly pending: readonly string[];
}

export interface DatabaseRights {
  /** DATABASE_SCHEMA */
  readonly schema?: string | undefined;
  /** True on a standby, and where the user or the database is set to read-only. */
  readonly readOnly: boolean;
  /** What the user of DATABASE_URL needs and may not do. */
  readonly denied: readonly TablePrivilege[];
}

/** What keeps the router from its work in Postgres, as a clause; undefined when nothing does. */
export function rightsFault(rights: DatabaseRights): string | undefined {
  if (rights.readOnly) return `Postgres is read-only: ${READ_ONLY_REMEDY}`;
  return rights.denied.length > 0 ? deniedText(rights) : undefined;
}

export interface TablePrivilege {
  readonly table: (typeof READ)[number] | keyof typeof WRITE | "reference_changes";
  readonly privilege: "SELECT" | "INSERT" | "UPDATE" | "DELETE";
}

function schemaRemark(pending: readonly string[], embedded: boolean): Remark {
  if (pending.length === 0) return ok("its schema is up to date");
  const list = pending.join(", ");
  if (embedded) return ok(`the next start applies its missing migrations (${list})`);
  return fault(`the database of DATABASE_URL lacks migrations (${list}): run \`npm run migrate\``);
}

function privilegeRemark(rights: DatabaseRights): Remark {
  if (rights.denied.length === 0) return ok("its user may read the reference and write the log");
  return fault(deniedText(rights));
}

function deniedText({ schema, denied }: DatabaseRights): string {
  const prefix = schema === undefined ? "" : `${schema}.`;
  const list = denied.map(({ table, privilege }) => `${privilege} on ${prefix}${table}`).join(", ");
  const where =
    schema === undefined
      ? "whether its search_path has the tables' schema"
      : "whether DATABASE_SCHEMA is the tables' schema";
  return `the user of DATABASE_URL may not ${list}: GRANT it, and look ${where}`;
}

const READ = [
  "tickers",
  "signals",
  "strategies",
  "strategy_signals",
  "strategy_tickers",
  "ticker_aliases",
  "webhook_sources",
] as const;
/** With SELECT: ON CONFLICT reads. */
const WRITE = {
  reference_snapshots: ["SELECT", "INSERT"],
  signal_log: ["SELECT", "INSERT"],
  signal_log_entries: ["SELECT", "INSERT", "UPDATE"],
  invocations: ["SELECT", "INSERT", "UPDATE"],
  system_log: ["SELECT", "INSERT"],
} as const satisfies Record<(typeof WRITTEN_TABLES)[number], readonly TablePrivilege["privilege"][]>;
const REMOVED_FROM = ["signal_log", "signal_log_entries", "system_log"] as const;

/** What the router does with each table. */
export function neededPrivileges(config: Pick<Config, "logRetentionDays">): TablePrivilege[] {
  return [...READ.map((table): TablePrivilege => ({ table, privilege: "SELECT" })), ...logPrivileges(config)];
}

/** What it does with the tables that it writes to. */
export function logPrivileges({ logRetentionDays }: Pick<Config, "logRetentionDays">): TablePrivilege[] {
  return [
    ...WRITTEN_TABLES.flatMap((table) =>
      WRITE[table].map((privilege): TablePrivilege => ({ table, privilege })),
    ),
    ...(logRetentionDays === 0
      ? []
      : REMOVED_FROM.map((table): TablePrivilege => ({ table, privilege: "DELETE" }))),
  ];
}

/** Tables that are the router's own, whoever maintains the others. */
const OWN = ["ticker_aliases", "webhook_sources"] as const;

/** What editing the reference needs besides; a router that only reads it does not. `isForeign`: the others are another system's. */
export function editPrivileges({ isForeign }: { readonly isForeign: boolean }): TablePrivilege[] {
  return [
    ...(isForeign ? OWN : READ).flatMap((table) =>
      (["INSERT", "UPDATE", "DELETE"] as const).map((privilege): TablePrivilege => ({ table, privilege })),
    ),
    { table: "reference_changes", privilege: "SELECT" },
    { table: "reference_changes", privilege: "INSERT" },
  ];
}
