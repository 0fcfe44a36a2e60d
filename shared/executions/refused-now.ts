import type { Permission } from "../decide/execution.ts";
import type { ExecutionReason } from "../reasons.ts";
import { strategyLabel } from "../strategy-label.ts";
import { ageText } from "../text.ts";
import type { Refusal } from "./retry-verdict.ts";

/** Why a task is not put into the stream: the strategy as it is now would not run it. */
export function refusedNow(
  { reason, detail }: Extract<Permission, { run: false }>,
  { strategyId, strategy }: { readonly strategyId: number; readonly strategy: string | null },
): Refusal {
  const label = strategyLabel(strategyId, strategy);
  if (reason === "stale") {
    const [age, limit] = [detail["age_ms"], detail["age_ms_max"]].map((ms) => ageText(Number(ms)));
    const why = `its signal is ${age} old, and ${label} runs nothing older than ${limit}`;
    return { code: "stale_task", why, hint: "allow it with --allow-stale, or allow_stale in the request" };
  }
  if (reason === "paused" && detail["paused"] !== undefined)
    return notReady("every strategy is paused", "resume first: npm run cli -- resume");
  const [what, hint] = NOT_READY[reason] ?? [`cannot run now: ${reason}`, "correct that first"];
  return notReady(`${label} ${what}`, hint);
}

const NOT_READY: Partial<Record<ExecutionReason, readonly [what: string, hint: string]>> = {
  paused: ["is paused", "resume it first: npm run cli -- resume <strategy>"],
  strategy_disabled: ["is disabled", "set enabled to true first"],
  strategy_archived: ["is archived", "set archived to false first"],
  exits_not_taken: ["takes no exits", "set exits to true first"],
  shadow: ["is a shadow, which runs nothing", "set shadow to false first"],
  unknown_strategy: ["is not in the current reference", "add it again, or refresh the reference"],
};

/** The strategy cannot run its tasks: its row, its handler or its params have a fault. */
export function unusableNow(
  fault: string,
  { strategyId, strategy }: { readonly strategyId: number; readonly strategy: string | null },
): Refusal {
  return notReady(`${strategyLabel(strategyId, strategy)} cannot run: ${fault}`, "correct that first");
}

function notReady(why: string, hint: string): Refusal {
  return { code: "strategy_not_ready", why, hint };
}
