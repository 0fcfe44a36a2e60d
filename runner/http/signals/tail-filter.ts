import type { FeedItem } from "../../telemetry/feed-items.ts";

/** What a tail shows of the feed; all conditions that are given must hold. */
export interface TailFilter {
  /** Id of a strategy: decisions for it, with its outcome alone, and what its tasks came to. */
  readonly strategy?: number | undefined;
  /** As records have it. */
  readonly symbol?: string | undefined;
  /** Of the decision, or of one of its outcomes; of a task. With `strategy`, that strategy's. */
  readonly status?: string | undefined;
  /** Only attempts and tasks that failed. */
  readonly failed?: boolean | undefined;
}

/** The item as it is to be shown; undefined when it is not. */
export function tailed(
  item: FeedItem,
  { strategy, symbol, status, failed }: TailFilter,
): FeedItem | undefined {
  if (symbol !== undefined && item.symbol !== symbol) return undefined;
  if (item.kind !== "decision") {
    if (strategy !== undefined && item.strategy_id !== strategy) return undefined;
    if (status !== undefined && item.status !== status) return undefined;
    return failed === true && item.status !== "failed" ? undefined : item;
  }
  if (failed === true) return undefined;
  const strategies =
    strategy === undefined
      ? item.strategies
      : item.strategies.filter(({ strategy_id }) => strategy_id === strategy);
  if (strategy !== undefined && strategies.length === 0) return undefined;
  const statuses = new Set<string>(strategies.map((outcome) => outcome.status));
  if (strategy === undefined) statuses.add(item.status);
  if (status !== undefined && !statuses.has(status)) return undefined;
  return strategy === undefined ? item : { ...item, strategies };
}
