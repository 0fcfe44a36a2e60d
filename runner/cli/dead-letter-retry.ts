import type * as z from "zod";
import { printable } from "../../shared/text.ts";
import { pageSchema, RETRY_COUNT_MAX, retriedSeveralSchema } from "../http/dead-letters/schemas.ts";
import { EXIT_REFUSED, type CommandIo } from "./command-io.ts";
import { chosen } from "./dead-letters.ts";
import type { RouterRoutes } from "./router-routes.ts";

/** `cli dead-letters retry`: retries dead letters through the route of the router; it may need what only that process has. */

export interface RetryOptions {
  readonly all: boolean;
  readonly by?: string;
  readonly reason?: string;
}

/** Prints a line for each and a sum. Exit code 1 unless all are done and no strategy failed. @throws CliError */
export async function retryFromCli(
  ids: readonly string[],
  { all, by, reason }: RetryOptions,
  io: CommandIo,
): Promise<void> {
  const letters = chosen(ids, all);
  const sum = { done: 0, dead: 0, left: 0, gone: 0 };
  const invocations: string[] = [];
  let failed = 0;
  await io.withRouter(async (router) => {
    const wanted = letters === "all" ? await allIds(router) : letters;
    for (let at = 0; at < wanted.length; at += RETRY_COUNT_MAX) {
      const { invocation, counts, attempts } = await router.ask({
        method: "POST",
        path: "/dead-letters/retry",
        body: { ids: wanted.slice(at, at + RETRY_COUNT_MAX), by: by ?? io.user, reason },
        answer: retriedSeveralSchema,
      });
      for (const attempt of attempts) io.print(attemptText(attempt));
      for (const status of STATUSES) sum[status] += counts[status];
      failed += attempts.filter((attempt) => attempt.failed === true).length;
      if (invocation !== null) invocations.push(invocation);
    }
  });
  const parts = STATUSES.map((status) => `${sum[status]} ${status}`);
  const named = invocations.length === 0 ? "" : `; invocation ${invocations.join(", ")}`;
  io.print(`${parts.join(", ")}${named}`);
  // With --all another process may have retried some of them first.
  if (failed + sum.dead + sum.left + (all ? 0 : sum.gone) > 0) io.exitWith(EXIT_REFUSED);
}

const STATUSES = ["done", "dead", "left", "gone"] as const;

/** Those that are there now: one that is retried without success is a new dead letter, which is not retried again. */
async function allIds(router: RouterRoutes): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let after: string | undefined | null; after !== null;) {
    const query = { order: "oldest", limit: 200, after };
    const page: z.infer<typeof pageSchema> = await router.ask({
      path: "/dead-letters",
      query,
      answer: pageSchema,
    });
    ids.push(...page.dead_letters.map(({ id }) => id));
    after = page.next;
  }
  return ids;
}

type Attempt = z.infer<typeof retriedSeveralSchema>["attempts"][number];

function attemptText({ id, status, note }: Attempt): string {
  return printable(`${id}  ${status}${note === "" ? "" : `: ${note}`}`);
}
