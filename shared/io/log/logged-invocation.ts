import type { InvocationRecord } from "../../records.ts";
import type { Database } from "../postgres/database.ts";

/** What the log knows of a run on demand. */
export interface LoggedInvocation extends Pick<InvocationRecord, "kind" | "mode"> {
  readonly startedAt: Date;
  readonly requestedBy: string | null;
}

/** The run of this id, of any router of the database; undefined when none is logged. @throws DatabaseError */
export async function loggedInvocation(
  { query, table }: Pick<Database, "query" | "table">,
  id: string,
): Promise<LoggedInvocation | undefined> {
  const [row] = await query<LoggedInvocation>(
    `SELECT kind, mode, started_at AS "startedAt", requested_by AS "requestedBy"
     FROM ${table("invocations")} WHERE id = $1`,
    [id],
  );
  return row;
}
