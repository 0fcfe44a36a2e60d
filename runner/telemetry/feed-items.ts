import type { Redis } from "ioredis";
import type { Entry } from "../../shared/entry.ts";
import { strategyRowsOn } from "../../shared/io/status/strategy-rows.ts";
import { signalFieldsOf } from "../../shared/io/streams/signal-fields.ts";
import type { Keys } from "../../shared/keys.ts";
import { logRowsOf } from "../../shared/log-rows.ts";
import type { OutcomeRecord, SignalRecord } from "../../shared/records.ts";
import type { Direction, Side } from "../../shared/reference/reference.ts";
import { normaliseSymbol } from "../../shared/signal/signal.ts";
import { excerpt } from "../../shared/text.ts";

/** A decision, an attempt, an outcome or a worker's report as a viewer sees it, with the names of strategies. */
export type FeedItem = DecisionItem | OutcomeItem;

interface ItemSignal {
  readonly symbol: string | null;
  readonly message: string | null;
}

interface ItemCommon extends ItemSignal {
  /** Entry of `signal_results`. */
  readonly id: string;
  /** Entry of `signals_stream`; null where a worker named its task by the uid alone. */
  readonly entry_id: string | null;
  readonly invocation: string | null;
  readonly uid: string | null;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly status: string;
  readonly reason: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface DecisionItem extends ItemCommon {
  readonly kind: "decision";
  readonly direction: Direction | null;
  readonly side: Side | null;
  readonly source: string | null;
  readonly duplicate_of: string | null;
  readonly strategies: SignalRecord["outcomes"];
}

export interface OutcomeItem extends ItemCommon {
  /** `attempt`: it failed, and another one follows. */
  readonly kind: "attempt" | "outcome" | "report";
  readonly strategy_id: number;
  /** Null: the current snapshot has no such strategy. */
  readonly strategy: string | null;
  readonly attempt: number | null;
  readonly duration_ms: number | null;
}

/** Signals that are remembered, so that their outcomes are shown with symbol and the beginning of the phrase. */
const REMEMBERED_MAX = 5_000;
const UNKNOWN: ItemSignal = { symbol: null, message: null };

/** Makes items of records, in their order. */
export function feedItemsOn(
  redis: Redis,
  keys: Keys,
  symbolOf: (text: string) => Promise<string> = async (text) => normaliseSymbol(text),
): (entries: readonly Entry[]) => Promise<FeedItem[]> {
  const rowsOf = strategyRowsOn(redis, keys);
  const signals = new Map<string, ItemSignal>();
  function remember(entryId: string, { symbol, message }: ItemSignal): ItemSignal {
    const kept = { symbol, message: message === null ? null : excerpt(message) };
    signals.delete(entryId);
    signals.set(entryId, kept);
    const [oldest] = signals.keys();
    if (signals.size > REMEMBERED_MAX && oldest !== undefined) signals.delete(oldest);
    return kept;
  }
  /** A signal that was decided before the feed began is looked up in its stream. */
  async function signalOf(entryId: string | null): Promise<ItemSignal> {
    if (entryId === null) return UNKNOWN;
    const known = signals.get(entryId);
    if (known !== undefined) return known;
    const { symbol, message } = (await signalFieldsOf(redis, keys, entryId)) ?? {};
    const normal = symbol === undefined ? null : await symbolOf(symbol);
    return remember(entryId, { symbol: normal, message: message ?? null });
  }

  return async (entries) => {
    const items: FeedItem[] = [];
    const names = await rowsOf(await redis.get(keys.referenceCurrent));
    for (const entry of entries) {
      const parsed = logRowsOf(entry, "signal_results");
      if (!parsed.ok) continue;
      const { rows } = parsed;
      for (const { entryId, invocation, record } of rows.signals) {
        remember(entryId, record);
        items.push(decisionItem(entry.id, { entryId, invocation, record }));
      }
      const ended = [
        ...rows.attempts.map((row) => ({ ...row, kind: "attempt" as const })),
        ...rows.outcomes.map((row) => ({ ...row, kind: "outcome" as const })),
        ...rows.uidOutcomes.map((row) => ({ ...row, ...NO_ENTRY, kind: "outcome" as const })),
        ...rows.reports.map(({ uid, record }) => ({
          uid,
          ...NO_ENTRY,
          record: { ...record, reason: null, attempt: null, duration_ms: null },
          kind: "report" as const,
        })),
      ];
      for (const row of ended) {
        const name = names.get(row.record.strategy_id)?.name ?? null;
        items.push(outcomeItem(entry.id, { ...row, strategy: name, signal: await signalOf(row.entryId) }));
      }
    }
    return items;
  };
}

const NO_ENTRY = { entryId: null, invocation: null };

interface DecisionRow {
  readonly entryId: string;
  readonly invocation: string;
  readonly record: SignalRecord;
}

function decisionItem(id: string, { entryId, invocation, record }: DecisionRow): DecisionItem {
  const {
    uid,
    status,
    reason,
    detail,
    symbol,
    message,
    direction,
    side = null,
    source,
    duplicate_of,
  } = record;
  return {
    kind: "decision",
    id,
    entry_id: entryId,
    invocation,
    uid,
    at: record.decided_at,
    symbol,
    message,
    direction,
    side,
    source,
    status,
    reason,
    detail,
    duplicate_of,
    strategies: record.outcomes,
  };
}

interface EndedRow {
  readonly kind: OutcomeItem["kind"];
  readonly entryId: string | null;
  readonly invocation: string | null;
  readonly uid?: string;
  readonly record: Omit<OutcomeRecord, "status"> & { readonly status: string };
  readonly strategy: string | null;
  readonly signal: ItemSignal;
}

function outcomeItem(
  id: string,
  { kind, entryId, invocation, uid, record, strategy, signal }: EndedRow,
): OutcomeItem {
  const { strategy_id, status, reason, detail, attempt, duration_ms, at } = record;
  return {
    kind,
    id,
    entry_id: entryId,
    invocation,
    uid: uid ?? record.uid ?? null,
    at,
    ...signal,
    strategy_id,
    strategy,
    status,
    reason,
    detail,
    attempt,
    duration_ms,
  };
}
