import type { SubscribedStrategy } from "../../shared/reference/snapshot.ts";
import type { Extra } from "../../shared/signal/extra.ts";
import type { StrategyTask } from "../../shared/strategy.ts";
import { idempotencyKeyOf, type Task } from "../../shared/task.ts";

/** What a handler is given about a task: the same for a run and for a dry run. */
export function strategyTaskOf(
  task: Task,
  { id, name }: Pick<SubscribedStrategy, "id" | "name">,
  { extra, ...parts }: TaskParts,
): StrategyTask<never, never> {
  const { uid, signalId, symbol, direction, side, barTime, receivedAt, sentAt, source, entryId, invocation } =
    task;
  return {
    signal: {
      uid,
      signalId,
      symbol,
      direction,
      side,
      barTime,
      receivedAt,
      sentAt,
      source,
      entryId,
      invocation,
      extra: extra as never,
    },
    strategy: { id, name },
    idempotencyKey: idempotencyKeyOf(task),
    ...parts,
  };
}

export interface TaskParts extends Pick<StrategyTask<never>, "params" | "attempt" | "now" | "secret"> {
  /** As the handler's schema gives it. */
  readonly extra: Extra;
}
