import { markedAddresses } from "../../../functions/strategies/marked-addresses.ts";
import { HANDLERS } from "../../../functions/strategies/registry.ts";
import { PAUSE_ALL } from "../../../shared/decide/control.ts";
import { pauseNote } from "../../../shared/health/pauses.ts";
import { failingStrategies, type StrategiesHealth } from "../../../shared/health/strategies.ts";
import { ENDS_AGE_MS_MAX } from "../../../shared/health/task-ends.ts";
import type { StrategyActivity } from "../../../shared/io/log/strategy-activity.ts";
import type { Status } from "../../../shared/io/status/status.ts";
import { RUN_MS_BOUNDS } from "../../../shared/metrics.ts";
import { hidden } from "../../../shared/reference-document/shown-params.ts";
import type { Phrase, ReferenceContent, Strategy } from "../../../shared/reference/reference.ts";
import type { StrategyView } from "./strategy-schemas.ts";

/** Puts together what is known about one strategy: its row, its pauses, whether it can be run, and what it has done. */
export function strategyView(strategy: Strategy, facts: StrategyFacts): StrategyView {
  const { id, name, handler, params, symbols, exits, exit_age_ms_max, faults: _, ...flags } = strategy;
  const { status, health, signalNames, activity } = facts;
  const paused = pauseOf(id, status.paused);
  const done = activity?.find(({ strategyId }) => strategyId === id);
  return {
    id,
    name,
    state: stateOf(strategy, paused !== null),
    handler,
    params: hidden(params, new Set(markedAddresses({ handler, params }, HANDLERS))) as Record<
      string,
      unknown
    >,
    ...flags,
    exits: exits === true,
    exit_age_ms_max: exit_age_ms_max ?? null,
    tickers: symbols === null ? null : [...symbols],
    phrases: phrasesOf(id, facts.content).map(({ phrase, direction, side = null, state, signal_ids }) => ({
      phrase,
      direction,
      side,
      state,
      signal_ids: [...signal_ids],
      signals:
        signalNames === undefined ? null : signal_ids.map((signal) => signalNames.get(signal) ?? `${signal}`),
    })),
    paused,
    unusable: unusableOf(id, health),
    failing: failingStrategies(health).some(({ strategyId }) => strategyId === id),
    last_ends: endsOf(id, health),
    counters: countersOf(id, status.metrics),
    last_dispatch:
      done?.dispatched == null ? null : { at: done.dispatched.at, entry_id: done.dispatched.entryId },
    last_end:
      done?.ended == null
        ? null
        : {
            at: done.ended.at,
            entry_id: done.ended.entryId,
            status: done.ended.status,
            reason: done.ended.reason,
          },
  };
}

export interface StrategyFacts {
  readonly content: ReferenceContent;
  readonly status: Pick<Status, "paused" | "metrics">;
  readonly health: StrategiesHealth;
  /** Undefined while Postgres is unavailable. */
  readonly signalNames: ReadonlyMap<number, string> | undefined;
  readonly activity: readonly StrategyActivity[] | undefined;
}

function stateOf(
  { archived, enabled, allow_open, reverse, exits, shadow }: Strategy,
  isPaused: boolean,
): StrategyView["state"] {
  if (archived) return "archived";
  if (!enabled) return "disabled";
  const opens = allow_open || reverse;
  if (!opens && exits !== true) return "may_not_open";
  if (isPaused) return "paused";
  if (shadow) return "shadow";
  return opens ? "trades" : "may_not_open";
}

function phrasesOf(id: number, { phrases }: ReferenceContent): Phrase[] {
  return [...phrases.values()].filter(({ strategy_ids }) => strategy_ids.includes(id));
}

function pauseOf(id: number, paused: Status["paused"]): StrategyView["paused"] {
  const [own, all] = [paused[String(id)], paused[PAUSE_ALL]];
  const note = own ?? all;
  if (note === undefined) return null;
  const { at, by } = pauseNote(note);
  return { since: at === null ? null : new Date(at).toISOString(), by, all: own === undefined };
}

function unusableOf(id: number, { reports }: StrategiesHealth): StrategyView["unusable"] {
  const found = new Map<string, StrategyView["unusable"][number]>();
  for (const { consumer, unusable } of reports) {
    for (const { strategyId, reason, fault } of unusable) {
      if (strategyId !== id) continue;
      const known = found.get(fault) ?? { reason, fault, consumers: [] };
      known.consumers.push(consumer);
      found.set(fault, known);
    }
  }
  return [...found.values()];
}

function endsOf(id: number, { tasks, now }: StrategiesHealth): StrategyView["last_ends"] {
  const ends = tasks.find(({ strategyId }) => strategyId === id)?.ends ?? [];
  const kept = ends.filter(({ at }) => now - at <= ENDS_AGE_MS_MAX);
  if (kept.length === 0) return null;
  return { count: kept.length, failed: kept.filter(({ failed }) => failed).length };
}

function countersOf(id: number, metrics: Status["metrics"]): StrategyView["counters"] {
  const byStatus = (prefix: string): Record<string, number> =>
    Object.fromEntries(
      Object.entries(metrics).flatMap(([field, count]) =>
        field.startsWith(prefix) ? [[field.slice(prefix.length), count]] : [],
      ),
    );
  const runs = [...RUN_MS_BOUNDS, "inf"].reduce(
    (sum, bound) => sum + (metrics[`run_ms:${id}:le:${bound}`] ?? 0),
    0,
  );
  return {
    decided: byStatus(`strategy:${id}:`),
    ended: byStatus(`execution:${id}:`),
    attempts: metrics[`attempts:${id}`] ?? 0,
    run_ms_mean: runs === 0 ? null : (metrics[`run_ms:${id}:sum`] ?? 0) / runs,
  };
}
