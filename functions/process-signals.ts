import type { Entry } from "../shared/entry.ts";
import { decide, reject, type Decision, type DecisionContext } from "../shared/decide.ts";
import {
  HOLDER,
  type Append,
  type Branch,
  type Effects,
  type PureFunction,
  type Result,
} from "../shared/function.ts";
import { decisionCounters } from "../shared/metrics.ts";
import type { RoutingOutcome, SignalRecord } from "../shared/records.ts";
import { parseSignal, type Signal, type SignalFacts } from "../shared/signal.ts";
import { cutText } from "../shared/text.ts";

/** Longest symbol in a record, in bytes: signal_log has an index on it, and Postgres' index rows end at 2,704 bytes. */
const SYMBOL_BYTES_MAX = 1024;

/** What process-signals needs besides the entries. */
export interface SignalContext extends DecisionContext {
  /** `live`, or the id of the manual invocation the entries belong to. */
  readonly invocation: string;
  /**
   * Set for a forced replay, milliseconds since 1970: a uid that was dispatched before is dispatched again, though once only
   * in this invocation; nothing is too old, and its tasks say so, since at execution their age counts from here.
   */
  readonly forcedAt?: number;
}

/**
 * Decides each entry of `signals_stream`: validates it, finds the strategies that subscribe to it and says for every
 * one of them dispatch or ignore, because … The effects hold the tasks, the record and the counters.
 */
export const processSignals: PureFunction<SignalContext> = (entries, context) =>
  entries.map((entry): Result => ({ id: entry.id, status: "done", effects: effectsOf(entry, context) }));

function effectsOf(entry: Entry, context: SignalContext): Effects {
  const parsed = parseSignal(entry, context.now);
  if (parsed.status === "rejected") {
    return ignoredEffects(entry, parsed.facts, reject(parsed.faults), context);
  }
  const { signal } = parsed;
  const forced = context.forcedAt !== undefined;
  const decision = decide(signal, forced ? { ...context, anyAge: true } : context);
  if (decision.status !== "dispatched") return ignoredEffects(entry, signal, decision, context);
  const record = recordOf(signal, decision, context);
  return {
    append: [tasks(signal, decision, context), published(entry, record, context)],
    count: decisionCounters("dispatched", null, decision.outcomes),
    claim: {
      uid: forced ? `${context.invocation} ${signal.uid}` : signal.uid,
      ifLost: duplicateEffects(entry, record, context),
    },
  };
}

function ignoredEffects(
  entry: Entry,
  facts: SignalFacts,
  decision: Decision,
  context: SignalContext,
): Effects {
  return {
    append: [published(entry, recordOf(facts, decision, context), context)],
    count: decisionCounters(decision.status, decision.reason, decision.outcomes),
  };
}

/** What happens instead when another entry has dispatched the uid already. */
function duplicateEffects(entry: Entry, record: SignalRecord, context: SignalContext): Branch {
  const outcomes = record.outcomes.map((outcome): RoutingOutcome =>
    outcome.status === "ignored" ? outcome : { ...outcome, status: "ignored", reason: "duplicate_uid" },
  );
  const duplicate: SignalRecord = {
    ...record,
    duplicate_of: HOLDER,
    status: "duplicate",
    reason: "duplicate_uid",
    outcomes,
  };
  return {
    append: [published(entry, duplicate, context)],
    count: decisionCounters("duplicate", "duplicate_uid", outcomes),
  };
}

/** One task per dispatched strategy. */
function tasks(signal: Signal, decision: Decision, context: SignalContext): Append {
  const each: Record<string, string>[] = [];
  for (const outcome of decision.outcomes) {
    if (outcome.status !== "dispatched") continue;
    each.push({ strategy_id: String(outcome.strategy_id), strategy: outcome.strategy });
  }
  return {
    stream: "strategy_input_stream",
    each,
    fields: {
      signal_id: String(decision.signalId),
      symbol: signal.symbol,
      direction: String(decision.direction),
      time: isoTime(signal.barTime),
      received_at: isoTime(signal.receivedAt),
      log_uid: signal.uid,
      source: signal.source ?? "",
      entry_id: signal.entryId,
      invocation: context.invocation,
      snapshot: context.snapshot.version,
      sent_at: signal.sentAt === null ? "" : isoTime(signal.sentAt),
      ...(context.forcedAt === undefined ? {} : { forced_at: isoTime(context.forcedAt) }),
    },
  };
}

function published(entry: Entry, record: SignalRecord, context: SignalContext): Append {
  const { invocation } = context;
  return {
    stream: "signal_results",
    fields: { kind: "signal", entry_id: entry.id, invocation, data: JSON.stringify(record) },
  };
}

/** `duplicate_of` comes first: the holder's id goes where {@link HOLDER} stands first, never into a producer's text. */
function recordOf(facts: SignalFacts, decision: Decision, context: SignalContext): SignalRecord {
  return {
    duplicate_of: null,
    uid: facts.uid,
    status: decision.status,
    reason: decision.reason,
    detail: { ...decision.detail, ...facts.notes },
    signal_id: decision.signalId,
    direction: decision.direction,
    symbol: facts.symbol === null ? null : cutText(facts.symbol, SYMBOL_BYTES_MAX),
    message: facts.message,
    source: facts.source,
    raw: facts.raw,
    bar_time: facts.barTime === null ? null : isoTime(facts.barTime),
    sent_at: facts.sentAt === null ? null : isoTime(facts.sentAt),
    received_at: isoTime(facts.receivedAt),
    decided_at: isoTime(context.now),
    snapshot: context.snapshot.version,
    outcomes: [...decision.outcomes],
  };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
