import { sharedFields, type Branch } from "../../shared/function.ts";
import { idempotencyKeyOf } from "../../shared/task.ts";

/** A task that a replay adds, or would add. */
export interface ReplayTask {
  readonly strategy_id: number;
  readonly strategy: string;
  readonly idempotency_key: string;
}

/** The tasks that a decision adds when it is committed. */
export function tasksIn({ append }: Pick<Branch, "append">): ReplayTask[] {
  return append.flatMap((each) => {
    if (each.stream !== "strategy_input_stream") return [];
    const { log_uid: uid = "", invocation = "", forced_at } = sharedFields(each);
    const forcedAt = forced_at === undefined ? null : Date.parse(forced_at);
    return (each.each ?? []).map(({ strategy_id, strategy = "" }) => {
      const strategyId = Number(strategy_id);
      const idempotency_key = idempotencyKeyOf({ uid, strategyId, invocation, forcedAt });
      return { strategy_id: strategyId, strategy, idempotency_key };
    });
  });
}
