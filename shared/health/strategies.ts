import { strategyLabel } from "../strategy-label.ts";
import { ageText, excerpt, printable } from "../text.ts";
import type { UnusableStrategy } from "../unusable-strategy.ts";
import { degraded, type Fault } from "./fault.ts";
import { ENDS_AGE_MS_MAX, isFailing, type TaskEnd } from "./task-ends.ts";

/** What is wrong with single strategies: they cannot be run, or fail again and again. */
export function strategyFaults(strategies: StrategiesHealth): Fault[] {
  return [
    ...named(unusableReasons(strategies), "cannot be run"),
    ...named(failingReasons(strategies), "are failing"),
  ].map(degraded);
}

export interface StrategiesHealth {
  /** Milliseconds since 1970, by Redis' clock. */
  readonly now: number;
  /** What each process found that runs strategies now. */
  readonly reports: readonly UnusableReport[];
  /** Consumers that run strategies now. */
  readonly consumers: number;
  readonly tasks: readonly StrategyTasks[];
}

/** The strategies that one process cannot run. */
export interface UnusableReport {
  readonly consumer: string;
  readonly unusable: readonly UnusableStrategy[];
}

/** How the last tasks of a strategy ended, with its row as it is now; oldest first. */
export interface StrategyTasks {
  readonly strategyId: number;
  readonly name: string;
  readonly ends: readonly TaskEnd[];
}

/** More than these are only counted. */
const NAMED_MAX = 20;

/** The strategies that are failing now. */
export function failingStrategies({ tasks, now }: Pick<StrategiesHealth, "tasks" | "now">): StrategyTasks[] {
  return tasks.filter(({ ends }) => isFailing(ends, now));
}

function unusableReasons({ reports, consumers }: StrategiesHealth): string[] {
  const found = new Map<string, { readonly strategy: UnusableStrategy; readonly at: string[] }>();
  for (const { consumer, unusable } of reports) {
    for (const strategy of unusable) {
      const key = `${strategy.strategyId} ${strategy.fault}`;
      const known = found.get(key) ?? { strategy, at: [] };
      known.at.push(consumer);
      found.set(key, known);
    }
  }
  return [...found.values()].map(({ strategy: { strategyId, name, fault }, at }) => {
    // Where all agree, it does not matter who says so.
    const where =
      at.length >= consumers ? "" : ` by ${at.join(", ")} (${at.length} of ${consumers} consumers)`;
    const why = excerpt(printable(fault.replaceAll(/\s+/g, " ")));
    return `${strategyLabel(strategyId, name)} cannot be run${where}: ${why}; its tasks fail until that is corrected`;
  });
}

function failingReasons(health: StrategiesHealth): string[] {
  return failingStrategies(health).map(({ strategyId, name, ends }) => {
    const kept = ends.filter(({ at }) => health.now - at <= ENDS_AGE_MS_MAX);
    const failed = kept.filter((end) => end.failed).length;
    const ago = ageText(health.now - (kept.at(-1)?.at ?? health.now));
    return (
      `${strategyLabel(strategyId, name)} is failing: ${failed} of its last ${kept.length} tasks ended failed, ` +
      `the last one ${ago} ago; GET /signals?strategy=${strategyId}&status=failed shows why. ` +
      "It is over with the next success or a change of its row"
    );
  });
}

function named(reasons: readonly string[], what: string): string[] {
  if (reasons.length <= NAMED_MAX) return [...reasons];
  return [...reasons.slice(0, NAMED_MAX), `${reasons.length - NAMED_MAX} more strategies ${what}`];
}
