import type { Redis } from "ioredis";
import type { StrategyTasks } from "../../health/strategies.ts";
import type { Keys } from "../../keys.ts";
import type { StrategyRows } from "./strategy-rows.ts";
import { readTaskEnds } from "./task-ends.ts";
import { readReports, type StoredReport } from "./unusable-reports.ts";

/** Reads which strategies cannot be run, and how the last tasks of those ended that failed lately. */
export async function readStrategyStatus(
  redis: Redis,
  keys: Keys,
  rowsOf: Promise<StrategyRows>,
): Promise<StrategyStatus> {
  const [reports, ends, rows] = await Promise.all([
    readReports(redis, keys),
    readTaskEnds(redis, keys),
    rowsOf,
  ]);
  const tasks = [...ends].flatMap(([strategyId, all]): StrategyTasks[] => {
    const strategy = rows.get(strategyId);
    if (strategy === undefined) return [];
    // A change of the row begins anew.
    return [{ strategyId, name: strategy.name, ends: all.filter(({ row }) => row === strategy.row) }];
  });
  return {
    names: Object.fromEntries([...rows].map(([id, { name }]) => [id, name])),
    reports,
    tasks,
  };
}

/** What Redis holds about the strategies of the current snapshot. */
export interface StrategyStatus {
  /** By id. */
  readonly names: Readonly<Record<number, string>>;
  /** Also of processes that are gone. */
  readonly reports: readonly StoredReport[];
  /** Of strategies that failed lately; only the ends with the row as it is now. */
  readonly tasks: readonly StrategyTasks[];
}
