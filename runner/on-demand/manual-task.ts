import { randomInt } from "node:crypto";
import { uidOfDecision } from "../../shared/decide/exit-uid.ts";
import { tickerOf } from "../../shared/decide/resolve-symbol.ts";
import type { Entry } from "../../shared/entry.ts";
import { findKnownStrategy } from "../../shared/find-strategy.ts";
import type { Direction, Side } from "../../shared/reference/reference.ts";
import type { Snapshot, SubscribedStrategy } from "../../shared/reference/snapshot.ts";
import { extraOf, NO_EXTRA, type Extra } from "../../shared/signal/extra.ts";
import { normaliseSymbol } from "../../shared/signal/signal.ts";
import { isoTime } from "../../shared/signal/time.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";

/** A run of one strategy that a person asks for, without a signal. */
export interface ManualRequest {
  /** Its id or name, as typed. */
  readonly strategy: string;
  /** As typed: of a ticker, or another spelling of it. */
  readonly symbol: string;
  readonly direction: Direction;
  /** The only side that an exit closes; default: both. */
  readonly side?: Side | undefined;
  /** Of the bar, milliseconds since 1970; default: the start of this minute. */
  readonly time?: number | undefined;
  /** The signal that the handler is told of; default: the first that the strategy subscribes to, of this direction if it can be. */
  readonly signalId?: number | undefined;
  /** What is to come along, as the fields of a signal. */
  readonly extra?: Extra | undefined;
  /** Default: a new one. */
  readonly invocation?: string | undefined;
}

/** Why it cannot be run, as the answer of a route. */
export interface ManualRefusal {
  readonly status: 404 | 409;
  readonly code: "no_such_strategy" | "no_signal" | "run_refused" | "no_dry_run" | "invocation_used";
  readonly detail: string;
  readonly hint: string;
  readonly issues?: readonly { readonly path: string; readonly message: string }[];
}

/** What was asked for, with what the reference has for it. */
export interface ManualTask {
  readonly strategy: SubscribedStrategy;
  readonly entry: Entry;
}

/** The task of the request: one of its invocation alone, so its uid, and with it its idempotency key, is no signal's. */
export function manualTask(
  { strategy: typed, symbol, direction, side, time, signalId, extra = NO_EXTRA }: ManualRequest,
  {
    snapshot,
    now,
    invocation,
  }: { readonly snapshot: Snapshot; readonly now: number; readonly invocation: string },
): ManualTask | ManualRefusal {
  const found = findKnownStrategy(typed, snapshot.strategies);
  if (!found.ok) {
    const hint = "cli reference list strategies has all of them";
    return { status: 404, code: "no_such_strategy", detail: found.fault, hint };
  }
  const { strategy } = found;
  const { id: strategyId, name } = strategy;
  const signal = signalId ?? firstSignal(strategyId, { direction, side }, snapshot);
  if (signal === undefined) {
    const detail = `${strategyLabel(strategyId, name)} subscribes to no signal, and its handler is told of one`;
    return {
      status: 409,
      code: "no_signal",
      detail,
      hint: "give `signal_id`, or let it subscribe to a signal",
    };
  }
  const { json: along, leftOut } = extraOf(extra);
  if (leftOut.length > 0) {
    const detail = `this does not go along with a signal: ${leftOut.join(", ")}`;
    const hint = "expected at most 32 fields, 512 bytes each, and 4 kB in all";
    return { status: 409, code: "run_refused", detail, hint };
  }
  const at = isoTime(now);
  const id = entryIdApart(now);
  const fields = {
    strategy_id: String(strategyId),
    strategy: name,
    signal_id: String(signal),
    symbol: tickerOf(symbol, snapshot) ?? normaliseSymbol(symbol),
    direction,
    ...(direction === "flat" ? { side: side ?? "" } : {}),
    time: isoTime(time ?? now - (now % 60_000)),
    received_at: at,
    log_uid: uidOfDecision(`manual:${invocation}`, { direction, side }),
    source: "manual",
    entry_id: id,
    invocation,
    snapshot: snapshot.version,
    sent_at: at,
    ...(along === null ? {} : { extra: along }),
  };
  return { strategy, entry: { id, fields } };
}

/** An entry id that Redis does not give: it would have to add so many entries within one millisecond. */
function entryIdApart(now: number): string {
  return `${now}-${randomInt(2 ** 40, 2 ** 41)}`;
}

function firstSignal(
  strategyId: number,
  { direction, side }: Pick<ManualRequest, "direction" | "side">,
  { subscriptions }: Snapshot,
): number | undefined {
  const own = [...subscriptions.values()].filter(({ strategy_ids: ids }) => ids.includes(strategyId));
  const fitting = own.filter(
    (one) => one.direction === direction && (side === undefined || one.side === side),
  );
  const ids = (fitting.length === 0 ? own : fitting).map(({ signal_id: id }) => id);
  return ids.length === 0 ? undefined : Math.min(...ids);
}
