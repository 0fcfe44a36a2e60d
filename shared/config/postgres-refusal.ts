/** What an error of Postgres itself is, in words, and what ends it. */
export interface PostgresRefusal {
  /** A clause: `Postgres denies permission`. */
  readonly what: string;
  readonly remedy?: string;
}

/** Undefined for a state with nothing to add. @param said the error's own text */
export function postgresRefusal(sqlstate: string, said: string): PostgresRefusal | undefined {
  switch (sqlstate) {
    case "42501":
      return { what: "Postgres denies permission", remedy: grantFor(said) };
    case "25006":
      return { what: "Postgres is read-only", remedy: READ_ONLY_REMEDY };
    case "42P01":
      return {
        what: "Postgres lacks a table",
        remedy:
          "run `npm run migrate`; the router looks in DATABASE_SCHEMA, else in the search_path of the user",
      };
    case "3D000":
      return { what: "Postgres has no such database", remedy: "create it, or correct DATABASE_URL" };
    case "53100":
      return { what: "Postgres has no room on its disk", remedy: "free space there" };
    case "53300":
      return {
        what: "Postgres has no connection left",
        remedy: "raise max_connections, or end other clients",
      };
    default:
      return sqlstate.startsWith("28")
        ? {
            what: "Postgres refuses the user or the password",
            remedy: "correct DATABASE_URL, or pg_hba.conf",
          }
        : undefined;
  }
}

/** A standby, or a user or database that was set to read-only. */
export const READ_ONLY_REMEDY =
  "point DATABASE_URL to the primary, or, if it is one, ALTER ROLE or DATABASE … SET default_transaction_read_only = off";

/** The statement that gives what the message says is missing; the text is Postgres' own, in English. */
function grantFor(said: string): string {
  const [, kind = "", name = ""] = /permission denied for (\w+) ("[^"]+"|[\w.]+)/.exec(said) ?? [];
  const grant = GRANTS[kind];
  if (grant !== undefined) return `grant it: ${grant(name)}`;
  return /must be owner/.test(said)
    ? "run `npm run migrate` as the role that owns the tables"
    : "grant it to the user of DATABASE_URL; `npm run cli -- check` says what is needed";
}

/** Tables that the router writes to; all others, among them those of other systems, it only reads. */
export const WRITTEN_TABLES = [
  "reference_snapshots",
  "signal_log",
  "signal_log_entries",
  "invocations",
  "system_log",
] as const;

const isWritten = (name: string): boolean => WRITTEN_TABLES.some((table) => table === name);

const TO = "TO <the user of DATABASE_URL>";
const GRANTS: Readonly<Record<string, (name: string) => string>> = {
  schema: (name) => `GRANT USAGE, CREATE ON SCHEMA ${name} ${TO} (CREATE only for \`npm run migrate\`)`,
  table: (name) => `GRANT ${isWritten(name) ? "SELECT, INSERT, UPDATE, DELETE" : "SELECT"} ON ${name} ${TO}`,
  view: (name) => `GRANT SELECT ON ${name} ${TO}`,
  sequence: (name) => `GRANT USAGE ON SEQUENCE ${name} ${TO}`,
  database: (name) => `GRANT CONNECT, CREATE ON DATABASE ${name} ${TO}`,
};
