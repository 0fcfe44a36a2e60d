import { decide, reject, type DecisionContext } from "../shared/decide/decide.ts";
import { DecisionCache } from "../shared/decide/decision-cache.ts";
import type { Decision } from "../shared/decide/decision.ts";
import type { Entry, Fields } from "../shared/entry.ts";
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
import { parseSignal, type Signal, type SignalFacts } from "../shared/signal/signal.ts";
import { isoTime } from "../shared/signal/time.ts";
import { cutText } from "../shared/text.ts";

/** Longest symbol in a record, in bytes: signal_log has an index on it, and Postgres' index rows end at 2,704 bytes. */
const SYMBOL_BYTES_MAX = 1024;

/** What process-signals needs besides the entries. */
export interface SignalContext extends DecisionContext {
  /** Default: one for this batch. */
  readonly cache?: SignalMemo;
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
export const processSignals: PureFunction<SignalContext> = (entries, context) => {
  const { invocation, snapshot, forcedAt } = context;
  const batch: BatchContext = {
    ...context,
    ...(forcedAt === undefined ? {} : { anyAge: true }),
    decidedAt: isoTime(context.now),
    cache: context.cache ?? new DecisionCache(),
    taskFields: {
      invocation,
      snapshot: snapshot.version,
      ...(forcedAt === undefined ? {} : { forced_at: isoTime(forcedAt) }),
    },
    recordFields: { kind: "signal", invocation },
  };
  return entries.map((entry): Result => ({ id: entry.id, status: "done", effects: effectsOf(entry, batch) }));
};

/** What is the same for many signals of a batch is made once. */
interface BatchContext extends SignalContext {
  /** `now` as records have it. */
  readonly decidedAt: string;
  readonly cache: SignalMemo;
  /** Fields that all tasks have in common. */
  readonly taskFields: Fields;
  /** Fields that all records have in common. */
  readonly recordFields: Fields;
}

/** What `processSignals` need not make again while snapshot and control are the same. */
export type SignalMemo = DecisionCache<Common>;

/** What all signals with the same outcomes have in common. */
interface Common {
  /** Own fields of each task. */
  readonly each: readonly Fields[];
  readonly counters: readonly string[];
  /** JSON of the outcomes, nearly half of a record: without it writing one takes 2 µs instead of 5. */
  readonly outcomesJson: string;
}

function effectsOf(entry: Entry, context: BatchContext): Effects {
  const parsed = parseSignal(entry, context.now);
  if (parsed.status === "rejected") {
    return ignoredEffects(entry, parsed.facts, reject(parsed.faults), context);
  }
  const { signal } = parsed;
  const decision = decide(signal, context);
  if (decision.status !== "dispatched") return ignoredEffects(entry, signal, decision, context);
  const record = recordOf(signal, decision, context);
  const common = commonOf(decision, context);
  return {
    append: [tasks(signal, record, common, context), published(entry, record, common, context)],
    count: common.counters,
    claim: new SignalClaim(
      context.forcedAt === undefined ? signal.uid : `${context.invocation} ${signal.uid}`,
      () => duplicateEffects(entry, signal, decision, context),
    ),
  };
}

/**
 * The claim of a signal's uid; what happens when it is lost is made when it is asked for, since few signals are duplicates.
 * A class, because V8 makes a hidden class of its own for each object written with a getter, which kept everything the getter
 * needs alive until the next full collection: without it the pauses of small ones went from 7 ms to 1.5 ms.
 */
class SignalClaim {
  readonly uid: string;
  readonly #makeLost: () => Branch;

  constructor(uid: string, makeLost: () => Branch) {
    this.uid = uid;
    this.#makeLost = makeLost;
  }

  get ifLost(): Branch {
    return this.#makeLost();
  }
}

function ignoredEffects(
  entry: Entry,
  facts: SignalFacts,
  decision: Decision,
  context: BatchContext,
): Effects {
  const common = commonOf(decision, context);
  return {
    append: [published(entry, recordOf(facts, decision, context), common, context)],
    count: common.counters,
  };
}

/** What happens instead when another entry has dispatched the uid already. */
function duplicateEffects(
  entry: Entry,
  facts: SignalFacts,
  decision: Decision,
  context: BatchContext,
): Branch {
  const outcomes = decision.outcomes.map((outcome): RoutingOutcome =>
    outcome.status === "ignored" ? outcome : { ...outcome, status: "ignored", reason: "duplicate_uid" },
  );
  const duplicate: RecordHead = {
    ...recordOf(facts, decision, context),
    duplicate_of: HOLDER,
    status: "duplicate",
    reason: "duplicate_uid",
  };
  const outcomesJson = JSON.stringify(outcomes);
  return {
    append: [published(entry, duplicate, { outcomesJson }, context)],
    count: decisionCounters("duplicate", "duplicate_uid", outcomes),
  };
}

function commonOf({ status, reason, outcomes }: Decision, { cache }: BatchContext): Common {
  const known = cache.derived(outcomes);
  if (known !== undefined) return known;
  const each: Fields[] = [];
  for (const { status: outcome, strategy_id, strategy } of outcomes) {
    if (outcome === "dispatched") each.push({ strategy_id: String(strategy_id), strategy });
  }
  const counters = decisionCounters(status, reason, outcomes);
  const common = { each, counters, outcomesJson: JSON.stringify(outcomes) };
  cache.keepDerived(outcomes, common);
  return common;
}

/** One task per dispatched strategy. */
function tasks(signal: Signal, record: RecordHead, { each }: Common, context: BatchContext): Append {
  return {
    stream: "strategy_input_stream",
    each,
    fields: {
      signal_id: String(record.signal_id),
      symbol: signal.symbol,
      direction: String(record.direction),
      time: record.bar_time ?? "",
      received_at: record.received_at,
      log_uid: signal.uid,
      source: signal.source ?? "",
      entry_id: signal.entryId,
      sent_at: record.sent_at ?? "",
    },
    common: context.taskFields,
  };
}

/** A record but for its outcomes, which come last. */
type RecordHead = Omit<SignalRecord, "outcomes">;

function published(
  entry: Entry,
  head: RecordHead,
  { outcomesJson }: Pick<Common, "outcomesJson">,
  { recordFields }: BatchContext,
): Append {
  const data = `${JSON.stringify(head).slice(0, -1)},"outcomes":${outcomesJson}}`;
  return { stream: "signal_results", fields: { entry_id: entry.id, data }, common: recordFields };
}

/** `duplicate_of` comes first: the holder's id goes where {@link HOLDER} stands first, never into a producer's text. */
function recordOf(facts: SignalFacts, decision: Decision, context: BatchContext): RecordHead {
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
    decided_at: context.decidedAt,
    snapshot: context.snapshot.version,
  };
}
