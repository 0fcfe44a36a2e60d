import type { Claim } from "../shared/claim.ts";
import { decide, reject } from "../shared/decide/decide.ts";
import type { DecisionCache } from "../shared/decide/decision-cache.ts";
import type { Decision, DecisionContext, Verdict } from "../shared/decide/decision.ts";
import { duplicateOutcomes } from "../shared/decide/duplicate.ts";
import { uidOfDecision } from "../shared/decide/exit-uid.ts";
import { claimOf, resolveSignal } from "../shared/decide/resolve-symbol.ts";
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
import type { SignalRecord } from "../shared/records.ts";
import { parseSignal, recordedSymbol, type Signal, type SignalFacts } from "../shared/signal/signal.ts";
import { isoTime } from "../shared/signal/time.ts";
import { dispatchFieldsOf, signalFieldsOf, strategyFieldsOf } from "../shared/task-fields.ts";

/**
 * Decides each entry of `signals_stream`: validates it, finds the strategies that subscribe to it, and dispatches it to each
 * of them or says why not. The effects hold the tasks, the record and the counters.
 */
export const processSignals: PureFunction<SignalContext> = (entries, context) => {
  const { invocation, snapshot, forcedAt } = context;
  const batch: BatchContext = {
    ...context,
    ...(forcedAt === undefined ? {} : { anyAge: true }),
    decidedAt: isoTime(context.now),
    taskFields: dispatchFieldsOf({ invocation, snapshot: snapshot.version, forcedAt }),
    recordFields: { kind: "signal", invocation },
  };
  return entries.map((entry): Result => ({
    id: entry.id,
    status: "done",
    effects: signalEffects(entry, batch),
  }));
};

/** What process-signals needs besides the entries. */
export interface SignalContext extends DecisionContext {
  /** Makes deciding faster; the results are the same without it. */
  readonly cache?: SignalCache;
  /** `live`, or the id of the manual invocation the entries belong to. */
  readonly invocation: string;
  /**
   * Set for a forced replay, milliseconds since 1970: a uid that was dispatched before is dispatched again, but only once in
   * this invocation. No signal is too old, and the age of its tasks is counted from this time.
   */
  readonly forcedAt?: number;
  /** Uids of earlier decisions on these entries, by entry id, without what makes them those of exits: a signal keeps its uid. */
  readonly loggedUids?: ReadonlyMap<string, string>;
}

/** Keeps decisions, and what `processSignals` makes of them. */
export type SignalCache = DecisionCache<VerdictParts>;

/** What all signals with the same verdict have in common. */
interface VerdictParts {
  /** The fields of each task that differ between the strategies. */
  readonly taskElements: readonly Fields[];
  readonly counters: readonly string[];
  /** JSON of the outcomes, nearly half of a record: since it is kept, writing a record takes 2 µs instead of 5. */
  readonly outcomesJson: string;
}

/** The context, with what all signals of a batch have in common. */
interface BatchContext extends SignalContext {
  /** `now` as records have it. */
  readonly decidedAt: string;
  /** Fields that all tasks have in common. */
  readonly taskFields: Fields;
  /** Fields that all records have in common. */
  readonly recordFields: Fields;
}

function signalEffects(entry: Entry, context: BatchContext): Effects {
  const parsed = parseSignal(entry, context.now);
  if (parsed.status === "rejected") {
    return ignoredEffects(entry, parsed.facts, reject(parsed.faults), context);
  }
  const signal = resolveSignal(parsed.signal, context.snapshot, context.loggedUids?.get(entry.id));
  const decision = context.cache?.decide(signal, context) ?? decide(signal, context);
  const isShadowed = decision.reason === "shadow";
  if (decision.status !== "dispatched" && !isShadowed)
    return ignoredEffects(entry, signal, decision, context);
  const head = recordHead(signal, decision, context);
  const parts = partsOf(decision, context);
  const record = recordAppend(entry, head, parts, context);
  return {
    append: isShadowed ? [record] : [tasksAppend(signal, head, parts, context), record],
    count: parts.counters,
    // With SHADOW as well, so that a repeat is a duplicate where it would be one.
    claim: new SignalClaim(claimIn(context, claimOf(signal, decision)), () =>
      duplicateEffects(entry, signal, decision, context),
    ),
  };
}

/** A forced replay claims uids for itself. */
function claimIn({ forcedAt, invocation }: SignalContext, claim: Claim): Claim {
  if (forcedAt === undefined) return claim;
  const { uid, also } = claim;
  return { uid: `${invocation} ${uid}`, also: also === undefined ? also : `${invocation} ${also}` };
}

/**
 * The claim of a signal's uids; what happens when it is lost is made on demand, since few signals are duplicates.
 * A class, because V8 makes a hidden class for each object literal with a getter, which keeps alive what the getter needs
 * until the next full garbage collection. With the class, the pauses of small collections went from 7 ms to 1.5 ms.
 */
class SignalClaim implements Claim {
  readonly uid: string;
  readonly also: string | undefined;
  readonly #makeLost: () => Branch;

  constructor({ uid, also }: Claim, makeLost: () => Branch) {
    this.uid = uid;
    this.also = also;
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
  const parts = partsOf(decision, context);
  const head = recordHead(facts, decision, context);
  return { append: [recordAppend(entry, head, parts, context)], count: parts.counters };
}

/** What happens instead when another entry has dispatched the uid already. */
function duplicateEffects(
  entry: Entry,
  facts: SignalFacts,
  decision: Decision,
  context: BatchContext,
): Branch {
  const outcomes = duplicateOutcomes(decision.outcomes);
  const head: RecordHead = {
    ...recordHead(facts, decision, context),
    duplicate_of: HOLDER,
    status: "duplicate",
    reason: "duplicate_uid",
  };
  return {
    append: [recordAppend(entry, head, { outcomesJson: JSON.stringify(outcomes) }, context)],
    count: decisionCounters("duplicate", "duplicate_uid", outcomes),
  };
}

function partsOf(decision: Decision, { cache }: BatchContext): VerdictParts {
  return cache?.derived(decision, makeParts) ?? makeParts(decision);
}

function makeParts({ status, reason, outcomes }: Verdict): VerdictParts {
  const taskElements: Fields[] = [];
  for (const { status: outcome, strategy_id, strategy } of outcomes) {
    if (outcome === "dispatched") taskElements.push(strategyFieldsOf(strategy_id, strategy));
  }
  const counters = decisionCounters(status, reason, outcomes);
  return { taskElements, counters, outcomesJson: JSON.stringify(outcomes) };
}

/** One task per dispatched strategy. */
function tasksAppend(
  signal: Signal,
  head: RecordHead,
  { taskElements }: VerdictParts,
  { taskFields }: BatchContext,
): Append {
  return {
    stream: "strategy_input_stream",
    each: taskElements,
    fields: signalFieldsOf(signal, head),
    common: taskFields,
  };
}

/** A record without its outcomes, which come last. */
type RecordHead = Omit<SignalRecord, "outcomes">;

function recordAppend(
  entry: Entry,
  head: RecordHead,
  { outcomesJson }: Pick<VerdictParts, "outcomesJson">,
  { recordFields }: BatchContext,
): Append {
  const data = `${JSON.stringify(head).slice(0, -1)},"outcomes":${outcomesJson}}`;
  return { stream: "signal_results", fields: { entry_id: entry.id, data }, common: recordFields };
}

/** `duplicate_of` comes first: the commit replaces the first {@link HOLDER}, which must not be one in a producer's text. */
function recordHead(facts: SignalFacts, decision: Decision, context: BatchContext): RecordHead {
  const head: RecordHead = {
    duplicate_of: null,
    uid: facts.uid === null ? null : uidOfDecision(facts.uid, decision),
    status: decision.status,
    reason: decision.reason,
    detail: { ...decision.detail, ...facts.notes },
    signal_id: decision.signalId,
    direction: decision.direction,
    symbol: facts.symbol === null ? null : recordedSymbol(facts.symbol),
    message: facts.message,
    source: facts.source,
    raw: facts.raw,
    bar_time: facts.barTime === null ? null : isoTime(facts.barTime),
    sent_at: facts.sentAt === null ? null : isoTime(facts.sentAt),
    received_at: isoTime(facts.receivedAt),
    decided_at: context.decidedAt,
    snapshot: context.snapshot.version,
  };
  return decision.direction === "flat" ? { ...head, side: decision.side } : head;
}
