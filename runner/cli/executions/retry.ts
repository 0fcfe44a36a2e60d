import { setTimeout as sleep } from "node:timers/promises";
import type * as z from "zod";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { printable, printableJson } from "../../../shared/text.ts";
import {
  entryExecutionsSchema,
  retriedExecutionSchema,
  type EntryExecutionsView,
} from "../../http/executions/schemas.ts";
import { EXIT_REFUSED, type CommandIo } from "../command-io.ts";
import type { RouterRoutes } from "../router-routes.ts";
import { runText } from "./text.ts";

/** `cli executions retry`. */

export interface RetryOptions {
  readonly strategy: string;
  readonly reason: string;
  readonly invocation: string;
  readonly allowStale: boolean;
  /** Seconds. */
  readonly wait: number;
  readonly by?: string;
  readonly json: boolean;
}

type Retried = z.infer<typeof retriedExecutionSchema>;
type Run = EntryExecutionsView["tasks"][number]["runs"][number];

/** Runs a task again and prints what it came to. @throws CliError when it cannot be run again */
export async function retryTask(entry: string, options: RetryOptions, io: CommandIo): Promise<void> {
  const { strategy, reason, invocation, allowStale: allow_stale, wait, by = io.user, json } = options;
  await io.withRouter(async (router) => {
    const retried = await router.ask({
      method: "POST",
      path: `/executions/${entry}/retry`,
      body: { strategy, invocation, allow_stale, by, reason },
      answer: retriedExecutionSchema,
    });
    if (!json) sayBegun(retried, io);
    const run = retried.dead_letter === null ? await runOf(retried, wait * 1_000, router) : undefined;
    if (json) io.print(printableJson({ ...retried, run: run ?? null }));
    else io.print(printable(endLine(retried, run, wait)));
    if (!wentWell(retried, run)) io.exitWith(EXIT_REFUSED);
  });
}

function sayBegun(
  { entry_id, strategy_id, strategy, retry, idempotency_key, warning }: Retried,
  io: CommandIo,
) {
  const label = strategyLabel(strategy_id, strategy);
  io.print(printable(`${label} runs its task of entry ${entry_id} again: retry ${retry}`));
  io.print(`idempotency key ${idempotency_key}, that of the first run`);
  if (warning !== null) io.say(printable(`! ${warning}`));
}

/** The run of this retry, as soon as the log has it; undefined when it does not within `msMax`. */
async function runOf(retried: Retried, msMax: number, router: RouterRoutes): Promise<Run | undefined> {
  const { entry_id, strategy_id, invocation, retry } = retried;
  const end = performance.now() + msMax;
  for (;;) {
    const { tasks } = await router.ask({ path: `/executions/${entry_id}`, answer: entryExecutionsSchema });
    const run = tasks
      .find((task) => task.strategy_id === strategy_id && task.invocation === invocation)
      ?.runs.find((one) => one.retry?.id === retry);
    if (run !== undefined || performance.now() >= end) return run;
    await sleep(ASK_AGAIN_MS);
  }
}

const ASK_AGAIN_MS = 250;

function endLine({ dead_letter, entry_id }: Retried, run: Run | undefined, wait: number): string {
  if (dead_letter !== null) return `its dead letter ${dead_letter.id} was retried: ${dead_letter.note}`;
  if (run !== undefined) return runText({ ...run, retry: null });
  return `the log has no outcome of it after ${wait} s: ask with executions show ${entry_id}`;
}

function wentWell({ dead_letter }: Retried, run: Run | undefined): boolean {
  if (dead_letter === null) return run?.status === "executed" || run?.status === "delegated";
  return dead_letter.status === "done" && /^(?:executed|delegated)\b/.test(dead_letter.note);
}
