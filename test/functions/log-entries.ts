import { persistLog } from "../../functions/persist-log.ts";
import type { UnmatchedPorts } from "../../functions/unmatched-reports.ts";
import type { Entry, Fields } from "../../shared/entry.ts";
import type { Result, Unavailable } from "../../shared/function.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";

/** Entries for `persist-log`, and its results for them. */

export const AT = "2026-01-02T03:04:05.678Z";
const PAUSED = { strategy: "one", status: "ignored", reason: "paused", detail: {} };

export function outcomeEntry(id: number, strategyId: number): Entry {
  const data = {
    strategy_id: strategyId,
    status: "executed",
    reason: null,
    detail: {},
    attempt: 1,
    duration_ms: 5,
    at: AT,
  };
  return entry(id, { kind: "outcome", entry_id: `${id}-0`, invocation: "live", data: JSON.stringify(data) });
}

/** The record of a decision, with the outcomes of so many strategies. */
export function signalEntry(
  id: number,
  uid: string,
  { status = "ignored", outcomes = 0 }: { status?: string; outcomes?: number } = {},
): Entry {
  const data = {
    duplicate_of: null,
    uid,
    status,
    reason: status === "ignored" ? "no_strategies" : null,
    detail: {},
    signal_id: 1,
    direction: "long",
    symbol: "BTCUSDT",
    message: "UP",
    source: null,
    raw: { message: "UP" },
    bar_time: AT,
    sent_at: null,
    received_at: AT,
    decided_at: AT,
    snapshot: "v",
    outcomes: Array.from({ length: outcomes }, (_, i) => ({ ...PAUSED, strategy_id: i + 1 })),
  };
  return entry(id, { kind: "signal", entry_id: `${id}-0`, invocation: "live", data: JSON.stringify(data) });
}

export const entry = (id: number, fields: Fields): Entry => ({ id: `${id}-0`, fields });

/** Nothing waits for anything, and no record leads nowhere. */
export const NOTHING_UNMATCHED: UnmatchedPorts = {
  now: () => 0,
  pendingCount: async () => 0,
  pendingDecisions: async () => ({ uids: new Set(), until: "9-0" }),
  onUnknown: () => undefined,
};

/** The results, as `id: status` with the reason of dead ones, and whether the function yielded `unavailable`. */
export async function answers(
  entries: readonly Entry[],
  log: LogStore,
  stream: "signal_results" | "system_events" = "signal_results",
): Promise<{ results: Record<string, string>; unavailable: Unavailable | undefined; all: Result[] }> {
  const all: Result[] = [];
  let unavailable: Unavailable | undefined;
  for await (const answer of persistLog(entries, { ...NOTHING_UNMATCHED, stream, log })) {
    if ("status" in answer) unavailable = answer;
    else all.push(...answer);
  }
  const results = all.map((result) => [result.id, result.status === "dead" ? result.reason : result.status]);
  return { results: Object.fromEntries(results), unavailable, all };
}
