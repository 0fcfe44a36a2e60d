import type { ExecutionStatus } from "../../../shared/reasons.ts";
import { printableJson } from "../../../shared/text.ts";
import { entryExecutionsSchema, foundExecutionsSchema } from "../../http/executions/schemas.ts";
import type { CommandIo } from "../command-io.ts";
import { currentTime } from "../log/times.ts";
import { plural } from "../replay/replay-text.ts";
import { executionsTable, tasksText } from "./text.ts";

/** `cli executions list` and `show`. */

export interface ListOptions {
  readonly failed: boolean;
  readonly status?: ExecutionStatus;
  readonly strategy?: string;
  readonly reason?: string;
  readonly symbol?: string;
  /** In ms. */
  readonly since?: number;
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
  readonly after?: string;
  readonly json: boolean;
}

/** Prints a page of executions. */
export async function listExecutions(options: ListOptions, io: CommandIo): Promise<void> {
  const { failed, status, strategy, reason, symbol, since, to, limit, after: cursor, json } = options;
  const from = since === undefined ? options.from : currentTime().getTime() - since;
  const query = {
    status: failed ? "failed" : status,
    strategy,
    reason,
    symbol,
    limit,
    cursor,
    from: isoOf(from),
    to: isoOf(to),
  };
  const page = await io.withRouter(async (router) =>
    router.ask({ path: "/executions", query, answer: foundExecutionsSchema }),
  );
  if (json) {
    io.print(printableJson(page));
    return;
  }
  if (page.executions.length > 0) io.print(executionsTable(page.executions, { ...io, now: currentTime() }));
  const more = page.next_cursor === null ? "" : `; older ones: the same with --after ${page.next_cursor}`;
  io.print(plural(page.executions.length, "execution") + more);
}

function isoOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** Prints what became of the tasks of an entry. */
export async function showExecutions(
  entry: string,
  { json }: { readonly json: boolean },
  io: CommandIo,
): Promise<void> {
  const found = await io.withRouter(async (router) =>
    router.ask({ path: `/executions/${entry}`, answer: entryExecutionsSchema }),
  );
  io.print(json ? printableJson(found) : tasksText(found));
}
